"""Metrics of regressions against scikit-learn, NumPy, closed forms and hand-computed cases."""

import math

import numpy as np
import pytest
from scipy.stats import norm
from sklearn import metrics as sk

from ophion import metrics
from ophion.metrics import weighted


def test_regression_is_that_of_scikit_learn():
    rng = np.random.default_rng(3)
    truth = rng.normal(size=(4000, 2))
    predictions = (truth + rng.normal(0.1, 0.5, size=truth.shape)).astype(np.float32)
    weights = rng.exponential(size=4000)
    found = metrics.regression(predictions, truth, ["px", "py"], weights)
    py = found["per_target"]["py"]
    assert py["rmse"] == pytest.approx(sk.root_mean_squared_error(truth[:, 1], predictions[:, 1], sample_weight=weights), rel=1e-12)
    assert py["mae"] == pytest.approx(sk.mean_absolute_error(truth[:, 1], predictions[:, 1], sample_weight=weights), rel=1e-12)
    assert py["r2"] == pytest.approx(sk.r2_score(truth[:, 1], predictions[:, 1], sample_weight=weights), rel=1e-12)
    assert py["bias"] == pytest.approx(np.average(predictions[:, 1] - truth[:, 1], weights=weights), rel=1e-12)
    assert found["r2"] == pytest.approx(sk.r2_score(truth, predictions, sample_weight=weights), rel=1e-12)
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(truth, predictions, sample_weight=weights), rel=1e-12)
    assert found["rmse"] == pytest.approx(math.sqrt(sk.mean_squared_error(truth, predictions, sample_weight=weights)), rel=1e-12)


def test_the_error_of_rmse_is_the_closed_form_for_gaussians():
    # s / √(2 n); the estimate itself scatters by √(7 / (2 n)) of that, 0.2 % here
    residuals = np.random.default_rng(3).normal(0, 0.5, 1_000_000)
    found = metrics.regression(residuals, np.zeros(len(residuals)), ["t"])
    assert found["rmse_error"] == pytest.approx(0.5 / math.sqrt(2e6), rel=0.01)


def test_the_error_of_rmse_with_weights_is_that_of_a_jackknife():
    rng = np.random.default_rng(4)
    residuals, weights = rng.normal(0, 0.5, 4000), rng.exponential(size=4000)
    without_one = np.sqrt(((weights @ residuals**2) - weights * residuals**2) / (weights.sum() - weights))
    jackknife = math.sqrt(3999 / 4000 * ((without_one - without_one.mean()) ** 2).sum())
    found = metrics.regression(residuals, np.zeros(4000), ["t"], weights)
    assert found["rmse_error"] == pytest.approx(jackknife, rel=0.01)


def test_the_half_width_of_gaussians_is_their_standard_deviation():
    rng = np.random.default_rng(5)
    found = metrics.regression(rng.normal(0.3, 2, 200_000), np.zeros(200_000), ["t"])["per_target"]["t"]
    assert found["half_width"] == pytest.approx(2, rel=0.01)
    assert found["median"] == pytest.approx(0.3, abs=0.02)
    assert found["normalised"]["mean"] == pytest.approx(0, abs=0.01)
    assert found["normalised"]["width"] == pytest.approx(1, rel=0.01)
    assert found["normalised"]["beyond_3"] == pytest.approx(2 * norm.sf(3), rel=0.15)


def test_tails_widen_the_normalised_residuals_but_not_the_half_width():
    rng = np.random.default_rng(6)
    core, wide = rng.normal(0, 1, 95_000), rng.normal(0, 10, 5_000)
    found = metrics.regression(np.r_[core, wide], np.zeros(100_000), ["t"])["per_target"]["t"]
    assert found["half_width"] < 1.1 and found["normalised"]["width"] > 2
    assert found["normalised"]["beyond_3"] == pytest.approx((0.95 * 2 * norm.sf(3.1) + 0.05 * 2 * norm.sf(0.31)), rel=0.1)


def test_quantiles_are_numpys_with_weights():
    rng = np.random.default_rng(7)
    values, weights = rng.normal(size=501).round(1), rng.exponential(size=501)
    shares = [0.1, 0.25, 0.5, 0.9, 1.0]
    expected = np.quantile(values, shares, weights=weights, method="inverted_cdf")
    assert weighted.quantiles(values, weights, shares) == expected.tolist()
    assert weighted.quantiles(np.arange(1.0, 5), np.ones(4), [0.5]) == [2.0]


def test_quantiles_with_negative_weights_are_the_first_crossing():
    # the distribution function is 0.5, 1.0, 0.5, 1.0
    assert weighted.quantiles(np.array([1.0, 2, 3, 4]), np.array([1.0, 1, -1, 1]), [0.4, 0.75, 1]) == [1, 2, 2]
    assert weighted.quantiles(np.array([1.0, 2.0]), np.array([1.0, -1.0]), [0.5]) is None


def test_the_response_in_bins_of_truth_is_computed_by_hand():
    truth = np.repeat([10.0, 20.0], 4)
    predictions = np.array([9.0, 10, 11, 12, 18, 20, 22, 20])
    weights = np.array([1.0, 1, 1, 1, 2, 1, -1, 1])
    low, high = metrics.regression(predictions, truth, ["E"], weights)["per_target"]["E"]["response"]
    assert (low["from"], low["to"], low["events"]) == (10, 20, 4) and (high["from"], high["to"], high["events"]) == (20, 20, 4)
    assert low["mean"] == pytest.approx(1.05)
    assert low["mean_error"] == pytest.approx(math.sqrt(0.15**2 + 0.05**2 + 0.05**2 + 0.15**2) / 4)
    assert low["median"] == pytest.approx(1.0) and low["half_width"] == pytest.approx((1.2 - 0.9) / 2)
    assert high["mean"] == pytest.approx((2 * 0.9 + 1 - 1.1 + 1) / 3)


def test_bins_of_the_response_hold_equal_sums_of_weights():
    rng = np.random.default_rng(8)
    truth, weights = rng.exponential(50, 20_000), rng.exponential(size=20_000)
    bins = metrics.regression(0.9 * truth, truth, ["E"], weights)["per_target"]["E"]["response"]
    assert len(bins) == 10 and sum(one["events"] for one in bins) == 20_000
    for one in bins:
        inside = (truth >= one["from"]) & (truth < one["to"])
        assert weights[inside].sum() == pytest.approx(weights.sum() / 10, rel=0.01)
        assert one["mean"] == pytest.approx(0.9) and one["half_width"] == pytest.approx(0, abs=1e-12)
    assert [one["to"] for one in bins[:-1]] == [one["from"] for one in bins[1:]]


def test_events_of_truth_zero_have_no_response():
    found = metrics.regression(np.array([1.0, 2.0]), np.zeros(2), ["E"])["per_target"]["E"]
    assert found["response"] == [] and found["r2"] is None
    (one,) = metrics.regression(np.array([1.0, 2.0, 3.0]), np.array([0, 2.0, 2.0]), ["E"])["per_target"]["E"]["response"]
    assert (one["from"], one["to"], one["events"], one["mean"]) == (2, 2, 2, 1.25)


def test_regressions_without_an_answer_are_none():
    empty = metrics.regression(np.zeros(0), np.zeros(0), ["t"])
    assert empty["rmse"] is None and empty["half_width"] is None
    assert empty["per_target"]["t"]["normalised"] == {"mean": None, "width": None, "beyond_3": None}
    cancel = metrics.regression(np.array([1.0, 2.0]), np.zeros(2), ["t"], np.array([1.0, -1.0]))
    assert cancel["bias"] is None and cancel["half_width"] is None
    negative = metrics.regression(np.array([1.0, 3.0]), np.zeros(2), ["t"], np.array([2.0, -1.0]))
    assert negative["rmse"] is None  # a mean square of 2 − 9
    assert negative["bias"] == -1.0
