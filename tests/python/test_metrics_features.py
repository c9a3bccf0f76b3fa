"""The separation of features: closed forms, hand-computed histograms, and its properties."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from ophion import metrics
from ophion.errors import DataError
from ophion.tools import rank_features_tool


def values(features, labels, classes=2, weights=None):
    return [found["value"] for found in metrics.separation(np.asarray(features), labels, classes, weights)]


def gaussians(distance, n=200_000, seed=1):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    return (rng.normal(size=n) + distance * labels)[:, None], labels


@pytest.mark.parametrize("distance", [0.3, 1.0, 3.0])
def test_of_two_gaussians_it_is_the_integral(distance):
    def integrand(x):
        s, b = norm.pdf(x - distance), norm.pdf(x)
        return 0.5 * (s - b) ** 2 / (s + b)

    expected = quad(integrand, -8, 8 + distance)[0]
    assert values(*gaussians(distance))[0] == pytest.approx(expected, rel=0.02)


def test_of_a_few_values_it_is_computed_by_hand():
    # shares of the values 0, 1, 2: of background ½, ½, 0; of signal 0, ½, ½
    feature = np.repeat([0.0, 1.0, 1.0, 2.0], 100)[:, None]
    labels = np.repeat([0, 0, 1, 1], 100)
    assert values(feature, labels) == [pytest.approx(0.5 * (0.5 + 0 + 0.5))]
    weights = np.repeat([1.0, 2.0, 1.0, 3.0], 100)  # shares ⅓, ⅔, 0 and 0, ¼, ¾
    expected = 0.5 * (1 / 3 + (2 / 3 - 1 / 4) ** 2 / (2 / 3 + 1 / 4) + 3 / 4)
    assert values(feature, labels, 2, weights) == [pytest.approx(expected)]


def test_apart_is_one_and_alike_is_chance():
    feature, labels = gaussians(0, 20_000)
    apart, alike = metrics.separation(np.column_stack([labels + feature[:, 0] / 100, feature[:, 0]]), labels, 2)
    assert apart["value"] == pytest.approx(1, abs=1e-3)  # a bin lies across the gap
    assert alike["value"] == pytest.approx(alike["by_chance"], rel=0.6)
    chances = [metrics.separation(gaussians(0, 3000, seed)[0], gaussians(0, 3000, seed)[1], 2)[0] for seed in range(60)]
    assert np.mean([one["value"] for one in chances]) == pytest.approx(np.mean([one["by_chance"] for one in chances]), rel=0.1)


def test_a_rising_function_of_the_feature_changes_nothing():
    feature, labels = gaussians(1.0, 20_000)
    assert values(np.exp(3 * feature), labels) == values(feature, labels)


def test_of_a_large_class_evenly_spread_events_stand_for_all(monkeypatch):
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1, 0], [150_000, 2_000, 150_000])
    feature = rng.normal(size=len(labels)) + np.repeat([0.0, 0.7, 2.0], [150_000, 2_000, 150_000])  # background changes from file to file
    (found,) = metrics.separation(feature[:, None], labels, 2)
    monkeypatch.setattr("ophion.metrics.features.MOST_EVENTS", 10**6)
    (of_all,) = metrics.separation(feature[:, None], labels, 2)
    assert found != of_all
    assert found["value"] == pytest.approx(of_all["value"], rel=0.02)
    assert found["by_chance"] == pytest.approx(of_all["by_chance"], rel=0.05)  # the rare class keeps all its events


def test_a_missing_value_tells_as_much_as_its_share_does():
    labels = np.repeat([0, 1], 1000)
    feature = np.ones((2000, 1))
    feature[:500] = np.nan  # of half of the background
    assert values(feature, labels) == [pytest.approx(0.5 * (0.5 + 0.25 / 1.5))]
    assert values(np.full((2000, 1), np.nan), labels) == [0.0]
    feature[:500] = np.inf
    assert values(feature, labels) == [pytest.approx(0.5 * (0.5 + 0.25 / 1.5))]


def test_negative_weights_count_as_such_and_an_outweighed_bin_as_empty():
    feature = np.repeat([0.0, 1.0, 1.0, 2.0], 1000)[:, None]
    labels = np.repeat([0, 0, 1, 1], 1000)
    weights = np.repeat([1.0, 1.0, -1.0, 3.0], 1000)  # signal is at 2 alone then
    assert values(feature, labels, 2, weights) == [pytest.approx(1.0)]
    assert values(feature, labels, 2, -weights) == [None]


def test_of_many_classes_it_is_the_mean_over_pairs():
    rng = np.random.default_rng(4)
    labels = np.repeat([0, 1, 2], 5000)
    feature = np.where(labels == 2, 5.0, 0.0)[:, None] + 0.1 * rng.random((15_000, 1))
    assert values(feature, labels, 3)[0] == pytest.approx(2 / 3, abs=0.01)
    assert values(feature, labels, 4) == [None]  # a class without events


def test_the_tool_ranks():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, 5000).astype(np.int32)
    features = rng.normal(size=(5000, 3)).astype(np.float32) + labels[:, None] * np.array([0.1, 2.0, 0.7], np.float32)
    job = rank_features_tool.start({"features": ["dull", "best", "good"], "classes": ["b", "s"]})
    ranked = job.run({}, {"features": features, "labels": labels, "weights": np.ones(5000)})["separation"]
    assert [row["feature"] for row in ranked] == ["best", "good", "dull"]
    assert all(row.keys() == {"feature", "value", "by_chance"} for row in ranked)
    assert math.isclose(ranked[0]["by_chance"], 49 / 4 * sum(1 / (labels == k).sum() for k in (0, 1)))
    assert job.finish() == {}
    with pytest.raises(DataError, match=r"separation: expected 3 features an event, found an array of shape \(5000, 2\)"):
        job.run({}, {"features": features[:, :2], "labels": labels})
    with pytest.raises(DataError, match="separation: 5000 of 5000 weights are not finite"):
        job.run({}, {"features": features, "labels": labels, "weights": np.full(5000, np.nan)})


def test_the_tool_takes_one_feature_as_a_column():
    labels = np.repeat([0, 1], 500)
    alone = rank_features_tool.start({"features": ["alone"], "classes": ["b", "s"]})
    ranked = alone.run({}, {"features": labels.astype(np.float32), "labels": labels})["separation"]
    assert ranked[0]["feature"] == "alone" and ranked[0]["value"] == pytest.approx(1.0)
