"""Curves and matrices of scores that a report draws, each point with its error: numbers only.

Weights may be of either sign throughout. An error is that of a sum of weights, the root of the sum of their squares, carried on.
"""

from __future__ import annotations

import numpy as np

from ophion.metrics.probability import CALIBRATION_BINS
from ophion.metrics.regression import CENTRAL
from ophion.metrics.roc import Ranking
from ophion.metrics.significance import MINIMUM_EFFECTIVE_EVENTS
from ophion.metrics.weighted import quantiles

ROC_POINTS = np.unique(np.r_[np.linspace(0, 1, 101), np.logspace(-4, 0, 81)])
CUTS = 200
BINS_OF_TRUTH = 12
BACKGROUND_CUTS = (0.5, 0.1)  # background efficiencies at which a spectator's shape is looked at
FEWEST = 5  # events in a bin that has a point


def correlations(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Linear correlation coefficients of columns, each pair over the events in which both are finite.

    Weighted as in cov(a, b) = Σ w a b / Σ w − <a><b>; NaN where a variance is not positive: a constant, or weights of both signs.
    """
    columns = x.shape[1]
    total, first, second, product = (np.zeros((columns, columns)) for _ in range(4))
    shift = np.nan_to_num(x[:1].astype(np.float64), posinf=0.0, neginf=0.0)  # differences of large numbers would lose digits
    for start in range(0, len(x), 16_384):
        block = x[start : start + 16_384].astype(np.float64) - shift
        w = weights[start : start + 16_384, None]
        known = np.isfinite(block)
        block = np.where(known, block, 0.0)
        known = known.astype(np.float64)
        total += known.T @ (w * known)
        first += block.T @ (w * known)
        second += (block * block).T @ (w * known)
        product += block.T @ (w * block)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = first / total  # of a column over the events that another column has too
        variance = second / total - mean**2
        variance[variance <= 1e-12 * (second / total)] = np.nan  # what rounding leaves of a constant
        matrix = (product / total - mean * mean.T) / np.sqrt(variance * variance.T)
    return np.clip(matrix, -1, 1)


def roc(ranking: Ranking) -> dict[str, list[float]]:
    """Signal efficiency at fixed background efficiencies, with a band of one standard deviation.

    Both samples fluctuate: the band's upper edge is e(b) + sqrt(σ_s² + (e(b + σ_b) − e(b))²), the lower one likewise, with the
    errors σ_s and σ_b of passing the cut; where the curve is straight that is Var = σ_s² + (de/db)² σ_b² of Pepe, The
    Statistical Evaluation of Medical Tests (2003), result 5.1. Points of less background than one event are left out;
    there is no curve where weights of both signs leave less than one event in all.
    """
    totals = ranking.background
    least = totals.squares[-1] / totals.total**2 if ranking.defined else np.inf  # one event's share
    if least > 1:
        return {"background": [], "signal": [], "low": [], "high": []}
    fractions = np.r_[0.0, ROC_POINTS[least <= ROC_POINTS]]
    curve = np.maximum.accumulate(totals.weights / totals.total)
    squares = np.interp(fractions, curve, totals.squares)
    variance = squares * (1 - fractions) ** 2 + (totals.squares[-1] - squares) * fractions**2
    moved = np.sqrt(np.clip(variance, 0, None)) / abs(totals.total)
    signal, error = ranking.signal_efficiency(fractions)
    above, _ = ranking.signal_efficiency(np.clip(fractions + moved, 0, 1))
    below, _ = ranking.signal_efficiency(np.clip(fractions - moved, 0, 1))
    return {
        "background": fractions.tolist(),
        "signal": signal.tolist(),
        "low": (signal - np.hypot(error, signal - below)).tolist(),
        "high": (signal + np.hypot(error, above - signal)).tolist(),
    }


def cut_scan(ranking: Ranking, low: float, high: float) -> dict[str, list]:
    """Efficiencies of the cuts `score >= cut`, and whether enough events of both classes pass for a significance."""
    cuts = np.linspace(low, high, CUTS + 1)
    passed = np.searchsorted(-ranking.cuts, -cuts, side="right")  # how many distinct scores reach the cut
    efficiencies, enough = [], np.ones(len(cuts), bool)
    for of_class in (ranking.signal, ranking.background):
        sums, squares = of_class.weights[passed], of_class.squares[passed]
        efficiencies.append((sums / of_class.total).tolist())
        enough &= (sums * of_class.total > 0) & (sums**2 >= MINIMUM_EFFECTIVE_EVENTS * squares)
    return {"cut": cuts.tolist(), "signal": efficiencies[0], "background": efficiencies[1], "enough": enough.tolist()}


def calibration(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> dict[str, list[float]]:
    """Mean score and share of positive events in bins of the score; bins of few events or no positive weight have no point."""
    bins = CALIBRATION_BINS
    index = np.minimum((scores * bins).astype(np.intp), bins - 1)
    count, total = np.bincount(index, minlength=bins), np.bincount(index, weights, bins)
    used = (count >= FEWEST) & (total > 0)
    safe = np.where(used, total, 1.0)
    mean = np.bincount(index, weights * scores, bins) / safe
    share = np.bincount(index, weights * positive, bins) / safe
    error = np.sqrt(np.bincount(index, (weights * (positive - share[index])) ** 2, bins)) / safe
    return {"score": mean[used].tolist(), "share": share[used].tolist(), "error": error[used].tolist()}


def profile(edges: np.ndarray, at: np.ndarray, values: np.ndarray, weights: np.ndarray) -> dict[str, list[float | None]]:
    """Mean and its error of `values` in bins of `at`; None in bins of few events or no positive weight."""
    bins = len(edges) - 1
    inside = (at >= edges[0]) & (at < edges[-1]) & np.isfinite(values)
    index = np.searchsorted(edges, at[inside], side="right") - 1
    values, weights = values[inside].astype(np.float64), weights[inside]
    count, total = np.bincount(index, minlength=bins), np.bincount(index, weights, bins)
    used = (count >= FEWEST) & (total > 0)
    safe = np.where(used, total, 1.0)
    mean = np.bincount(index, weights * values, bins) / safe
    error = np.sqrt(np.bincount(index, (weights * (values - mean[index])) ** 2, bins)) / safe
    return {"mean": _or_none(mean, used), "error": _or_none(error, used)}


def divergence(one: np.ndarray, other: np.ndarray) -> float | None:
    """Jensen-Shannon divergence in bits of two histograms: 0 where they have one shape, 1 where they share no bin.

    Lin, IEEE Trans. Inf. Theory 37 (1991) 145; as measure of mass sculpting: ATLAS, ATL-PHYS-PUB-2018-014. Bins of negative
    sum count as empty. None where a histogram is empty.
    """
    p, q = np.clip(one, 0, None), np.clip(other, 0, None)
    if p.sum() <= 0 or q.sum() <= 0:
        return None
    p, q = p / p.sum(), q / q.sum()
    middle = (p + q) / 2

    def relative_entropy(of: np.ndarray) -> float:
        some = of > 0
        return float(of[some] @ np.log2(of[some] / middle[some]))

    return (relative_entropy(p) + relative_entropy(q)) / 2


def response(truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray, low: float, high: float) -> dict[str, list]:
    """Residuals (prediction − truth) in bins of truth: their mean, its error, and half the width of their central 68.27 %."""
    edges = np.linspace(low, high, BINS_OF_TRUTH + 1)
    residual = predicted - truth
    index = np.clip(np.searchsorted(edges, truth, side="right") - 1, 0, BINS_OF_TRUTH - 1)
    inside = (truth >= low) & (truth <= high)
    widths: list[float | None] = []
    for number in range(BINS_OF_TRUTH):
        here = inside & (index == number)
        ends = quantiles(residual[here], weights[here], [CENTRAL[0], CENTRAL[-1]]) if here.sum() >= FEWEST else None
        widths.append(None if ends is None else (ends[1] - ends[0]) / 2)
    edges[-1] += 1e-9 * (high - low)
    return {"edges": edges.tolist(), **profile(edges, truth, residual, weights), "half_width": widths}


def _or_none(values: np.ndarray, used: np.ndarray) -> list[float | None]:
    return [float(value) if ok else None for value, ok in zip(values, used, strict=True)]
