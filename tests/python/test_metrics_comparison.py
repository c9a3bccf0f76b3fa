"""The paired bootstrap: its errors are those of closed forms and of new experiments."""

import math

import numpy as np
import pytest

from ophion import metrics
from ophion.errors import DataError
from ophion.tools import compare_tool


def experiment(seed, n=1000, noise=(1.0, 1.05), signed=False):
    """Labels, weights, and the scores of models that see the same thing through noise of their own."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    seen = rng.normal(size=n) + 1.2 * labels
    weights = rng.exponential(size=n) * np.where(signed & (rng.random(n) < 0.1), -1, 1)
    return {f"m{k}": seen + scale * rng.normal(size=n) / 2 for k, scale in enumerate(noise)}, labels, weights


def compared(scores, labels, weights, replicates=200, seed=1):
    return metrics.compare(scores, labels, weights, classes=["b", "s"], replicates=replicates, seed=seed)


@pytest.mark.parametrize("signed", [False, True])
def test_the_error_of_a_difference_is_the_spread_of_new_experiments(signed):
    differences = []
    for seed in range(200):
        scores, labels, weights = experiment(seed, signed=signed)
        a, b = (metrics.auc(values, labels == 1, weights).value for values in scores.values())
        differences.append(a - b)
    found = [compared(*experiment(1000 + k, signed=signed), replicates=100)["pairs"][0]["error"] for k in range(10)]
    assert np.mean(found) == pytest.approx(np.std(differences), rel=0.15)


def test_errors_of_single_models_are_delongs():
    scores, labels, weights = experiment(1, 3000)
    found = compared(scores, labels, weights, 500)
    for name, values in scores.items():
        area = metrics.auc(values, labels == 1, weights)
        assert found["models"][name]["value"] == pytest.approx(area.value, abs=1e-12)
        assert found["models"][name]["error"] == pytest.approx(area.error, rel=0.12)
    difference = metrics.auc(scores["m0"], labels == 1, weights).influence - metrics.auc(scores["m1"], labels == 1, weights).influence
    assert found["pairs"][0]["error"] == pytest.approx(np.linalg.norm(difference), rel=0.12)
    assert found["pairs"][0]["error"] < found["models"]["m0"]["error"]  # what both find hard cancels


def test_p_value_and_interval_follow_from_the_difference_and_its_error():
    found = compared(*experiment(2, 2000, (0.5, 2.0)), replicates=1000)["pairs"][0]
    assert found["p_value"] == pytest.approx(math.erfc(abs(found["difference"]) / found["error"] / math.sqrt(2)))
    low, high = found["interval"]
    assert low < found["difference"] < high
    assert high - low == pytest.approx(2 * 1.96 * found["error"], rel=0.1)
    assert found["p_value"] < 1e-3 and low > 0


def test_ties_count_half_in_every_draw():
    scores, labels, weights = experiment(3, 2000)
    coarse = {"fine": scores["m0"], "coarse": scores["m0"].round(0)}
    found = compared(coarse, labels, weights)
    assert found["models"]["coarse"]["value"] == pytest.approx(metrics.auc(coarse["coarse"], labels == 1, weights).value, abs=1e-12)
    assert found["pairs"][0]["difference"] > 0


def test_the_same_model_twice_is_no_difference():
    scores, labels, weights = experiment(4)
    (pair,) = compared({"a": scores["m0"], "b": 3 * scores["m0"]}, labels, weights)["pairs"]
    assert pair == {"a": "a", "b": "b", "difference": 0.0, "error": 0.0, "interval": [0.0, 0.0], "p_value": 1.0}


def test_one_seed_gives_one_result_and_all_pairs_are_there():
    scores, labels, weights = experiment(5, 500, (1, 2, 3))
    here, again, other = (compared(scores, labels, weights, 50, seed) for seed in (7, 7, 8))
    assert here == again != other
    assert [(pair["a"], pair["b"]) for pair in here["pairs"]] == [("m0", "m1"), ("m0", "m2"), ("m1", "m2")]
    turned = compared(dict(reversed(scores.items())), labels, weights, 50, 7)["pairs"][-1]
    assert (turned["a"], turned["difference"]) == ("m1", -here["pairs"][0]["difference"])


def test_many_classes_are_compared_by_their_mean_area():
    rng = np.random.default_rng(6)
    labels = rng.integers(0, 3, 1500)
    scores = {name: rng.normal(size=(1500, 3)) + shift * np.eye(3)[labels] for name, shift in (("a", 1.5), ("b", 1.0))}
    found = metrics.compare(scores, labels, None, classes=["x", "y", "z"], replicates=200, seed=1)
    for name, values in scores.items():
        alone = metrics.many_classes(values, labels, ["x", "y", "z"])
        assert found["models"][name]["value"] == pytest.approx(alone["auc"], abs=1e-12)
        assert found["models"][name]["error"] == pytest.approx(alone["auc_error"], rel=0.2)


def test_regressions_are_compared_by_their_rmse():
    rng = np.random.default_rng(7)
    truth, weights = rng.normal(size=(3000, 2)), rng.exponential(size=3000)
    scores = {"good": truth + rng.normal(0, 0.5, truth.shape), "bad": truth + rng.normal(0, 0.6, truth.shape)}
    found = metrics.compare(scores, truth, weights, targets=["x", "y"], replicates=300, seed=1)
    for name, values in scores.items():
        alone = metrics.regression(values, truth, ["x", "y"], weights)
        assert found["models"][name]["value"] == pytest.approx(alone["rmse"], rel=1e-12)
        assert found["models"][name]["error"] == pytest.approx(alone["rmse_error"], rel=0.15)
    assert found["pairs"][0]["difference"] == pytest.approx(-0.1, abs=0.02)


def test_events_that_a_model_does_not_score_count_for_none():
    scores, labels, weights = experiment(8)
    scores["m1"][:100] = np.nan
    found = compared(scores, labels, weights)
    assert (found["events"], found["unscored"]) == (900, 100)
    assert found["models"]["m0"]["value"] == metrics.auc(scores["m0"][100:], labels[100:] == 1, weights[100:]).value


def test_what_can_not_be_compared_is_none():
    scores = {"a": np.arange(5.0), "b": np.arange(5.0)[::-1]}
    for labels in (np.ones(5, int), np.zeros(5, int)):
        found = compared(scores, labels, None)
        assert found["replicates"] == 0
        assert found["models"]["a"] == {"value": None, "error": None}
        assert found["pairs"] == [{"a": "a", "b": "b", "difference": None, "error": None, "interval": None, "p_value": None}]
    empty = {"a": np.zeros(0), "b": np.zeros(0)}
    assert compared(empty, np.zeros(0, int), None)["models"]["a"]["value"] is None


def test_the_tool_takes_scores_by_model():
    scores, labels, weights = experiment(9)
    given = {"task": "classification", "classes": ["b", "s"], "models": ["m0", "m1"], "bootstrap": 20, "seed": 3}
    data = {f"scores:{name}": values.astype(np.float32) for name, values in scores.items()}
    job = compare_tool.start(given)
    found = job.run({"part": "test"}, {**data, "labels": labels.astype(np.int32), "weights": weights})
    assert (found["metric"], found["higher_is_better"], found["replicates"]) == ("auc", True, 20)
    assert found["models"]["m0"]["value"] == pytest.approx(metrics.auc(scores["m0"], labels == 1, weights).value, abs=1e-4)
    assert job.finish() == {}
    job = compare_tool.start({**given, "task": "regression", "targets": ["t"]})
    assert job.run({"part": "test"}, {**data, "targets": labels[:, None].astype(np.float32)})["metric"] == "rmse"
    with pytest.raises(DataError, match=r"comparison on part 'test': expected 1000 events with 1 scores each from 'm1', found an array of shape \(3,\)"):
        compare_tool.start(given).run({"part": "test"}, {**data, "scores:m1": np.zeros(3), "labels": labels})
