"""Scores taken as probabilities: how often and how surely they are right, and whether they mean what they say."""

from __future__ import annotations

import numpy as np

from ophion.metrics.weighted import mean

CALIBRATION_BINS = 15  # Guo et al., arXiv:1706.04599


def of_probabilities(probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> dict[str, float | None]:
    """Accuracy, log loss, Brier score and expected calibration error.

    Parameters
    ----------
    probabilities : ndarray of float64, shape (n, classes)
    labels : ndarray of int, shape (n,)
    weights : ndarray of float64, shape (n,)

    Returns
    -------
    dict
        accuracy : the most probable class is the true one; of two equal ones the first counts.
        log_loss : −<ln p(true class)>, probabilities kept off 0 by float32's epsilon, as scikit-learn does.
        brier : <Σ_k (p_k − [k is true])²>, for two classes half of it, which is (p − y)² (Brier, Monthly Weather Review 78
            (1950) 1).
        calibration_error : see there.
        All None where a score is no probability.
    """
    if probabilities.size == 0 or probabilities.min() < 0 or probabilities.max() > 1:
        return dict.fromkeys(("accuracy", "log_loss", "brier", "calibration_error"))
    rows = np.arange(len(labels))
    chosen = probabilities.argmax(axis=1)
    of_truth = probabilities[rows, labels]
    squares = np.einsum("ij,ij->i", probabilities, probabilities) - 2 * of_truth + 1
    epsilon = float(np.finfo(np.float32).eps)
    two = probabilities.shape[1] == 2
    sure = probabilities[:, 1] if two else probabilities[rows, chosen]
    right = labels == 1 if two else chosen == labels
    return {
        "accuracy": mean((chosen == labels).astype(np.float64), weights),
        "log_loss": mean(-np.log(np.clip(of_truth, epsilon, 1.0)), weights),
        "brier": mean(squares / 2 if two else squares, weights),
        "calibration_error": calibration_error(sure, right, weights),
    }


def calibration_error(probabilities: np.ndarray, right: np.ndarray, weights: np.ndarray) -> float | None:
    """Σ_bins |Σ_i w_i (p_i − y_i)| / |Σ_i w_i| over 15 bins of equal width in p (p = 1 belongs to the last).

    The expected calibration error of Naeini, Cooper and Hauskrecht (AAAI 2015) and Guo et al. (arXiv:1706.04599): the mean
    distance between what a bin's events claim and how often they are right, without a division by a bin's weights, which
    may sum to zero. Two classes: p is the positive one's probability, y whether the event is positive; more: p is the
    largest one, y whether that class is the true one.
    """
    total = weights.sum()
    if total == 0:
        return None
    bins = np.minimum((probabilities * CALIBRATION_BINS).astype(np.intp), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights * (probabilities - right), CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / abs(total))


def confusion(chosen: np.ndarray, labels: np.ndarray, classes: int, weights: np.ndarray) -> dict[str, list[list[float]]]:
    """{"weights", "counts"}: rows are true classes, columns the chosen ones."""
    cell = labels * classes + chosen
    sums = np.bincount(cell, weights, classes * classes).reshape(classes, classes)
    counts = np.bincount(cell, minlength=classes * classes).reshape(classes, classes)
    return {"weights": sums.tolist(), "counts": counts.tolist()}


def balanced(weights: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray | None:
    """Weights scaled so that each class weighs one; None where the weights of a class sum to zero."""
    totals = np.bincount(labels, weights, classes)
    return None if (totals == 0).any() else weights / totals[labels]
