"""Metrics of a classification: two classes around one ROC curve, more of them class by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ophion.metrics.events import scored
from ophion.metrics.probability import balanced, confusion, of_probabilities
from ophion.metrics.roc import Ranking
from ophion.metrics.significance import Significance
from ophion.metrics.weighted import effective_count


def two_classes(
    scores: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray | None = None,
    significance: Mapping[str, Any] | None = None,
    cuts: Mapping[str, float | None] | None = None,
) -> dict[str, Any]:
    """Metrics of scores of the positive class (label 1) against the negative one (label 0).

    Parameters
    ----------
    scores, labels, weights
        One score, label and weight an event.
    significance : dict, optional
        Arguments of ophion.metrics.Significance.
    cuts : dict, optional
        {kind of significance: a cut}, the best ones of other events.

    Returns
    -------
    dict
        {"events", "unscored", "effective_events": [of label 0, of label 1], "auc", "auc_error",
        "efficiency": {"0.01": {"value", "error"}, "0.1": …, "0.3": …}, "rejection": {"0.3": {"value", "error"}, …},
        "accuracy", "log_loss", "brier", "calibration_error", "balanced": {the same four}, "confusion": {"weights", "counts"},
        "significance": {kind: {"value", "cut", "signal", "background"}}, "significance_at": the same at `cuts`};
        accuracy and confusion are those of a cut at 0.5; what asks for probabilities is None where a score is none.
    """
    events = scored(scores, labels, weights, 1)
    score, labels = events.scores[:, 0], events.truth.astype(np.intp)
    ranking = Ranking(score, labels == 1, events.weights)
    area = ranking.auc()
    counting = Significance(ranking, **(significance or {}))
    probable = _probabilities(np.column_stack([1 - score, score]), labels, events.weights)
    if probable["accuracy"] is None:
        probable["confusion"] = None
    return {
        **_counts(labels, events.weights, events.unscored, 2),
        "auc": area.value,
        "auc_error": area.error,
        **ranking.working_points(),
        **probable,
        "significance": counting.best(),
        **({} if cuts is None else {"significance_at": counting.at(cuts)}),
    }


def many_classes(
    scores: np.ndarray, labels: np.ndarray, classes: Sequence[str], weights: np.ndarray | None = None
) -> dict[str, Any]:
    """Metrics of one score a class: each class's AUC against all others, and their plain mean.

    The mean's error comes from the summed influences of each event, so it knows the correlation of the areas. One against
    one: entry [i][j] of the matrix is the AUC of score i on the events of classes i and j, i being the signal; its mean over
    all pairs is the M of Hand and Till, Machine Learning 45 (2001) 171.

    Returns
    -------
    dict
        {"events", "unscored", "effective_events": [one a class], "auc", "auc_error", "per_class": {name: {"auc", "auc_error",
        "efficiency", "rejection"}}, "auc_one_vs_one", "one_vs_one": [[None, …], …], "accuracy", "log_loss", "brier",
        "calibration_error", "balanced": {the same four}, "confusion": {"weights", "counts"}}
    """
    events = scored(scores, labels, weights, len(classes))
    labels = events.truth.astype(np.intp)
    areas, per_class = [], {}
    for k, name in enumerate(classes):
        ranking = Ranking(events.scores[:, k], labels == k, events.weights)
        areas.append(ranking.auc())
        per_class[name] = {"auc": areas[k].value, "auc_error": areas[k].error, **ranking.working_points()}
    mean = error = None
    if all(area.value is not None for area in areas):
        mean = float(np.mean([area.value for area in areas]))
        error = float(np.linalg.norm(np.mean([area.influence for area in areas], axis=0)))
    matrix = _one_against_one(events.scores, labels, events.weights, len(classes))
    pairs = [value for i, row in enumerate(matrix) for j, value in enumerate(row) if i != j]
    return {
        **_counts(labels, events.weights, events.unscored, len(classes)),
        "auc": mean,
        "auc_error": error,
        "per_class": per_class,
        "auc_one_vs_one": None if None in pairs else float(np.mean(pairs)),
        "one_vs_one": matrix,
        **_probabilities(events.scores, labels, events.weights),
    }


def _one_against_one(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray, classes: int
) -> list[list[float | None]]:
    matrix: list[list[float | None]] = [[None] * classes for _ in range(classes)]
    of_class = [np.flatnonzero(labels == k) for k in range(classes)]
    for i in range(classes):
        for j in range(classes):
            if i == j:
                continue
            rows = np.concatenate([of_class[i], of_class[j]])
            matrix[i][j] = Ranking(scores[rows, i], labels[rows] == i, weights[rows]).auc().value
    return matrix


def _counts(labels: np.ndarray, weights: np.ndarray, unscored: int, classes: int) -> dict[str, Any]:
    effective = [effective_count(weights[labels == k]) for k in range(classes)]
    return {"events": len(labels), "unscored": unscored, "effective_events": effective}


def _probabilities(probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
    """What takes scores as probabilities, with the weights given and with classes that weigh the same; and the confusion."""
    classes = probabilities.shape[1]
    found: dict[str, Any] = of_probabilities(probabilities, labels, weights)
    even = balanced(weights, labels, classes)
    found["balanced"] = dict.fromkeys(found) if even is None else of_probabilities(probabilities, labels, even)
    found["confusion"] = confusion(probabilities.argmax(axis=1), labels, classes, weights)
    return found
