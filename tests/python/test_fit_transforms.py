"""Fits of transforms: scikit-learn's own numbers, step upon step, in the arrays that C++ reads."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, StandardScaler

from ophion.errors import DataError
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


def fit(transforms, x, features=FEATURES, seed=3):
    return tool.start({"transforms": transforms, "features": features, "seed": seed}).run({}, {"x": x})


def test_standard_gives_mean_and_scale(x, monkeypatch):
    monkeypatch.setattr(tool, "BLOCK_BYTES", 10_000)
    value, arrays = fit(["standard"], x)
    assert value == {"steps": [{"type": "standard", "settings": {}}]}
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


@pytest.mark.parametrize("subsample", [10_000, None])
@pytest.mark.parametrize("output", ["uniform", "normal"])
def test_quantile_gives_those_that_scikit_learn_finds(x, subsample, output):
    value, arrays = fit([{"type": "quantile", "n_quantiles": 200, "output": output, "subsample": subsample}], x)
    assert value["steps"][0]["settings"] == {"output": output}
    expected = QuantileTransformer(n_quantiles=200, subsample=subsample, random_state=3).fit(x.astype(np.float64))
    np.testing.assert_array_equal(arrays["0.quantiles"], expected.quantiles_)
    np.testing.assert_array_equal(arrays["0.references"], expected.references_)
    assert arrays["0.quantiles"].shape == (200, 3)


def test_each_step_is_fitted_on_what_the_one_before_gives(x, monkeypatch):
    monkeypatch.setattr(tool, "BLOCK_BYTES", 10_000)
    value, arrays = fit([{"type": "quantile", "output": "normal"}, {"type": "minmax"}, "standard"], x)
    assert [step["type"] for step in value["steps"]] == ["quantile", "minmax", "standard"]
    quantile = QuantileTransformer(output_distribution="normal", random_state=3)
    pipeline = make_pipeline(quantile, MinMaxScaler(), StandardScaler()).fit(x.astype(np.float64))
    np.testing.assert_array_equal(arrays["0.quantiles"], pipeline[0].quantiles_)
    np.testing.assert_allclose(arrays["1.scale"], pipeline[1].scale_, rtol=1e-12)
    np.testing.assert_allclose(arrays["1.min"], pipeline[1].min_, rtol=1e-12)
    np.testing.assert_allclose(arrays["2.mean"], pipeline[2].mean_, rtol=1e-12)
    np.testing.assert_allclose(arrays["2.scale"], pipeline[2].scale_, rtol=1e-12)


def test_a_constant_feature_has_scale_one():
    _, arrays = fit(["standard"], np.full((10, 1), 5, np.float32), ["c"])
    assert arrays["0.mean"] == [5] and arrays["0.scale"] == [1]


def test_fewer_events_than_quantiles_are_enough():
    _, arrays = fit(["quantile"], np.arange(5, dtype=np.float32)[:, np.newaxis], ["n"])
    np.testing.assert_array_equal(arrays["0.quantiles"][:, 0], np.arange(5))


def test_what_cannot_be_fitted_is_named(x):
    bad = x.copy()
    bad[:2, 0] = np.inf
    with pytest.raises(DataError, match="feature 'pt' is infinite in 2 of 30000 training events"):
        fit(["standard"], bad)
    bad[:, 0], bad[:, 1] = 1, np.nan
    with pytest.raises(DataError, match="feature 'eta' is NaN in all 30000 training events"):
        fit(["standard"], bad)
    with pytest.raises(DataError, match="expected 3 features, found an array of shape"):
        fit(["standard"], bad[:, :2])
    with pytest.raises(DataError, match="no training event to fit on"):
        fit(["standard"], bad[:0])
    with pytest.raises(DataError, match="transform 'standart': expected one of standard, minmax, quantile; nearest: standard"):
        fit(["standart"], x)
    with pytest.raises(DataError, match="transform 'minmax' has no option 'minimun'; nearest: minimum"):
        fit([{"type": "minmax", "minimun": 0}], x)


PEAK = """
import resource
import numpy as np
from ophion.tools import fit_transforms_tool as tool
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
def fit(x): tool.start({"transforms": ["minmax", "standard", "quantile"], "features": [str(i) for i in range(20)]}).run({}, {"x": x})
x = np.random.default_rng(1).random((2_000_000, 20), np.float32)
fit(x[:10_000])
before = peak()
fit(x)
print(peak() - before)
"""


def test_a_fit_copies_no_more_than_blocks():
    result = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    assert int(result.stdout) < 100  # MB, where the events are 153
