"""Forests of XGBoost, LightGBM and HistGradientBoosting in the neutral form: they score as their trainers do."""

import lightgbm
import numpy as np
import pytest
import xgboost
from neutral import scores
from sklearn import ensemble

from ophion.contract import Spec
from ophion.native import NotExportable, export_estimator
from ophion.native.forest import Forest, bit_set, live_nodes
from ophion.native.lightgbm_trees import from_text

FEATURES = ("a", "b", "kind", "d")
SPECS = {
    "two": Spec("classification", FEATURES, ("no", "yes")),
    "three": Spec("classification", FEATURES, ("no", "yes", "very")),
    "regression": Spec("regression", FEATURES, targets=("y",)),
}


def events(missing=False, n=1200, seed=0):
    """Features: two of ordinary numbers, categories with gaps up to 70, numbers about as small as LightGBM's zero."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((n, 4)).astype(np.float32)
    x[:, 2] = random.choice([0, 1, 2, 5, 7, 33, 40, 64, 70], n)
    x[:, 3] *= np.float32(1e-34)
    two = ((x[:, 0] > 0) ^ np.isin(x[:, 2], [1, 5, 40])).astype(int)
    answers = {"two": two, "three": two + (x[:, 3] > 0), "regression": 2 * two + x[:, 0] + 4}
    if missing:
        x[random.random(x.shape) < 0.1] = np.nan
    return x, answers


def lgb(task, **params):
    kind = lightgbm.LGBMRegressor if task == "regression" else lightgbm.LGBMClassifier
    return kind(**{"n_estimators": 8, "verbose": -1, "min_child_samples": 5, "n_jobs": 1, "boost_from_average": True} | params)


def xgb(task, **params):
    kind = xgboost.XGBRegressor if task == "regression" else xgboost.XGBClassifier
    return kind(**{"n_estimators": 8, "n_jobs": 1} | params)


def histogram(task, **params):
    kind = ensemble.HistGradientBoostingRegressor if task == "regression" else ensemble.HistGradientBoostingClassifier
    return kind(max_iter=8, **params)


CATEGORIES = {
    lgb: {"categorical_feature": [2], "max_cat_to_onehot": 1, "cat_smooth": 1, "min_data_per_group": 5},
    xgb: {"enable_categorical": True, "feature_types": ["q", "q", "c", "q"], "max_cat_to_onehot": 1},
    histogram: {"categorical_features": [2]},
}


def probe(random, x):
    """Events of the training, some with categories it has not seen, numbers that are missing, and about zero."""
    x = x[:300].copy()
    x[:, 2] = np.where(random.random(300) < 0.3, random.integers(-3, 130, 300), x[:, 2])
    x[:, 3] = np.where(random.random(300) < 0.3, random.choice(np.float32([0, 1e-35, -1e-35, 1e-36, -9e-36]), 300), x[:, 3])
    x[random.random(x.shape) < 0.1] = np.nan
    return x


def expected(estimator, x, task):
    if task == "regression":
        return estimator.predict(x)[:, None]
    return estimator.predict_proba(x)[:, 1:] if task == "two" else estimator.predict_proba(x)


def agree(estimator, task, x):
    members = export_estimator(estimator, SPECS[task])
    theirs = expected(estimator, x, task)
    assert np.ptp(theirs) > 0.01
    assert scores(members, x) == pytest.approx(theirs, rel=3e-6, abs=1e-6)
    return members


@pytest.mark.filterwarnings("ignore")  # LightGBM says of categorical_feature among its params that it ignores them, and heeds them
@pytest.mark.parametrize("task", SPECS)
@pytest.mark.parametrize("missing", [False, True], ids=["whole", "missing"])
@pytest.mark.parametrize("categorical", [False, True], ids=["numbers", "categories"])
@pytest.mark.parametrize("trainer", [lgb, xgb, histogram], ids=lambda one: one.__name__)
def test_a_boosted_forest_scores_as_its_trainer_does(trainer, categorical, missing, task):
    x, answers = events(missing)
    estimator = trainer(task, **(CATEGORIES[trainer] if categorical else {})).fit(x, answers[task])
    members = agree(estimator, task, probe(np.random.default_rng(3), x))
    assert (b"set_words" in members["arrays.safetensors"]) == categorical


@pytest.mark.parametrize(
    "estimator, task",
    [
        (lgb("two", boosting_type="rf", subsample=0.5, subsample_freq=1), "two"),
        (lgb("three", boosting_type="rf", subsample=0.5, subsample_freq=1), "three"),
        (lgb("two", boosting_type="dart"), "two"),
        (lgb("two", sigmoid=0.7), "two"),
        (lgb("three", objective="multiclassova", sigmoid=0.7), "three"),
        *((lgb("regression", objective=one), "regression") for one in ("poisson", "gamma", "tweedie", "huber", "quantile", "mape")),
        (xgb("two", booster="dart", rate_drop=0.5), "two"),
        (xgb("three", booster="dart", rate_drop=0.5), "three"),
        (xgb("two", objective="binary:logitraw"), "two"),
        (xgb("two", tree_method="exact", gamma=5), "two"),  # prunes, and leaves the nodes lying about
        (xgb("two", base_score=0.2), "two"),
        (xgb("regression", objective="reg:quantileerror", quantile_alpha=0.3), "regression"),
        *((xgb("regression", objective=one), "regression") for one in ("count:poisson", "reg:gamma", "reg:tweedie", "reg:absoluteerror")),
        (xgboost.XGBRFClassifier(n_estimators=8, n_jobs=1), "three"),
        *((ensemble.HistGradientBoostingRegressor(loss=one, max_iter=8), "regression") for one in ("poisson", "gamma", "absolute_error")),
    ],
    ids=str,
)
def test_every_way_to_boost_and_every_link(estimator, task):
    x, answers = events()
    agree(estimator.fit(x, answers[task]), task, x[:200])


@pytest.mark.filterwarnings("ignore:The argument 'eval_set'")
def test_the_best_iteration_is_what_counts():
    x, answers = events()
    wrong = [(x, 1 - answers["two"])]  # better nowhere: it stops at once
    for estimator in (lgb("two", n_estimators=50, early_stopping_rounds=3), xgb("two", n_estimators=50, early_stopping_rounds=3)):
        estimator.fit(x, answers["two"], eval_set=wrong)
        members = export_estimator(estimator, SPECS["two"])
        assert scores(members, x[:50]) == pytest.approx(estimator.predict_proba(x[:50])[:, 1:], abs=1e-6)
        assert len(members["arrays.safetensors"]) < 5000, "one tree, not four"


def test_linear_boosting_is_one_dense_layer():
    x, answers = events()
    x = np.nan_to_num(x)
    for task in SPECS:
        agree(xgb(task, booster="gblinear").fit(x, answers[task]), task, x[:200])


def test_several_targets_of_xgboost():
    x, answers = events()
    y = np.stack([answers["regression"], -2 * answers["regression"] + x[:, 0]], axis=1)
    spec = Spec("regression", FEATURES, targets=("y", "z"))
    for strategy in ("one_output_per_tree", "multi_output_tree"):
        estimator = xgb("regression", multi_strategy=strategy).fit(x, y)
        members = export_estimator(estimator, spec)
        assert scores(members, x[:200]) == pytest.approx(estimator.predict(x[:200]), rel=3e-6, abs=1e-5)


@pytest.mark.parametrize(
    "estimator, task, reason",
    [
        (lgb("regression", linear_tree=True), "regression", "LightGBM with linear trees"),
        (lgb("two", zero_as_missing=True), "two", "LightGBM with zero_as_missing"),
        (lgb("regression", reg_sqrt=True), "regression", "LightGBM with the objective 'regression sqrt'"),
        (xgb("two", objective="binary:hinge"), "two", "XGBoost with the objective 'binary:hinge'"),
        (xgb("two", missing=-999), "two", "XGBClassifier with missing=-999: only NaN can be missing"),
    ],
    ids=lambda one: one if isinstance(one, str) else "of",
)
def test_what_a_forest_cannot_say_is_refused_by_name(estimator, task, reason):
    x, answers = events(missing=True)
    with pytest.raises(NotExportable) as refusal:
        export_estimator(estimator.fit(x, answers[task]), SPECS[task])
    assert str(refusal.value) == reason


@pytest.mark.parametrize(
    "category, reason",
    [(0.5, "the category 0.5 of feature 2"), (-3, "the category -3 of feature 2"), (1e5, "the category 100000: there")],
)
def test_categories_that_are_no_small_whole_numbers_are_refused_by_name(category, reason):
    x, answers = events()
    x[x[:, 2] == 5, 2] = category
    with pytest.raises(NotExportable, match=reason):
        export_estimator(histogram("two", categorical_features=[2]).fit(x, answers["two"]), SPECS["two"])


@pytest.mark.filterwarnings("ignore:categorical_feature keyword")
def test_swapped_categories_are_found():
    x, answers = events()
    estimator = lgb("two", **CATEGORIES[lgb]).fit(x, answers["two"])
    forest = from_text(estimator.booster_.model_to_string(), 4, 1)
    forest.arrays["set_words"][0] ^= 2  # category 1 goes the other way
    with pytest.raises(NotExportable, match=r"L: tree 0 sends an event to leaf \d+, its native form to leaf \d+"):
        forest.demand_leaves(lambda x: estimator.booster_.predict(x, pred_leaf=True), "L")


def test_a_set_of_categories():
    assert bit_set(np.array([0, 5, 33])).tolist() == [33, 2]
    assert bit_set(np.array([], int)).tolist() == [0]


@pytest.mark.parametrize(
    "left, right, reason",
    [
        ([1, 0, -1], [2, 2, -1], "two ways lead to one node"),
        ([1, -1, -1], [1, -1, -1], "two ways lead to one node"),
        ([1, -1, -1], [7, -1, -1], "node 0 leads to node 7 of 3"),
        ([1, -1, -1], [-2, -1, -1], "node 0 leads to node -2 of 3"),
        ([], [], "has no nodes"),
    ],
)
def test_a_tree_of_a_file_that_is_none_is_refused(left, right, reason):
    with pytest.raises(NotExportable, match=reason):
        live_nodes(np.array(left, int), np.array(right, int), "tree 0")


def test_a_forest_keeps_sets_only_when_there_are_some():
    forest = Forest(1, 1, link="identity", takes_missing=True)
    forest.add_tree([0, -1, -1], np.zeros(3, np.float32), [1, 0, 0], [2, 0, 0], [0.0, 1.0, 2.0], output=0)
    assert not {"category_set", "set_first", "set_words", "other_left"} & forest.arrays.keys()
