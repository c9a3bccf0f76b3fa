"""Significances against their published formulas, toy experiments and hand-computed cases."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from ophion import metrics
from ophion.metrics.significance import MINIMUM_EFFECTIVE_EVENTS


def profile_likelihood(s, b, sigma):
    """Median significance from the likelihood itself: n = s + b seen, m = tau b in a control region, both as expected."""
    tau = b / sigma**2
    n, m = s + b, tau * b

    def log_likelihood(signal, background):
        expected, control = signal + background, tau * background
        return n * math.log(expected) - expected + m * math.log(control) - control

    best = minimize_scalar(lambda x: -log_likelihood(0, x), bounds=(b / 5, 5 * (s + b)), method="bounded", options={"xatol": 1e-10})
    return math.sqrt(2 * (log_likelihood(s, b) + best.fun))


@pytest.mark.parametrize(("s", "b", "sigma"), [(10, 100, 10), (50, 20, 5), (3, 1, 0.3), (100, 1e4, 300)])
def test_the_asimov_significance_is_that_of_the_profile_likelihood(s, b, sigma):
    assert metrics.asimov(s, b, sigma / b) == pytest.approx(profile_likelihood(s, b, sigma), rel=1e-5)


def test_the_asimov_significance_has_its_limits():
    assert metrics.asimov(10, 100) == pytest.approx(math.sqrt(2 * (110 * math.log(1.1) - 10)), rel=1e-12)
    assert metrics.asimov(10, 100, 1e-6) == pytest.approx(metrics.asimov(10, 100), rel=1e-6)
    assert metrics.asimov(1, 1e6) == pytest.approx(1 / math.sqrt(1e6), rel=1e-5)  # S/√B where S is small
    assert metrics.asimov(100, 1e6, 0.1) == pytest.approx(100 / math.sqrt(1e6 + 1e10), rel=1e-3)  # and S/√(B + σ²)
    assert metrics.asimov(0, 10, 0.1) == 0.0


def gaussians(n=50_000, distance=2.0, seed=1):
    rng = np.random.default_rng(seed)
    labels = np.r_[np.ones(n, int), np.zeros(n, int)]
    return rng.normal(size=2 * n) + distance * labels, labels


def test_the_best_cut_between_gaussians_is_where_their_tails_say():
    scores, labels = gaussians()
    weights = np.where(labels == 1, 100 / 50_000, 1000 / 50_000)
    found = metrics.two_classes(scores, labels, weights, {"background_uncertainty": 0.0})["significance"]
    cuts = np.linspace(-2, 4, 6001)
    s, b = 100 * norm.sf(cuts - 2), 1000 * norm.sf(cuts)
    for kind, curve in (("s_over_sqrt_sb", s / np.sqrt(s + b)), ("asimov", np.sqrt(2 * ((s + b) * np.log1p(s / b) - s)))):
        best = found[kind]
        assert best["value"] == pytest.approx(curve.max(), rel=0.01)
        assert np.interp(best["cut"], cuts, curve) > 0.99 * curve.max()  # flat there
        assert best["signal"] == pytest.approx(weights[(labels == 1) & (scores >= best["cut"])].sum())
        assert best["background"] == pytest.approx(weights[(labels == 0) & (scores >= best["cut"])].sum())
    worse = metrics.two_classes(scores, labels, weights, {"background_uncertainty": 0.5})["significance"]
    assert worse["asimov"]["value"] < found["asimov"]["value"] and worse["asimov"]["cut"] > found["asimov"]["cut"]
    assert worse["s_over_sqrt_b"] == found["s_over_sqrt_b"]


def test_the_best_cut_is_found_by_hand():
    # 10 signal events of weight 1 above 10 of background of weight 1, above 10 signal and 80 background events
    scores = np.repeat([0.9, 0.7, 0.3], [10, 10, 90])
    labels = np.repeat([1, 0, 1, 0], [10, 10, 10, 80])
    found = metrics.two_classes(scores, labels)["significance"]
    assert found["s_over_sqrt_b"] == {"value": pytest.approx(10 / math.sqrt(10)), "cut": 0.7, "signal": 10, "background": 10}
    assert found["s_over_sqrt_sb"]["value"] == pytest.approx(10 / math.sqrt(20))


def test_cuts_that_few_events_pass_are_not_looked_at():
    # one event of background high up would make a cut of 9 on 1, S/√B = 9; the one on 9 and 12 is looked at
    scores = np.repeat([0.9, 0.8, 0.7, 0.1], [9, 1, 11, 100])
    labels = np.repeat([1, 0, 0, 1], [9, 1, 11, 100])
    assert MINIMUM_EFFECTIVE_EVENTS == 10
    found = metrics.two_classes(scores, labels)["significance"]["s_over_sqrt_b"]
    assert (found["cut"], found["signal"], found["background"]) == (0.1, 109, 12)
    heavy = np.where(scores == 0.7, 100.0, 1.0)  # 11 events, effectively still enough
    assert metrics.two_classes(scores, labels, heavy)["significance"]["s_over_sqrt_b"]["background"] == 1101
    one = np.where(np.arange(len(scores)) == 10, 100.0, 1.0)  # effectively one
    assert metrics.two_classes(scores, labels, one)["significance"]["s_over_sqrt_b"]["value"] is None


def test_background_that_sums_to_less_than_nothing_is_not_looked_at():
    scores = np.repeat([0.9, 0.5], [240, 240])
    labels = np.tile([1, 0], 240)
    weights = np.where((labels == 0) & (scores == 0.9), -0.5, 1.0)
    found = metrics.two_classes(scores, labels, weights)["significance"]["asimov"]
    assert (found["cut"], found["background"]) == (0.5, 60.0)


def test_yields_and_scale_set_what_is_expected():
    scores, labels = gaussians(5_000)
    plain = metrics.two_classes(scores, labels, None, {"background_uncertainty": 0})["significance"]["s_over_sqrt_b"]
    expected = {"yields": (50.0, 500.0), "scale": 4.0, "background_uncertainty": 0}
    found = metrics.two_classes(scores, labels, None, expected)["significance"]["s_over_sqrt_b"]
    assert found["cut"] == plain["cut"] or found["value"] > 0
    assert found["signal"] / 200 == pytest.approx((scores[labels == 1] >= found["cut"]).mean())
    assert found["background"] / 2000 == pytest.approx((scores[labels == 0] >= found["cut"]).mean())


def test_a_cut_of_other_events_gives_the_significance_there():
    scores, labels = gaussians(2_000)
    elsewhere = gaussians(2_000, seed=2)
    best = metrics.two_classes(*elsewhere)["significance"]
    cuts = {kind: found["cut"] for kind, found in best.items()}
    found = metrics.two_classes(scores, labels, None, None, cuts)
    for kind, at in found["significance_at"].items():
        assert at["cut"] == cuts[kind]
        assert at["signal"] == (scores[labels == 1] >= at["cut"]).sum()
        assert at["background"] == (scores[labels == 0] >= at["cut"]).sum()
        assert at["value"] <= found["significance"][kind]["value"]
    beyond = metrics.two_classes(scores, labels, None, None, {"asimov": 99.0})["significance_at"]
    assert beyond == {"asimov": {"value": None, "cut": 99.0, "signal": None, "background": None}}
    assert metrics.two_classes(scores, labels, None, None, {"asimov": None})["significance_at"]["asimov"]["value"] is None
