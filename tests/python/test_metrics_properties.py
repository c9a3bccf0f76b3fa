"""What must hold for every metric whatever the events: by property, on weights of both signs."""

import numpy as np
import pytest

from ophion import metrics

# What speaks of numbers of events, or of the spread between them, isn't the same for two events of weight one as for one of two.
COUNTING = {"events", "effective_events", "auc_error", "rmse_error", "error", "counts", "mean_error"}


def flat(value, at="", leave_out=()):
    """Every number of a result under its place."""
    if isinstance(value, dict):
        items = [(key, part) for key, part in value.items() if key not in leave_out]
    elif isinstance(value, list):
        items = list(enumerate(value))
    else:
        return {at: value}
    return {place: number for key, part in items for place, number in flat(part, f"{at}/{key}", leave_out).items()}


def same(one, other, leave_out=()):
    one, other = flat(one, leave_out=leave_out), flat(other, leave_out=leave_out)
    numbers = [place for place, value in one.items() if isinstance(value, (int, float))]
    assert {place: one.pop(place) for place in numbers} == pytest.approx(
        {place: other.pop(place) for place in numbers}, rel=1e-9, abs=1e-12
    )
    assert one == other  # None, names
    assert numbers


def two(seed=1, n=2000):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    scores = 1 / (1 + np.exp(-(rng.normal(size=n) + 1.5 * labels - 0.7)))
    return scores.round(2), labels, signed(rng, n)


def many(seed=2, n=1500):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    logits = np.exp(rng.normal(size=(n, 3)) + np.eye(3)[labels])
    return logits / logits.sum(axis=1, keepdims=True), labels, signed(rng, n)


def numbers(seed=3, n=1500):
    rng = np.random.default_rng(seed)
    truth = rng.exponential(20, size=(n, 2)) + 1
    return truth * rng.normal(1, 0.1, truth.shape), truth, signed(rng, n)


def signed(rng, n):
    return rng.exponential(size=n) * np.where(rng.random(n) < 0.1, -1, 1)


def of_two(scores, labels, weights):
    return metrics.two_classes(scores, labels, weights)


def of_many(scores, labels, weights):
    return metrics.many_classes(scores, labels, ["a", "b", "c"], weights)


def of_numbers(predictions, truth, weights):
    return metrics.regression(predictions, truth, ["px", "py"], weights)


def of_features(scores, labels, weights):
    features = np.column_stack([scores, labels + np.sin(1e4 * scores)])
    return metrics.rank(["x", "y"], metrics.separation(features, labels, 2, weights))


OF_SCORES = [(of_two, two), (of_many, many), (of_numbers, numbers)]
OF_FEATURES = [(of_features, lambda: two(n=8000))]  # enough for all bins, with whatever weights


def every(cases):
    return pytest.mark.parametrize(("measure", "events"), cases, ids=[case[0].__name__ for case in cases])


@every(OF_SCORES + OF_FEATURES)
def test_the_order_of_the_events_says_nothing(measure, events):
    scores, truth, weights = events()
    order = np.random.default_rng(5).permutation(len(truth))
    same(measure(scores, truth, weights), measure(scores[order], truth[order], weights[order]))


@every(OF_SCORES + OF_FEATURES)
def test_an_event_of_weight_two_is_two_events(measure, events):
    scores, truth, weights = events()
    chosen = np.random.default_rng(6).random(len(truth)) < 0.3
    twice = [np.concatenate([a, a[chosen]]) for a in (scores, truth, weights)]
    doubled = np.where(chosen, 2 * weights, weights)
    same(measure(scores, truth, doubled), measure(*twice), {*COUNTING, "by_chance", "significance"})


@every(OF_SCORES + OF_FEATURES)
def test_an_event_of_weight_zero_says_nothing(measure, events):
    scores, truth, weights = events()
    zero = np.random.default_rng(7).random(len(truth)) < 0.2
    weights = np.where(zero, 0.0, weights)
    same(measure(scores, truth, weights), measure(scores[~zero], truth[~zero], weights[~zero]), {"events", "counts"})


@every(OF_SCORES + OF_FEATURES)
def test_the_unit_of_the_weights_says_nothing_but_to_yields(measure, events):
    scores, truth, weights = events()
    leave_out = {"significance", "weights"}
    same(measure(scores, truth, weights), measure(scores, truth, 1e3 * weights), leave_out)


@every(OF_SCORES)
def test_an_event_and_the_same_with_the_weight_turned_cancel(measure, events):
    scores, truth, weights = events()
    extra = slice(0, 200)
    more = [np.concatenate([a, a[extra], a[extra]]) for a in (scores, truth)]
    w = np.concatenate([weights, weights[extra], -weights[extra]])
    cancelling = {*COUNTING, "response", "significance"}  # bins of the response follow |w|
    same(measure(scores, truth, weights), measure(*more, w), cancelling)


@every(OF_SCORES)
def test_turning_the_weights_of_all_events_says_nothing(measure, events):
    scores, truth, weights = events()
    same(measure(scores, truth, weights), measure(scores, truth, -weights), {"significance", "weights"})


def test_exchanging_the_classes_turns_the_curve_around():
    scores, labels, weights = two()
    here, there = of_two(scores, labels, weights), of_two(1 - scores, 1 - labels, weights)
    for name in ("auc", "auc_error", "log_loss", "brier"):
        assert there[name] == pytest.approx(here[name], rel=1e-12)
    turned = of_two(1 - scores, labels, weights)
    assert turned["auc"] == pytest.approx(1 - here["auc"], rel=1e-12)
    assert turned["auc_error"] == pytest.approx(here["auc_error"], rel=1e-12)


def test_a_rising_function_of_the_scores_changes_no_number_of_the_curve():
    scores, labels, weights = two()
    here, there = of_two(scores, labels, weights), of_two(np.exp(3 * scores), labels, weights)
    for name in ("auc", "auc_error", "efficiency", "rejection"):
        same({name: here[name]}, {name: there[name]})
    for kind, best in here["significance"].items():
        assert there["significance"][kind]["value"] == pytest.approx(best["value"], rel=1e-12)
        assert there["significance"][kind]["cut"] == pytest.approx(np.exp(3 * best["cut"]), rel=1e-12)


def test_turning_predictions_and_truth_turns_the_bias_alone():
    predictions, truth, weights = numbers()
    here, there = of_numbers(predictions, truth, np.abs(weights)), of_numbers(-predictions, -truth, np.abs(weights))
    assert there["bias"] == pytest.approx(-here["bias"], rel=1e-12)
    for name in ("rmse", "rmse_error", "mae", "r2"):
        assert there[name] == pytest.approx(here[name], rel=1e-12)
    # the middle of an even number of events lies between two of them
    assert there["half_width"] == pytest.approx(here["half_width"], rel=0.01)


def test_one_class_only_gives_what_can_be_said_without_the_other():
    found = metrics.two_classes(np.array([0.9, 0.8, 0.2]), np.ones(3, int), np.array([1.0, 2.0, 1.0]))
    assert found["accuracy"] == 0.75
    assert found["effective_events"] == [0.0, pytest.approx(16 / 6)]
    assert found["auc"] is None and found["balanced"]["accuracy"] is None
    assert found["rejection"]["0.5"] == {"value": None, "error": None}
    assert {best["value"] for best in found["significance"].values()} == {None}


def test_scores_that_are_all_equal_tell_nothing():
    labels = np.r_[np.ones(30, int), np.zeros(50, int)]
    found = metrics.two_classes(np.full(80, 0.5), labels)
    assert (found["auc"], found["auc_error"]) == (0.5, 0.0)
    for background, efficiency in found["efficiency"].items():
        assert efficiency["value"] == pytest.approx(float(background))  # they pass in part
    for signal, rejection in found["rejection"].items():
        assert rejection["value"] == pytest.approx(1 / float(signal))
    asimov = found["significance"]["asimov"]
    assert (asimov["cut"], asimov["signal"], asimov["background"]) == (0.5, 30.0, 50.0)


def test_weights_of_both_signs_may_leave_the_range_of_weights_of_one():
    # background −1 above the signal: the curve begins by losing background, and the area is beyond one
    found = metrics.two_classes(np.array([0.9, 0.5, 0.1]), np.array([0, 1, 0]), np.array([-1.0, 1.0, 3.0]))
    assert found["auc"] == 1.5
    assert found["efficiency"]["0.1"]["value"] == 1.0
    assert found["rejection"]["0.9"] == {"value": None, "error": None}  # −½ of the background passes
