"""What takes scores as probabilities, and metrics of more than two classes, against scikit-learn and hand-computed cases."""

import numpy as np
import pytest
from sklearn import metrics as sk

from ophion import metrics


def two(seed=1, n=4000):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    return 1 / (1 + np.exp(-(rng.normal(size=n) + 1.5 * labels - 0.7))), labels, rng.exponential(size=n)


def many(seed=2, n=3000, classes=4):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    logits = np.exp(rng.normal(size=(n, classes)) + np.eye(classes)[labels])
    return logits / logits.sum(axis=1, keepdims=True), labels, rng.exponential(size=n)


def by_bins(probabilities, right, weights):
    """The expected calibration error as it is written in the papers: bins, their confidences, their accuracies."""
    edges, error = np.linspace(0, 1, 16), 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (probabilities >= low) & ((probabilities < high) | (high == 1))
        if inside.any():
            confidence = np.average(probabilities[inside], weights=weights[inside])
            accuracy = np.average(right[inside], weights=weights[inside])
            error += weights[inside].sum() / weights.sum() * abs(confidence - accuracy)
    return error


def test_brier_score_and_calibration_of_two_classes():
    scores, labels, weights = two()
    found = metrics.two_classes(scores, labels, weights)
    assert found["brier"] == pytest.approx(sk.brier_score_loss(labels, scores, sample_weight=weights), abs=1e-12)
    assert found["log_loss"] == pytest.approx(sk.log_loss(labels, scores, sample_weight=weights), abs=1e-12)
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(labels, scores > 0.5, sample_weight=weights), abs=1e-12)
    assert found["calibration_error"] == pytest.approx(by_bins(scores, labels, weights), abs=1e-12)


def test_brier_score_and_calibration_of_many_classes():
    scores, labels, weights = many()
    found = metrics.many_classes(scores, labels, list("abcd"), weights)
    assert found["brier"] == pytest.approx(sk.brier_score_loss(labels, scores, sample_weight=weights), abs=1e-12)
    right = scores.argmax(axis=1) == labels
    assert found["calibration_error"] == pytest.approx(by_bins(scores.max(axis=1), right, weights), abs=1e-12)


def test_probabilities_that_are_true_are_calibrated():
    rng = np.random.default_rng(3)
    truth = rng.random(400_000)
    labels = (rng.random(400_000) < truth).astype(int)
    assert metrics.two_classes(truth, labels)["calibration_error"] < 0.004
    # squeezed to the middle they say too little: on average by a quarter
    squeezed = metrics.two_classes(0.25 + truth / 2, labels)
    assert squeezed["calibration_error"] == pytest.approx(0.125, abs=0.004)


def test_calibration_with_negative_weights_is_computed_by_hand():
    # in one bin: 2 · (0.35 − 1) and −1 · (0.38 − 0); in another 1 · (0.9 − 1); the sum of weights is 2
    found = metrics.two_classes(np.array([0.35, 0.38, 0.9]), np.array([1, 0, 1]), np.array([2.0, -1.0, 1.0]))
    assert found["calibration_error"] == pytest.approx((abs(-1.3 - 0.38) + 0.1) / 2)
    assert found["brier"] == pytest.approx((2 * 0.65**2 - 0.38**2 + 0.1**2) / 2)


def test_balanced_is_what_equal_classes_would_give():
    scores, labels, weights = two()
    rare = np.where(labels == 1, 1e-3, 1.0) * weights
    even = weights / np.array([weights[labels == 0].sum(), weights[labels == 1].sum()])[labels]
    found = metrics.two_classes(scores, labels, rare)
    expected = metrics.two_classes(scores, labels, even)
    assert found["accuracy"] != pytest.approx(expected["accuracy"], abs=0.01)
    assert found["balanced"] == pytest.approx({name: expected[name] for name in found["balanced"]})
    assert found["balanced"]["accuracy"] == pytest.approx(sk.balanced_accuracy_score(labels, scores > 0.5, sample_weight=weights))


def test_scores_that_are_no_probabilities_are_not_taken_as_such():
    found = metrics.two_classes(np.array([-3.0, 2.0, 5.0]), np.array([0, 1, 1]))
    for name in ("accuracy", "log_loss", "brier", "calibration_error", "confusion"):
        assert found[name] is None, name
    assert set(found["balanced"].values()) == {None}
    assert found["auc"] == 1.0


def test_confusion_is_that_of_scikit_learn():
    scores, labels, weights = many()
    chosen = scores.argmax(axis=1)
    found = metrics.many_classes(scores, labels, list("abcd"), weights)["confusion"]
    assert np.allclose(found["weights"], sk.confusion_matrix(labels, chosen, sample_weight=weights), atol=1e-12)
    assert found["counts"] == sk.confusion_matrix(labels, chosen).tolist()
    of_two, labels, weights = two()
    found = metrics.two_classes(of_two, labels, weights)["confusion"]
    assert found["counts"] == sk.confusion_matrix(labels, of_two > 0.5).tolist()


def test_confusion_counts_negative_weights_as_they_are():
    scores = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1]])
    found = metrics.many_classes(scores, np.array([0, 0, 0]), ["a", "b", "c"], np.array([2.0, -0.5, -1.0]))["confusion"]
    assert found == {"weights": [[1.0, -0.5, 0.0], [0.0] * 3, [0.0] * 3], "counts": [[2, 1, 0], [0] * 3, [0] * 3]}


def test_one_against_one_is_that_of_hand_and_till():
    scores, labels, weights = many()
    found = metrics.many_classes(scores, labels, list("abcd"))
    assert found["auc_one_vs_one"] == pytest.approx(sk.roc_auc_score(labels, scores, multi_class="ovo"), abs=1e-12)
    assert found["auc"] == pytest.approx(sk.roc_auc_score(labels, scores, multi_class="ovr"), abs=1e-12)
    pair = (labels == 1) | (labels == 3)
    weighted = metrics.many_classes(scores, labels, list("abcd"), weights)["one_vs_one"]
    expected = sk.roc_auc_score(labels[pair] == 1, scores[pair, 1], sample_weight=weights[pair])
    assert weighted[1][3] == pytest.approx(expected, abs=1e-12)
    assert [weighted[k][k] for k in range(4)] == [None] * 4


def test_each_class_has_the_working_points_of_its_curve_against_the_rest():
    scores, labels, weights = many()
    found = metrics.many_classes(scores, labels, list("abcd"), weights)["per_class"]["c"]
    alone = metrics.two_classes(scores[:, 2], (labels == 2).astype(int), weights)
    for name in ("auc", "auc_error", "efficiency", "rejection"):
        assert found[name] == alone[name]


def test_a_class_without_events_leaves_the_others_their_numbers():
    scores, labels, weights = many(classes=3)
    here = labels != 2
    found = metrics.many_classes(scores[here], labels[here], ["a", "b", "c"], weights[here])
    assert found["auc"] is None and found["auc_one_vs_one"] is None and found["per_class"]["c"]["auc"] is None
    assert found["per_class"]["a"]["auc"] > 0.5 and found["one_vs_one"][0][1] > 0.5 and found["one_vs_one"][0][2] is None
    assert found["balanced"]["accuracy"] is None and found["accuracy"] > 0.4
