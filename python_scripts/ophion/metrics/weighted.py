"""Means, quantiles and sizes of samples whose events weigh something, of either sign."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def mean(values: np.ndarray, weights: np.ndarray) -> float | None:
    """Σ w x / Σ w; None where the weights sum to zero."""
    total = weights.sum()
    return float(values @ weights / total) if total != 0 else None


def mean_error(values: np.ndarray, weights: np.ndarray) -> float | None:
    """Standard error of the weighted mean: sqrt(Σ w² (x − <x>)²) / |Σ w|, σ / √n for weights of one."""
    centre = mean(values, weights)
    return None if centre is None else float(np.linalg.norm(weights * (values - centre)) / abs(weights.sum()))


def effective_count(weights: np.ndarray) -> float:
    """(Σ w)² / Σ w²: how many events of weight one fluctuate as much (Kish, Survey Sampling, 1965); 0 without events."""
    squares = weights @ weights
    return float(weights.sum() ** 2 / squares) if squares > 0 else 0.0


def group_starts(ordered: np.ndarray) -> np.ndarray:
    """Where each group of equal values begins in sorted values."""
    return np.flatnonzero(np.r_[np.ones(min(len(ordered), 1), bool), ordered[1:] != ordered[:-1]])


def distribution(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distribution function: the distinct values, rising, and the share of the weights at or below each.

    With negative weights it may fall here and there, and leave [0, 1]; it ends at 1. Weights must not sum to zero.
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = group_starts(ordered)
    below = np.cumsum(np.add.reduceat(weights[order], starts))
    return ordered[starts], below / below[-1]


def quantiles(values: np.ndarray, weights: np.ndarray, shares: Sequence[float] | np.ndarray) -> list[float] | None:
    """The first values at which the distribution function reaches the shares; None where it is not defined.

    NumPy's method "inverted_cdf": an event of weight two is two events. Where negative weights make the function fall, the
    first crossing counts.
    """
    if len(values) == 0 or weights.sum() == 0:
        return None
    at, below = distribution(values, weights)
    reached = np.searchsorted(np.maximum.accumulate(below), np.asarray(shares) * (1 - 1e-12))  # sums are rounded
    return [float(at[i]) for i in reached]
