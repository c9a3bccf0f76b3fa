"""Metrics against scikit-learn, closed forms and the bootstrap."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import norm
from sklearn import metrics as sk

from ophion import metrics
from ophion.errors import DataError
from ophion.tools import metrics_tool


def gaussians(n_signal=3000, n_background=4000, distance=1.0, seed=1):
    """Scores of two unit Gaussians `distance` apart; their AUC is Φ(distance / √2)."""
    rng = np.random.default_rng(seed)
    labels = np.r_[np.ones(n_signal, int), np.zeros(n_background, int)]
    return rng.normal(size=len(labels)) + distance * labels, labels, rng


@pytest.mark.parametrize("ties", [False, True])
def test_auc_is_that_of_scikit_learn(ties):
    scores, labels, rng = gaussians()
    if ties:
        scores = scores.round(1)
    weights = rng.exponential(size=len(labels))
    assert metrics.two_classes(scores, labels)["auc"] == pytest.approx(sk.roc_auc_score(labels, scores), abs=1e-12)
    weighted = sk.roc_auc_score(labels, scores, sample_weight=weights)
    assert metrics.two_classes(scores, labels, weights)["auc"] == pytest.approx(weighted, abs=1e-12)


def test_auc_of_two_gaussians_is_their_closed_form():
    scores, labels, _ = gaussians(100_000, 100_000, 1.3)
    found = metrics.two_classes(scores, labels)
    assert abs(found["auc"] - norm.cdf(1.3 / math.sqrt(2))) < 3 * found["auc_error"]
    assert found["auc_error"] < 0.002


def test_auc_counts_pairs_with_weights_of_either_sign():
    scores = np.array([3.0, 1.0, 2.0, 1.0, 0.0, 2.0])
    labels = np.array([1, 1, 1, 0, 0, 0])
    weights = np.array([1.0, 2.0, -0.5, 1.5, -0.25, 1.0])
    pairs = sum(
        weights[i] * weights[j] * ((scores[i] > scores[j]) + 0.5 * (scores[i] == scores[j]))
        for i, j in itertools.product(range(3), range(3, 6))
    )
    found = metrics.two_classes(scores, labels, weights)
    assert found["auc"] == pytest.approx(pairs / (2.5 * 2.25), abs=1e-14)
    assert found["auc_error"] > 0


def test_auc_error_is_delongs_for_weights_of_one():
    scores, labels, _ = gaussians(40, 60)
    x, y = scores[labels == 1], scores[labels == 0]
    psi = (x[:, None] > y) + 0.5 * (x[:, None] == y)
    expected = np.sqrt(psi.mean(axis=1).var(ddof=1) / 40 + psi.mean(axis=0).var(ddof=1) / 60)
    assert metrics.two_classes(scores, labels)["auc_error"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("signed", [False, True])
def test_auc_error_is_that_of_a_bootstrap(signed):
    scores, labels, rng = gaussians(400, 600)
    weights = rng.exponential(size=len(labels))
    if signed:
        weights *= np.where(rng.random(len(labels)) < 0.15, -1, 1)
    positive = labels == 1
    resampled = []
    for _ in range(600):
        rows = rng.integers(0, len(labels), len(labels))
        resampled.append(metrics.auc(scores[rows], positive[rows], weights[rows]).value)
    assert metrics.auc(scores, positive, weights).error == pytest.approx(np.std(resampled), rel=0.1)


def test_signal_efficiency_of_two_gaussians_is_their_closed_form():
    scores, labels, _ = gaussians(200_000, 200_000, 1.5)
    for background, found in metrics.two_classes(scores, labels)["efficiency"].items():
        expected = norm.sf(norm.isf(float(background)) - 1.5)
        assert found["error"] == pytest.approx(math.sqrt(expected * (1 - expected) / 200_000), rel=0.02)
        # the cut is found from 200,000 background events: its own spread, times the curve's slope, is added
        slope = norm.pdf(norm.isf(float(background)) - 1.5) / norm.pdf(norm.isf(float(background)))
        spread = slope * math.sqrt(float(background) * (1 - float(background)) / 200_000)
        assert abs(found["value"] - expected) < 3 * math.hypot(found["error"], spread)


def test_signal_efficiency_interpolates_between_cuts():
    # ten background events 0…9; signal at 9.5, 8.5 and tied with the background at 5
    scores = np.r_[np.arange(10.0), 9.5, 8.5, 5.0, 5.0]
    labels = np.r_[np.zeros(10, int), np.ones(4, int)]
    efficiency = metrics.two_classes(scores, labels)["efficiency"]
    assert efficiency["0.01"]["value"] == pytest.approx(0.25)  # above 9 there is one of four
    assert efficiency["0.1"]["value"] == pytest.approx(0.5)  # 9 passes, and with it the signal at 8.5
    assert efficiency["0.3"]["value"] == pytest.approx(0.5)
    half = metrics.signal_efficiency(scores, labels == 1, np.ones(14), 0.45)[0]
    assert half == pytest.approx(0.75)  # half of the group at 5, which holds two signal events


def test_signal_efficiency_takes_weights_of_either_sign():
    scores, labels, rng = gaussians(20_000, 20_000)
    plain = metrics.two_classes(scores, labels)["efficiency"]
    doubled = metrics.two_classes(np.r_[scores, scores, scores], np.r_[labels, labels, labels],
                                  np.r_[np.ones(80_000), -np.ones(40_000)])["efficiency"]  # fmt: skip
    for background in plain:
        assert doubled[background]["value"] == pytest.approx(plain[background]["value"], abs=1e-9)
        assert doubled[background]["error"] > plain[background]["error"]


def test_rejection_of_two_gaussians_is_its_closed_form():
    scores, labels, _ = gaussians(200_000, 200_000, 1.5)
    for signal, found in metrics.two_classes(scores, labels)["rejection"].items():
        passing = norm.sf(norm.isf(float(signal)) + 1.5)
        error = math.sqrt(passing * (1 - passing) / 200_000) / passing**2
        assert found["error"] == pytest.approx(error, rel=0.05)
        # the cut is found from 200,000 signal events
        slope = norm.pdf(norm.isf(float(signal)) + 1.5) / norm.pdf(norm.isf(float(signal)))
        spread = slope * math.sqrt(float(signal) * (1 - float(signal)) / 200_000) / passing**2
        assert abs(found["value"] - 1 / passing) < 3 * math.hypot(error, spread)


def test_rejection_interpolates_between_cuts_and_is_none_where_nothing_passes():
    # four signal events above, between and below the background; the lower half is tied with one of two
    scores = np.array([9.0, 8.0, 5.0, 5.0, 7.0, 5.0])
    labels = np.array([1, 1, 1, 1, 0, 0])
    found = metrics.two_classes(scores, labels)["rejection"]
    assert found["0.3"] == {"value": None, "error": None}  # no background passes
    assert found["0.5"]["value"] == pytest.approx(2)  # the last cut that passes half of the signal passes 7 as well
    assert found["0.7"]["value"] == pytest.approx(1 / (0.5 + 0.4 * 0.5))  # 0.4 of the group at 5
    assert found["0.7"]["error"] == pytest.approx(math.sqrt(0.7 * 0.3 / 2) / 0.7**2)


def test_a_whole_curve_is_measured_at_once():
    scores, labels, rng = gaussians()
    weights = rng.exponential(size=len(labels))
    ranking = metrics.Ranking(scores, labels == 1, weights)
    points = np.linspace(0, 1, 21)
    values, errors = ranking.signal_efficiency(points)
    expected = [metrics.signal_efficiency(scores, labels == 1, weights, point) for point in points]
    assert list(zip(values, errors)) == expected
    assert (values[0], values[-1]) == (pytest.approx(0, abs=0.1), 1.0)
    false, true, _ = sk.roc_curve(labels, scores, sample_weight=weights, drop_intermediate=False)
    assert values[1:-1] == pytest.approx(np.interp(points[1:-1], false, true), abs=2e-3)  # it goes up on a vertical piece
    assert ranking.background_efficiency([1.0])[0] == [1.0]


def test_accuracy_and_log_loss_are_those_of_scikit_learn():
    scores, labels, rng = gaussians()
    probability = 1 / (1 + np.exp(-scores))
    weights = rng.exponential(size=len(labels))
    found = metrics.two_classes(probability, labels, weights)
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(labels, probability > 0.5, sample_weight=weights), rel=1e-12)
    assert found["log_loss"] == pytest.approx(sk.log_loss(labels, probability, sample_weight=weights), rel=1e-12)
    assert metrics.two_classes(scores, labels)["log_loss"] is None  # no probabilities


def test_many_classes_are_each_against_the_rest():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, 2000)
    logits = rng.normal(size=(2000, 3)) + 1.2 * np.eye(3)[labels]
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    weights = rng.exponential(size=2000)
    found = metrics.many_classes(scores, labels, ["a", "b", "c"], weights)
    assert found["auc"] == pytest.approx(
        np.mean([sk.roc_auc_score(labels == k, scores[:, k], sample_weight=weights) for k in range(3)]), abs=1e-12
    )
    assert found["per_class"]["b"]["auc"] == pytest.approx(
        sk.roc_auc_score(labels == 1, scores[:, 1], sample_weight=weights), abs=1e-12
    )
    assert found["log_loss"] == pytest.approx(sk.log_loss(labels, scores, sample_weight=weights), rel=1e-12)
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(labels, scores.argmax(axis=1), sample_weight=weights), rel=1e-12)
    resampled = []
    for _ in range(300):
        rows = rng.integers(0, 2000, 2000)
        areas = [metrics.auc(scores[rows, k], labels[rows] == k, weights[rows]).value for k in range(3)]
        resampled.append(np.mean(areas))
    assert found["auc_error"] == pytest.approx(np.std(resampled), rel=0.15)


def test_what_is_not_defined_is_none():
    one_class = metrics.two_classes(np.array([0.1, 0.2]), np.array([1, 1]))
    assert one_class["auc"] is None and one_class["efficiency"]["0.1"] == {"value": None, "error": None}
    assert metrics.two_classes(np.zeros(0), np.zeros(0, int))["events"] == 0
    assert metrics.two_classes(np.array([1.0, 0, 1]), np.array([1, 0, 1]), np.array([1.0, 1, -1]))["auc"] is None
    assert metrics.regression(np.zeros(0), np.zeros(0), ["t"])["rmse"] is None
    assert metrics.many_classes(np.zeros((0, 3)), np.zeros(0, int), ["a", "b", "c"])["auc"] is None


def test_events_without_score_are_left_out_and_counted():
    found = metrics.two_classes(np.array([0.9, np.nan, 0.1]), np.array([1, 0, 0]))
    assert (found["events"], found["unscored"], found["auc"]) == (2, 1, 1.0)
    assert metrics.regression(np.array([1, np.nan]), np.array([2.0, 7.0]), ["t"])["rmse"] == 1.0


def test_the_tool_chooses_by_task_and_names_the_part_in_errors():
    job = metrics_tool.start({})
    scores, labels, _ = gaussians(50, 50)
    data = {"scores": scores.astype(np.float32), "labels": labels.astype(np.int32), "weights": np.ones(100)}
    two = job.run({"task": "classification", "classes": ["background", "signal"], "part": "test"}, data)
    assert list(two["efficiency"]) == ["0.01", "0.1", "0.3"] and two["events"] == 100
    many = {**data, "scores": np.zeros((100, 3), np.float32)}
    assert list(job.run({"task": "classification", "classes": ["a", "b", "c"]}, many)["per_class"]) == ["a", "b", "c"]
    regression = {"scores": scores, "targets": scores[:, None] + 1}
    assert job.run({"task": "regression", "targets": ["t"]}, regression)["per_target"]["t"]["bias"] == pytest.approx(-1)
    with pytest.raises(DataError, match="metrics of part 'train': expected 100 events with 3 scores each"):
        job.run({"task": "classification", "classes": ["a", "b", "c"], "part": "train"}, data)
    with pytest.raises(DataError, match="1 of 100 weights are not finite"):
        job.run({"task": "classification", "classes": ["a", "b"]}, {**data, "weights": np.r_[np.inf, np.ones(99)]})


def tool_data(n=4000, distance=1.5, seed=1):
    scores, labels, rng = gaussians(n, n, distance, seed)
    scores = (1 / (1 + np.exp(-scores))).astype(np.float32)
    return {"scores": scores, "labels": labels.astype(np.int32), "weights": rng.exponential(size=2 * n)}


TWO = {"task": "classification", "classes": ["background", "signal"]}


def test_the_tool_compares_later_parts_with_training():
    job = metrics_tool.start({})
    assert "ks" not in job.run({**TWO, "part": "train"}, tool_data())
    same, other = (job.run({**TWO, "part": "test"}, tool_data(1000, distance, 2))["ks"] for distance in (1.5, 1.0))
    assert list(same) == ["background", "signal"]
    assert same["signal"]["p_value"] > 0.01 and other["signal"]["p_value"] < 1e-6 and other["background"]["p_value"] > 0.01
    assert same["signal"]["effective_events"] == pytest.approx([2000, 500], rel=0.1)  # weights of an exponential: half
    assert "ks" not in metrics_tool.start({}).run({**TWO, "part": "test"}, tool_data())


def test_the_tool_compares_each_of_many_classes_by_its_own_score():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, 3000).astype(np.int32)
    scores = rng.random((3000, 3)).astype(np.float32)
    arguments = {"task": "classification", "classes": ["a", "b", "c"]}
    job = metrics_tool.start({})
    job.run({**arguments, "part": "train"}, {"scores": scores, "labels": labels})
    scores[labels == 1, 1] /= 2
    found = job.run({**arguments, "part": "validation"}, {"scores": scores, "labels": labels})["ks"]
    assert (found["a"]["distance"], found["c"]["distance"]) == (0, 0)
    assert found["b"]["distance"] == pytest.approx(0.5, abs=0.05)


def test_the_tool_takes_the_cuts_of_validation_to_the_test_part():
    job = metrics_tool.start({})
    assert "significance_at" not in job.run({**TWO, "part": "train"}, tool_data())
    validation = job.run({**TWO, "part": "validation"}, tool_data(seed=2))
    assert "significance_at" not in validation
    test = job.run({**TWO, "part": "test"}, tool_data(seed=3))
    for kind, found in test["significance_at"].items():
        assert found["cut"] == validation["significance"][kind]["cut"]
        assert 0 < found["value"] <= test["significance"][kind]["value"]


def test_the_tool_counts_the_yields_and_the_scale_that_it_is_told():
    evaluation = {"background_uncertainty": 0.3, "yield_scale": 2.0, "bootstrap": 500}
    data = tool_data()
    job = metrics_tool.start({"evaluation": evaluation, "yields": {"signal": 40.0, "background": 300.0}})
    found = job.run({**TWO, "part": "test"}, data)["significance"]["asimov"]
    passes = data["scores"] >= found["cut"]
    for label, name, total in ((1, "signal", 80), (0, "background", 600)):
        weights = np.where(data["labels"] == label, data["weights"], 0)
        assert found[name] == pytest.approx(total * weights[passes].sum() / weights.sum())
    assert found["value"] == pytest.approx(metrics.asimov(found["signal"], found["background"], 0.3))
    own = metrics_tool.start({}).run({**TWO, "part": "test"}, data)["significance"]["asimov"]
    assert own["signal"] > 500 and own["value"] == pytest.approx(metrics.asimov(own["signal"], own["background"], 0.1))
