"""The Kolmogorov-Smirnov test with weights against SciPy, hand-computed cases and its own promise."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from ophion import metrics


def test_of_events_without_weights_it_is_scipys(seed=1):
    rng = np.random.default_rng(seed)
    for shift in (0.0, 0.05, 0.1, 0.2):
        a, b = rng.normal(size=900), rng.normal(shift, 1, 700).round(2)
        found = metrics.kolmogorov_smirnov(metrics.sample(a, np.ones(900)), metrics.sample(b, np.ones(700)))
        expected = ks_2samp(a, b, method="asymp")
        assert found["distance"] == pytest.approx(expected.statistic, abs=1e-12)
        assert found["p_value"] == pytest.approx(expected.pvalue, rel=0.05)  # both are approximations
        assert found["effective_events"] == [900, 700]


def test_with_weights_it_is_computed_by_hand():
    # shares at or below 1, 2, 3: 0.5, 0.25, 1 and 0, 1, 1
    one = metrics.sample(np.array([1.0, 2.0, 3.0]), np.array([2.0, -1.0, 3.0]))
    other = metrics.sample(np.array([2.0, 2.0]), np.array([1.0, 3.0]))
    found = metrics.kolmogorov_smirnov(one, other)
    assert found["distance"] == 0.75
    assert found["effective_events"] == [pytest.approx(16 / 14), pytest.approx(16 / 10)]


def test_weights_that_undo_a_difference_make_the_samples_agree():
    rng = np.random.default_rng(2)
    uniform, rising = rng.random(20_000), np.sqrt(rng.random(20_000))  # density 2 x
    plain = metrics.kolmogorov_smirnov(metrics.sample(uniform, np.ones(20_000)), metrics.sample(rising, np.ones(20_000)))
    weighted = metrics.kolmogorov_smirnov(metrics.sample(uniform, 2 * uniform), metrics.sample(rising, np.ones(20_000)))
    assert plain["p_value"] < 1e-10 and weighted["p_value"] > 1e-3
    assert weighted["effective_events"][0] == pytest.approx(15_000, rel=0.02)  # (∫ 2x)² / ∫ 4x²


@pytest.mark.parametrize("signed", [False, True])
def test_of_equal_distributions_one_of_ten_has_a_p_value_below_a_tenth(signed):
    rng = np.random.default_rng(3)

    def drawn(n):
        weights = rng.exponential(size=n) * np.where(signed & (rng.random(n) < 0.1), -1, 1)
        return metrics.sample(rng.normal(size=n), weights)

    p_values = [metrics.kolmogorov_smirnov(drawn(400), drawn(300))["p_value"] for _ in range(400)]
    # 40 of 400 are expected, ± 6; with weights the test is an approximation, with signs a rougher one
    assert 12 <= np.sum(np.array(p_values) < 0.1) <= 75
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.1)


def test_samples_that_do_not_overlap_are_as_far_apart_as_can_be():
    found = metrics.kolmogorov_smirnov(metrics.sample(np.zeros(50), np.ones(50)), metrics.sample(np.ones(50), np.ones(50)))
    assert found["distance"] == 1.0 and found["p_value"] < 1e-15


def test_a_sample_without_weight_has_no_distribution():
    one = metrics.sample(np.arange(3.0), np.ones(3))
    for nothing in (metrics.sample(np.zeros(0), np.zeros(0)), metrics.sample(np.arange(2.0), np.array([1.0, -1.0]))):
        assert nothing is None
        assert set(metrics.kolmogorov_smirnov(one, nothing).values()) == {None}
