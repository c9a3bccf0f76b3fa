"""scikit-learn's estimators in the neutral form: exact thresholds, the trainers' own leaves, and what is refused."""

import json

import numpy as np
import pytest
import safetensors.numpy
import sklearn
from neutral import scores
from sklearn import discriminant_analysis, ensemble, linear_model, multiclass, naive_bayes, neural_network, svm, tree

from ophion.contract import Spec
from ophion.native import NotExportable, export_estimator
from ophion.native.forest import Forest, round_down

FEATURES = ("a", "b", "c")
TWO = Spec("classification", FEATURES, ("no", "yes"))


def events(n=400, seed=1):
    random = np.random.default_rng(seed)
    x = random.standard_normal((n, 3)).astype(np.float32)
    return x, (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(np.int32)


def test_round_down_keeps_every_float32_on_its_side():
    random = np.random.default_rng(2)
    exact = random.standard_normal(1000).astype(np.float32)
    for threshold in (exact.astype(np.float64), exact + 1e-12, exact - 1e-12, np.float64([1e-300, -1e-300, 0.0])):
        rounded = round_down(threshold)
        for x in (rounded, np.nextafter(rounded, np.float32(np.inf)), np.nextafter(rounded, np.float32(-np.inf))):
            assert np.array_equal(x <= rounded, x.astype(np.float64) <= threshold)


def test_a_forest_whose_leaves_are_not_the_trainers_is_refused():
    x, y = events()
    model = tree.DecisionTreeClassifier(max_depth=3).fit(x, y)
    nodes = model.tree_
    forest = Forest(3, 1, link="identity", takes_missing=False)
    thresholds = round_down(nodes.threshold)
    inner = np.flatnonzero(nodes.children_left >= 0)
    thresholds[inner[0]] = np.nextafter(thresholds[inner[0]], np.float32(-np.inf))  # off by one float
    forest.add_tree(nodes.feature, thresholds, nodes.children_left, nodes.children_right, nodes.value[:, 0, 1:])
    with pytest.raises(NotExportable, match=r"Tree: tree 0 sends an event to leaf \d+, its native form to leaf \d+"):
        forest.demand_leaves(lambda x: model.apply(x)[:, None], "Tree")


def test_what_a_forest_says_of_itself():
    x, y = events()
    members = export_estimator(ensemble.GradientBoostingClassifier(n_estimators=4, learning_rate=0.2).fit(x, y), TWO)
    description = json.loads(members["model.json"])
    arrays = safetensors.numpy.load(members["arrays.safetensors"])
    assert description == {"kind": "forest", "link": "logistic", "scale": 0.2}
    assert len(arrays["roots"]) == len(arrays["tree_output"]) == 4
    assert arrays["base"] == pytest.approx([np.log(y.mean() / (1 - y.mean()))])
    assert "missing_left" not in arrays, "gradient boosting takes no missing values"


def linear_and_others():
    """Estimators, and whether they give probabilities: else it is their decision function."""
    return [
        *((one, True) for one in (linear_model.LogisticRegression(), discriminant_analysis.LinearDiscriminantAnalysis())),
        *((one, False) for one in (linear_model.RidgeClassifier(), linear_model.Perceptron(), linear_model.SGDClassifier(), svm.LinearSVC())),
        (ensemble.AdaBoostClassifier(tree.DecisionTreeClassifier(max_depth=2), n_estimators=5), True),
        (ensemble.AdaBoostClassifier(tree.ExtraTreeClassifier(max_depth=3), n_estimators=5), True),
        (ensemble.BaggingClassifier(n_estimators=5), True),
        (ensemble.BaggingClassifier(tree.ExtraTreeClassifier(), n_estimators=5, max_features=2), True),
        (linear_model.SGDClassifier(loss="log_loss"), True),
        (multiclass.OneVsRestClassifier(linear_model.LogisticRegression()), True),
        (multiclass.OneVsRestClassifier(svm.LinearSVC()), False),
        (tree.ExtraTreeClassifier(max_depth=3), True),
        (ensemble.GradientBoostingClassifier(n_estimators=5, init="zero"), True),
    ]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("estimator, probabilities", linear_and_others(), ids=lambda one: type(one).__name__)
def test_a_classifier_scores_as_its_trainer_does(estimator, probabilities, classes):
    x, y = events()
    if classes == 3:
        y = y + (x[:, 2] > 1)
    estimator.fit(x, y)
    expected = estimator.predict_proba(x) if probabilities else estimator.decision_function(x)
    if classes == 2:
        expected = expected[:, 1:] if probabilities else expected[:, None]
    spec = Spec("classification", FEATURES, tuple("abc"[:classes]))
    assert scores(export_estimator(estimator, spec), x) == pytest.approx(expected, abs=1e-5)


def test_boosting_by_the_exponential_loss_scores_as_its_trainer_does():
    x, y = events()
    estimator = ensemble.GradientBoostingClassifier(n_estimators=5, loss="exponential")
    expected = estimator.fit(x, y).predict_proba(x)[:, 1:]
    assert scores(export_estimator(estimator, TWO), x) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize(
    "estimator",
    [
        linear_model.Ridge(),
        linear_model.LinearRegression(),
        linear_model.Lasso(0.1),
        linear_model.ElasticNet(0.1),
        tree.DecisionTreeRegressor(max_depth=4),
        ensemble.RandomForestRegressor(n_estimators=5),
        ensemble.ExtraTreesRegressor(n_estimators=5),
        ensemble.BaggingRegressor(n_estimators=5),
        ensemble.BaggingRegressor(tree.ExtraTreeRegressor(), n_estimators=5, max_features=2, bootstrap_features=True),
    ],
)
def test_a_regressor_scores_as_its_trainer_does(estimator, targets):
    x, _ = events()
    y = np.stack([x[:, 0] ** 2, x[:, 1] - x[:, 2]], axis=1)[:, :targets]
    expected = estimator.fit(x, y if targets == 2 else y[:, 0]).predict(x).reshape(len(x), targets)
    spec = Spec("regression", FEATURES, targets=("y", "z")[:targets])
    assert scores(export_estimator(estimator, spec), x) == pytest.approx(expected, abs=1e-5)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "estimator",
    [
        linear_model.PoissonRegressor(),
        linear_model.GammaRegressor(),
        linear_model.TweedieRegressor(power=1.5),
        linear_model.TweedieRegressor(power=0),
        svm.LinearSVR(),
        linear_model.SGDRegressor(),
        linear_model.QuantileRegressor(alpha=0.01),
        *(one() for one in (linear_model.LarsCV, linear_model.LassoLarsCV, linear_model.LassoLarsIC)),
        linear_model.OrthogonalMatchingPursuitCV(),
        neural_network.MLPRegressor(hidden_layer_sizes=(6,), loss="poisson", max_iter=200, random_state=1),
    ],
)
def test_a_regressor_of_one_positive_target_scores_as_its_trainer_does(estimator):
    x, _ = events()
    y = np.exp(0.3 * x[:, 0] - 0.1 * x[:, 1])
    expected = estimator.fit(x, y).predict(x)
    members = export_estimator(estimator, Spec("regression", FEATURES, targets=("y",)))
    assert np.ptp(expected) > 0.1
    assert scores(members, x)[:, 0] == pytest.approx(expected, rel=1e-5, abs=1e-5)


def median_events():
    random = np.random.default_rng(6)
    x = random.standard_normal((800, 3)).astype(np.float32)
    return x, x[:, 0] ** 2 + np.sin(3 * x[:, 1]) + 0.1 * random.standard_normal(800)


@pytest.mark.parametrize("loss", ["linear", "square", "exponential"])
@pytest.mark.parametrize("base", [None, tree.DecisionTreeRegressor(max_depth=8), tree.ExtraTreeRegressor(max_depth=5)], ids=str)
@pytest.mark.parametrize("trees", [1, 2, 40])
def test_a_regressor_of_weighted_medians_gives_its_trainers_number_itself(trees, base, loss):
    x, y = median_events()
    estimator = ensemble.AdaBoostRegressor(base, n_estimators=trees, loss=loss, random_state=2).fit(x, y)
    members = export_estimator(estimator, Spec("regression", FEATURES, targets=("y",)))
    assert json.loads(members["model.json"]) == {"kind": "forest", "link": "identity", "scale": 1.0, "join": "weighted_median"}
    assert safetensors.numpy.load(members["arrays.safetensors"])["tree_weight"].tolist() == estimator.estimator_weights_.tolist()
    assert np.array_equal(scores(members, x[:200])[:, 0], estimator.predict(x[:200]))


@pytest.mark.parametrize("weight", [1, 0.01, 0])  # six times 0.01 are more than twice three times 0.01
def test_medians_of_equal_weights_are_cut_where_the_trainer_cuts_them(weight):
    x, y = median_events()
    estimator = ensemble.AdaBoostRegressor(n_estimators=6, random_state=2).fit(x, y)
    estimator.estimator_weights_ = np.full(6, float(weight))
    members = export_estimator(estimator, Spec("regression", FEATURES, targets=("y",)))
    assert np.array_equal(scores(members, x)[:, 0], estimator.predict(x))


def test_a_bag_whose_trees_have_not_seen_all_classes():
    x, y = events()
    y[:3] = 2  # three events of the third class: some samples have none of them
    estimator = ensemble.BaggingClassifier(n_estimators=12, max_samples=0.4, random_state=1)
    with sklearn.config_context(enable_metadata_routing=True):  # samples are then drawn as rows, not as weights
        estimator.fit(x, y)
    assert {len(one.classes_) for one in estimator.estimators_} == {2, 3}
    members = export_estimator(estimator, Spec("classification", FEATURES, ("a", "b", "c")))
    assert scores(members, x) == pytest.approx(estimator.predict_proba(x), abs=1e-12)


@pytest.mark.parametrize(
    "estimator, reason",
    [
        (naive_bayes.GaussianNB(), "GaussianNB has no native form"),
        (
            linear_model.SGDClassifier(loss="modified_huber"),
            "SGDClassifier with loss 'modified_huber', whose probabilities are a link of its own",
        ),
        (ensemble.VotingClassifier([("bayes", naive_bayes.GaussianNB())]), "VotingClassifier has no native form"),
        (
            ensemble.GradientBoostingClassifier(n_estimators=2, init=linear_model.LogisticRegression()),
            "GradientBoostingClassifier with init LogisticRegression",
        ),
        (
            ensemble.AdaBoostClassifier(linear_model.LogisticRegression(), n_estimators=2),
            "AdaBoostClassifier over LogisticRegression",
        ),
        (multiclass.OneVsRestClassifier(naive_bayes.GaussianNB()), "OneVsRestClassifier over GaussianNB"),
        (ensemble.AdaBoostRegressor(linear_model.Ridge(), n_estimators=2), "AdaBoostRegressor over Ridge"),
        (ensemble.BaggingClassifier(linear_model.LogisticRegression(), n_estimators=2), "BaggingClassifier over LogisticRegression"),
    ],
)
def test_what_has_no_native_form_is_refused_by_name(estimator, reason):
    x, y = events()
    x[:, 2] = np.abs(x[:, 2]).astype(int)
    with pytest.raises(NotExportable) as refusal:
        export_estimator(estimator.fit(x, y), TWO)
    assert str(refusal.value) == reason
