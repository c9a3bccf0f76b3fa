"""Scalers before a model are part of its neutral form: of the first layer, or of the thresholds."""

import lightgbm
import numpy as np
import pytest
import xgboost
from neutral import scores
from sklearn import ensemble, linear_model, neural_network
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, MinMaxScaler, QuantileTransformer, RobustScaler, StandardScaler

from ophion.contract import Spec
from ophion.native import NotExportable, export_estimator
from ophion.native.forest import Forest, _numbered

FEATURES = ("mass", "charge", "big", "small")
SPECS = {2: Spec("classification", FEATURES, ("no", "yes")), 3: Spec("classification", FEATURES, ("no", "yes", "very"))}


def events(n=600):
    random = np.random.default_rng(4)
    x = (random.standard_normal((n, 4)) * [30, 1, 1e30, 1e-30] + [125, 0, 3e30, 0]).astype(np.float32)
    x[:, 1] = np.sign(x[:, 1])
    y = (x[:, 0] > 125).astype(int)
    return x, {2: y, 3: y + (x[:, 3] > 5e-31)}


SCALERS = {
    "standard": [StandardScaler()],
    "without_mean": [StandardScaler(with_mean=False), "passthrough", StandardScaler(with_std=False)],
    "minmax": [MinMaxScaler((-1, 2)), RobustScaler()],
    "robust": [RobustScaler(with_centering=False), RobustScaler(with_scaling=False)],
    "maxabs": [MaxAbsScaler()],
}
FORESTS = [
    ensemble.RandomForestClassifier(n_estimators=5),
    ensemble.GradientBoostingClassifier(n_estimators=5),
    ensemble.HistGradientBoostingClassifier(max_iter=5),
    xgboost.XGBClassifier(n_estimators=5, n_jobs=1),
    lightgbm.LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1),
]


def around(x):
    """Events, and the numbers right beside each of theirs."""
    return np.concatenate([x[:100], np.nextafter(x[:100], np.float32(np.inf)), np.nextafter(x[:100], np.float32(-np.inf))])


def agree(model, classes, x, tolerance):
    expected = model.predict_proba(x)
    expected = expected[:, 1:] if classes == 2 else expected
    assert scores(export_estimator(model, SPECS[classes]), x) == pytest.approx(expected, abs=tolerance)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("scalers", SCALERS)
@pytest.mark.parametrize("forest", FORESTS, ids=lambda one: type(one).__name__)
def test_a_forest_behind_scalers_takes_the_same_turns(forest, scalers, classes):
    x, y = events()
    agree(make_pipeline(*SCALERS[scalers], clone(forest)).fit(x, y[classes]), classes, around(x), 1e-6)


def test_a_scaler_that_clips_is_part_of_the_thresholds():
    x, y = events()
    model = make_pipeline(MinMaxScaler(clip=True), ensemble.RandomForestClassifier(n_estimators=5)).fit(x, y[2])
    agree(model, 2, np.concatenate([around(x), 3 * x[:100], -x[:100]]), 1e-9)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("scalers", SCALERS)
@pytest.mark.parametrize("model", [linear_model.LogisticRegression(), neural_network.MLPClassifier((5,), max_iter=30)], ids=["line", "mlp"])
def test_a_network_behind_scalers_has_them_in_its_first_layer(model, scalers, classes):
    x, y = events()
    x = x[:, :2]
    spec = Spec("classification", FEATURES[:2], SPECS[classes].classes)
    y = y[2] + (x[:, 1] > 0) if classes == 3 else y[2]
    pipeline = make_pipeline(*SCALERS[scalers], model).fit(x, y)
    expected = pipeline.predict_proba(x)[:, 1 if classes == 2 else 0 :]
    assert scores(export_estimator(pipeline, spec), x) == pytest.approx(expected, abs=2e-5)


def test_a_pipeline_of_nothing_but_a_model_is_that_model():
    x, y = events()
    forest = ensemble.RandomForestClassifier(n_estimators=3).fit(x, y[2])
    assert export_estimator(make_pipeline("passthrough", forest), SPECS[2]) == export_estimator(forest, SPECS[2])


@pytest.mark.parametrize(
    "steps, reason",
    [
        ([QuantileTransformer(n_quantiles=10), linear_model.LogisticRegression()], "a pipeline with QuantileTransformer"),
        ([FunctionTransformer(), ensemble.RandomForestClassifier(n_estimators=2)], "a pipeline with FunctionTransformer"),
        (
            [MinMaxScaler(clip=True), linear_model.LogisticRegression()],
            "a pipeline with MinMaxScaler that clips, before a network or linear model",
        ),
        (
            [MaxAbsScaler(), ensemble.HistGradientBoostingClassifier(max_iter=2, categorical_features=[1])],
            "HistGradientBoostingClassifier with the category -1 of feature 1: expected whole numbers from 0",
        ),
        (
            [MinMaxScaler(), ensemble.HistGradientBoostingClassifier(max_iter=2, categorical_features=[1])],
            "splits on categories of features that were transformed",
        ),
    ],
)
def test_what_has_no_native_form_in_a_pipeline_is_refused_by_name(steps, reason):
    x, y = events()
    target = (x[:, 1] > 0).astype(int)  # so that trees split on the charge
    with pytest.raises(NotExportable) as refusal:
        export_estimator(make_pipeline(*steps).fit(x, target), SPECS[2])
    assert str(refusal.value) == reason


def test_thresholds_reach_every_number():
    forest = Forest(1, 1, link="identity", takes_missing=False)
    least, most = -np.finfo(np.float32).max, np.finfo(np.float32).max
    for threshold in (-1e30, 0.0, 1e30, np.inf):
        forest.add_tree([0, -1, -1], np.full(3, threshold, np.float32), [1, 0, 0], [2, 0, 0], [0.0, 0.0, 1.0], output=0)
    forest.through(lambda x: np.clip(x, -1, 1))
    assert forest.arrays["threshold"][::3].tolist() == [-np.inf, 0.0, most, most]
    order = np.array([-0x7F800000, -0x7F7FFFFF, -1, 0, 1, 0x7F7FFFFF, 0x7F800000])
    tiny = np.finfo(np.float32).smallest_subnormal
    assert _numbered(order).tolist() == [-np.inf, least, -tiny, 0, tiny, most, np.inf]
