"""Fits of transforms: scikit-learn's own numbers, step upon step, in the arrays that C++ reads."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, RobustScaler, StandardScaler

from ophion.errors import DataError
from ophion.tools import _transform_fits as fits
from ophion.tools import fit_transforms_tool as tool

FEATURES = ["pt", "eta", "njet"]


@pytest.fixture
def x():
    rng = np.random.default_rng(5)
    x = np.column_stack([rng.lognormal(3, 1, 30_000), rng.normal(size=30_000), rng.integers(0, 4, 30_000)])
    x[::7, 1] = np.nan
    x = x.astype(np.float32)
    x.setflags(write=False)
    return x


@pytest.fixture
def whole(x):
    """The same without NaN, the columns correlated."""
    x = np.nan_to_num(x.astype(np.float64))
    x[:, 1] += 0.03 * x[:, 0] - 0.5 * x[:, 2]
    return x.astype(np.float32)


def fit(transforms, x, features=FEATURES, seed=3, labels=None, **arguments):
    data = {"x": x} if labels is None else {"x": x, "labels": labels}
    return tool.start({"transforms": transforms, "features": features, "seed": seed, **arguments}).run({}, data)


def refusal(transforms, x, **given):
    with pytest.raises(DataError) as refused:
        fit(transforms, x, **given)
    return str(refused.value)


def test_standard_gives_mean_and_scale(x, monkeypatch):
    monkeypatch.setattr(fits, "BLOCK_BYTES", 10_000)
    value, arrays = fit(["standard"], x)
    assert value == {"steps": [{"type": "standard", "settings": {}, "names": []}]}
    double = x.astype(np.float64)
    np.testing.assert_allclose(arrays["0.mean"], np.nanmean(double, axis=0), rtol=1e-12)
    np.testing.assert_allclose(arrays["0.scale"], np.nanstd(double, axis=0), rtol=1e-12)
    assert all(array.dtype == np.float64 for array in arrays.values())


def test_minmax_gives_scale_and_min(x):
    value, arrays = fit([{"type": "minmax", "minimum": -1, "maximum": 1, "clip": True}], x)
    assert value["steps"][0]["settings"] == {"clip": "true"}
    expected = MinMaxScaler(feature_range=(-1, 1)).fit(x.astype(np.float64))
    np.testing.assert_array_equal(arrays["0.scale"], expected.scale_)
    np.testing.assert_array_equal(arrays["0.min"], expected.min_)
    np.testing.assert_array_equal(arrays["0.range"], [-1, 1])


@pytest.mark.parametrize("before", [[], ["standard"]], ids=["first", "after another step"])
def test_robust_gives_the_median_and_a_range_of_quantiles(x, before, monkeypatch):
    monkeypatch.setattr(fits, "COLUMNS_BYTES", 1000)
    _, arrays = fit([*before, {"type": "robust", "lower": 0.1, "upper": 0.8}], x)
    seen = x.astype(np.float64)
    if before:
        seen = StandardScaler().fit_transform(seen)
    expected = RobustScaler(quantile_range=(10, 80)).fit(seen)
    number = len(before)
    np.testing.assert_allclose(arrays[f"{number}.center"], expected.center_, rtol=1e-12)
    np.testing.assert_allclose(arrays[f"{number}.scale"], expected.scale_, rtol=1e-12)


@pytest.mark.parametrize("subsample", [10_000, None])
@pytest.mark.parametrize("output", ["uniform", "normal"])
def test_quantile_gives_those_that_scikit_learn_finds(x, subsample, output):
    value, arrays = fit([{"type": "quantile", "n_quantiles": 200, "output": output, "subsample": subsample}], x)
    assert value["steps"][0]["settings"] == {"output": output}
    expected = QuantileTransformer(n_quantiles=200, subsample=subsample, random_state=3).fit(x.astype(np.float64))
    np.testing.assert_array_equal(arrays["0.quantiles"], expected.quantiles_)
    np.testing.assert_array_equal(arrays["0.references"], expected.references_)
    assert arrays["0.quantiles"].shape == (200, 3)


def test_clip_holds_between_numbers_or_quantiles_of_the_training_events(x):
    _, arrays = fit([{"type": "clip", "minimum": -2.5, "upper": 0.9}], x)
    np.testing.assert_array_equal(arrays["0.low"], [-2.5] * 3)
    np.testing.assert_allclose(arrays["0.high"], np.nanpercentile(x.astype(np.float64), 90, axis=0), rtol=1e-12)
    _, arrays = fit([{"type": "clip", "lower": 0.01}], x)
    assert set(arrays) == {"0.low"}
    assert refusal([{"type": "clip"}], x) == "transform 'clip': expected a bound: minimum, maximum, lower or upper"
    text = refusal([{"type": "clip", "minimum": 2, "upper": 0.1}], x)
    assert "transform 'clip': the lower bound of feature 'eta' is 2, above the upper one, -1." in text


def test_log_needs_numbers_that_have_one(x):
    value, arrays = fit([{"type": "log", "features": ["pt", "njet"], "offset": 1}], x)
    assert value["steps"][0]["settings"] == {"form": "plain"}
    np.testing.assert_array_equal(arrays["0.offset"], [1, 1])
    assert "0.outside" not in arrays
    _, arrays = fit([{"type": "log", "offset": 1, "features": ["njet"]}], x, imputes=True)
    np.testing.assert_allclose(arrays["0.outside"], [np.log(np.median(x[:, 2]) + 1)])
    none = int((x[:, 2] == 0).sum())
    assert refusal([{"type": "log", "features": ["pt", "njet"]}], x) == (
        f"transform 'log': feature 'njet' is 0 or more, so that {none} of 30000 training events have no logarithm; it needs numbers "
        "above 0: give an 'offset', or \"form\": \"symmetric\""
    )
    value, arrays = fit([{"type": "log", "form": "symmetric"}], x)
    assert value["steps"][0]["settings"] == {"form": "symmetric"} and arrays == {}


def test_impute_gives_the_mean_the_median_or_a_constant(x):
    double = x.astype(np.float64)
    for strategy, expected in (("mean", np.nanmean(double, axis=0)), ("median", np.nanmedian(double, axis=0))):
        _, arrays = fit([{"type": "impute", "strategy": strategy}], x)
        np.testing.assert_allclose(arrays["0.value"], expected, rtol=1e-12)
    _, arrays = fit([{"type": "impute", "strategy": "constant", "value": -1, "features": ["eta"]}, "decorrelate"], x)
    np.testing.assert_array_equal(arrays["0.value"], [-1])
    assert arrays["1.matrix"].shape == (3, 3)


@pytest.mark.parametrize("block", [10_000, 10**9])
def test_decorrelate_gives_the_symmetric_root_of_the_inverse_covariance(whole, block, monkeypatch):
    monkeypatch.setattr(fits, "BLOCK_BYTES", block)
    _, arrays = fit(["decorrelate"], whole)
    double = whole.astype(np.float64)
    np.testing.assert_allclose(arrays["0.matrix"], np.linalg.inv(sqrtm(np.cov(double, rowvar=False))), rtol=1e-9, atol=1e-12)
    done = (double - arrays["0.mean"]) @ arrays["0.matrix"].T
    np.testing.assert_allclose(np.cov(done, rowvar=False), np.eye(3), atol=1e-9)


def test_decorrelate_may_look_at_one_class_only(whole):
    labels = (whole[:, 2] > 1).astype(np.int32)
    labels[:20_000] = 0  # none of the class among the first
    given = {"labels": labels, "classes": ["background", "signal"]}
    _, arrays = fit([{"type": "decorrelate", "class": "signal", "features": ["eta", "pt"]}], whole, **given)
    double = whole[labels == 1].astype(np.float64)[:, [1, 0]]
    np.testing.assert_allclose(arrays["0.matrix"], np.linalg.inv(sqrtm(np.cov(double, rowvar=False))), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(arrays["0.mean"], double.mean(axis=0), rtol=1e-9)
    assert refusal([{"type": "decorrelate", "class": "signl"}], whole, **given) == (
        "transform 'decorrelate': expected the class all or background or signal, found 'signl'; nearest: signal"
    )
    labels[:] = 0
    assert refusal([{"type": "decorrelate", "class": "signal"}], whole, **given) == (
        "transform 'decorrelate': expected more training events of signal than its 3 features, found 0"
    )


def test_what_cannot_be_decorrelated_is_named(x, whole):
    assert refusal(["decorrelate"], x) == (
        "transform 'decorrelate': feature 'eta' is NaN in training events; put \"impute\" before it"
    )
    same = whole.copy()
    same[:, 1] = 0.1
    assert refusal(["decorrelate"], same) == (
        "transform 'decorrelate': feature 'eta' is the same in all training events it is fitted on; leave it out"
    )
    same[:, 1] = 1000 + 3 * same[:, 0]
    assert refusal(["decorrelate"], same) == (
        "transform 'decorrelate': the features 'pt', 'eta' depend on each other linearly; leave one of them out"
    )


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("block", [10_000, 10**9])
def test_pca_gives_scikit_learns_components(whole, whiten, block, monkeypatch):
    monkeypatch.setattr(fits, "BLOCK_BYTES", block)
    value, arrays = fit([{"type": "pca", "n_components": 2, "whiten": whiten}], whole)
    assert value["steps"][0] == {"type": "pca", "settings": {}, "names": ["pca_0", "pca_1"]}
    double = whole.astype(np.float64)
    pca = PCA(2, whiten=whiten, svd_solver="full").fit(double)
    np.testing.assert_allclose((double - arrays["0.mean"]) @ arrays["0.components"].T, pca.transform(double), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("kind", ["pca", "decorrelate"])
def test_events_of_more_features_than_a_block_has_rows_keep_all_axes(kind, monkeypatch):
    x = np.random.default_rng(5).normal(size=(100, 12)).astype(np.float32)
    features = [f"x{i}" for i in range(12)]
    _, arrays = fit([kind], x, features=features)
    monkeypatch.setattr(fits, "BLOCK_BYTES", 12 * 8 * 5)
    _, found = fit([kind], x, features=features)
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-6, atol=1e-9)


def test_what_has_no_such_components_is_named(x, whole):
    assert refusal(["pca"], x).startswith("transform 'pca': feature 'eta' is NaN in training events")
    assert refusal([{"type": "pca", "n_components": 4}], whole) == (
        "transform 'pca': expected at most 3 components of 3 features and 30000 training events, found 4"
    )
    same = whole.copy()
    same[:, 1] = 3 * same[:, 0]
    assert refusal([{"type": "pca", "whiten": True}], same) == (
        "transform 'pca': nothing varies along component 2; whitened, there can be n_components up to 2"
    )
    _, arrays = fit([{"type": "pca", "whiten": True, "n_components": 2}], same)
    assert np.isfinite(arrays["0.components"]).all()


def test_onehot_gives_a_column_a_category(x):
    value, arrays = fit([{"type": "onehot", "features": ["njet"]}], x)
    assert value["steps"][0] == {"type": "onehot", "settings": {}, "names": ["njet=0", "njet=1", "njet=2", "njet=3"]}
    np.testing.assert_array_equal(arrays["0.categories"], [0, 1, 2, 3])
    np.testing.assert_array_equal(arrays["0.counts"], [4])
    np.testing.assert_array_equal(arrays["0.columns"], [2])
    value, arrays = fit([{"type": "onehot", "features": ["njet"], "categories": [5, -1, 2]}], x)
    assert value["steps"][0]["names"] == ["njet=-1", "njet=2", "njet=5"]


def test_what_is_no_category_is_named(x, monkeypatch):
    assert refusal([{"type": "onehot", "features": ["pt"]}], x).startswith("transform 'onehot': feature 'pt' is ")
    assert "in a training event; it takes whole numbers" in refusal(["onehot"], x)
    monkeypatch.setattr(fits, "MOST_CATEGORIES", 3)
    assert refusal([{"type": "onehot", "features": ["njet"]}], x) == (
        "transform 'onehot': feature 'njet' has more than 3 values; give the 'categories' that matter"
    )
    monkeypatch.undo()
    assert refusal([{"type": "onehot", "features": ["njet"]}], x, features=["pt", "njet=2", "njet"]) == (
        "transform 'onehot': there is a feature 'njet=2' already"
    )


def test_each_step_is_fitted_on_what_the_one_before_gives(x, monkeypatch):
    monkeypatch.setattr(fits, "BLOCK_BYTES", 10_000)
    value, arrays = fit([{"type": "quantile", "output": "normal"}, {"type": "minmax"}, "standard"], x)
    assert [step["type"] for step in value["steps"]] == ["quantile", "minmax", "standard"]
    quantile = QuantileTransformer(output_distribution="normal", random_state=3)
    pipeline = make_pipeline(quantile, MinMaxScaler(), StandardScaler()).fit(x.astype(np.float64))
    np.testing.assert_array_equal(arrays["0.quantiles"], pipeline[0].quantiles_)
    np.testing.assert_allclose(arrays["1.scale"], pipeline[1].scale_, rtol=1e-12)
    np.testing.assert_allclose(arrays["1.min"], pipeline[1].min_, rtol=1e-12)
    np.testing.assert_allclose(arrays["2.mean"], pipeline[2].mean_, rtol=1e-12)
    np.testing.assert_allclose(arrays["2.scale"], pipeline[2].scale_, rtol=1e-12)


def test_steps_work_on_the_features_they_name_as_those_are_called_by_then(whole):
    chain = [
        {"type": "log", "features": ["pt"]},
        {"type": "onehot", "features": ["njet"]},
        {"type": "pca", "features": ["njet=1", "pt"]},
        {"type": "pca", "features": ["eta", "njet=0"], "n_components": 1},
        {"type": "standard", "features": ["pca_2", "njet=3"]},
    ]
    value, arrays = fit(chain, whole)
    # pt eta njet → pt eta njet=0..3 → eta njet=0 njet=2 njet=3 pca_0 pca_1 → njet=2 njet=3 pca_0 pca_1 pca_2
    assert value["steps"][3]["names"] == ["pca_2"]
    np.testing.assert_array_equal(arrays["2.columns"], [3, 0])
    np.testing.assert_array_equal(arrays["3.columns"], [0, 1])
    np.testing.assert_array_equal(arrays["4.columns"], [4, 1])
    double = whole.astype(np.float64)
    np.testing.assert_allclose(arrays["2.mean"], [(double[:, 2] == 1).mean(), np.log(double[:, 0]).mean()], rtol=1e-12)
    np.testing.assert_allclose(arrays["4.mean"], [0, (double[:, 2] == 3).mean()], rtol=1e-12, atol=1e-12)
    assert refusal([chain[1], {"type": "standard", "features": ["njet"]}], whole).startswith(
        "transform 'standard': there is no feature 'njet' at that point; nearest: njet="
    )


def test_a_constant_feature_has_scale_one():
    constant = np.full((10, 1), 5, np.float32)
    _, arrays = fit(["standard", "robust"], constant, ["c"])
    assert arrays["0.mean"] == [5] and arrays["0.scale"] == [1] and arrays["1.scale"] == [1]


def test_one_feature_may_come_as_a_column():
    _, arrays = fit(["standard"], np.array([1, 3], np.float32), ["alone"])
    assert arrays["0.mean"] == [2] and arrays["0.scale"] == [1]


def test_fewer_events_than_quantiles_are_enough():
    _, arrays = fit(["quantile"], np.arange(5, dtype=np.float32)[:, np.newaxis], ["n"])
    np.testing.assert_array_equal(arrays["0.quantiles"][:, 0], np.arange(5))


def test_what_cannot_be_fitted_is_named(x):
    bad = x.copy()
    bad[:2, 0] = np.inf
    assert refusal(["standard"], bad) == "transforms: feature 'pt' is infinite in 2 of 30000 training events"
    bad[:, 0], bad[:, 1] = 1, np.nan
    assert refusal(["standard"], bad) == "transforms: feature 'eta' is NaN in all 30000 training events"
    assert refusal(["standard"], bad[:, :2]).startswith("transforms: expected 3 features, found an array of shape")
    assert refusal(["standard"], bad[:0]) == "transforms: no training event to fit on"
    assert refusal(["standart"], x).endswith("decorrelate, pca, onehot; nearest: standard")
    assert refusal([{"type": "minmax", "minimun": 0}], x) == "transform 'minmax' has no option 'minimun'; nearest: minimum, maximum"


PEAK = """
import resource
import numpy as np
from ophion.tools import _transform_fits as fits
from ophion.tools import fit_transforms_tool as tool
fits.BLOCK_BYTES, fits.COLUMNS_BYTES = 2_000_000, 4_000_000
CHAIN = ["minmax", {"type": "pca", "n_components": 8}, {"type": "robust", "features": ["pca_0", "pca_7"]}, "quantile"]
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
def fit(x): tool.start({"transforms": CHAIN, "features": [str(i) for i in range(20)]}).run({}, {"x": x})
x = np.random.default_rng(1).random((300_000, 20), np.float32)
fit(x[:10_000])
before = peak()
fit(x)
print(peak() - before)
"""


def test_a_fit_copies_no_more_than_blocks():
    result = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    assert int(result.stdout) < 30  # MB, where the events as float64 are 46
