"""What single features tell of the class, before anything is trained: TMVA's separation."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from ophion.metrics.events import checked_weights
from ophion.metrics.weighted import effective_count, quantiles

MOST_BINS = 50
EVENTS_A_BIN = 20  # effective ones of the smallest class; fewer bins where there are fewer
MOST_EVENTS = 50_000  # of a class: more would change the third digit of a small separation, and take seconds


def separation(
    features: np.ndarray, labels: np.ndarray, classes: int, weights: np.ndarray | None = None
) -> list[dict[str, float | None]]:
    """⟨S²⟩ = ½ ∫ (s − b)² / (s + b) dx of each feature: 0 where two classes are alike, 1 where they do not overlap.

    s and b are the classes' distributions, each normalised to one (TMVA Users Guide, arXiv:physics/0703039), as histograms
    with up to 50 bins, fewer where a class has fewer than 1000 effective events. Bins hold equal sums of |w|, classes
    counting alike, so that the value stays the same under any rising function of the feature; NaN is a bin of its own. A
    class's bin in which negative weights prevail counts as empty. Of more than two classes, the plain mean over all pairs.
    Of a class with more than 50,000 events, so many of them, evenly spread, stand for all.

    Parameters
    ----------
    features : ndarray, shape (n, features)
    labels : ndarray of int, shape (n,)
    classes : int
    weights : ndarray of float64, shape (n,), optional

    Returns
    -------
    list of dict
        For each feature {"value", "by_chance"}; by_chance is what two equal distributions give on average, from the bins and
        the effective numbers of events alone. None where a class has no events or its weights sum to zero or less.
    """
    weights = checked_weights(weights, len(labels))
    rows = np.sort(np.concatenate([_evenly(np.flatnonzero(labels == k)) for k in range(classes)]))
    labels, weights = np.asarray(labels)[rows].astype(np.intp), weights[rows]
    of_class = [weights[labels == k] for k in range(classes)]
    if any(w.sum() <= 0 for w in of_class):
        return [{"value": None, "by_chance": None} for _ in range(features.shape[1])]
    counts = [effective_count(w) for w in of_class]
    bins = int(np.clip(min(counts) / EVENTS_A_BIN, 2, MOST_BINS))
    shares = np.abs(weights) / np.array([np.abs(w).sum() for w in of_class])[labels]
    return [_of_feature(features[rows, k], labels, weights, shares, bins, counts) for k in range(features.shape[1])]


def rank(names: Sequence[str], separations: list[dict[str, float | None]]) -> list[dict[str, object]]:
    """[{"feature", "value", "by_chance"}], the largest separation first; what is not defined stays in order."""
    rows = [{"feature": name, **found} for name, found in zip(names, separations, strict=True)]
    return sorted(rows, key=lambda row: -1.0 if row["value"] is None else row["value"], reverse=True)


def _evenly(rows: np.ndarray) -> np.ndarray:
    return rows if len(rows) <= MOST_EVENTS else rows[np.arange(MOST_EVENTS) * len(rows) // MOST_EVENTS]


def _of_feature(
    values: np.ndarray, labels: np.ndarray, weights: np.ndarray, shares: np.ndarray, bins: int, counts: list[float]
) -> dict[str, float | None]:
    known = ~np.isnan(values)
    cell = np.zeros(len(values), np.intp)  # 0 is NaN
    edges = quantiles(values[known], shares[known], np.linspace(0, 1, bins + 1)[:-1])
    if edges is not None:
        cell[known] = np.searchsorted(np.unique(edges), values[known], side="right") + 1
    used = int(cell.max()) + 1
    densities = np.bincount(labels * used + cell, weights, len(counts) * used).reshape(len(counts), used)
    densities = np.maximum(densities, 0.0)
    densities /= densities.sum(axis=1, keepdims=True)
    filled = int((densities.sum(axis=0) > 0).sum())
    found, by_chance = [], []
    for s, b in itertools.combinations(range(len(counts)), 2):
        both = densities[s] + densities[b]
        difference = (densities[s] - densities[b]) ** 2
        found.append(0.5 * np.divide(difference, both, out=np.zeros(used), where=both > 0).sum())
        by_chance.append((filled - 1) / 4 * (1 / counts[s] + 1 / counts[b]))
    return {"value": float(np.mean(found)), "by_chance": float(np.mean(by_chance))}
