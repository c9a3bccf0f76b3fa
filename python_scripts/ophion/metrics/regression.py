"""Metrics of a regression: how far predictions are from the truth, overall and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ophion.metrics.events import scored, targets_of
from ophion.metrics.weighted import mean, mean_error, quantiles

CENTRAL = [0.15865525393145707, 0.5, 0.8413447460685429]  # Φ(−1), the median, Φ(1)
RESPONSE_BINS = 10


def regression(
    predictions: np.ndarray, truth: np.ndarray, targets: Sequence[str], weights: np.ndarray | None = None
) -> dict[str, Any]:
    """Weighted errors of predictions: for each target, and over all (rmse: root of the mean square; others: plain mean).

    With residuals r = prediction − truth and weighted means <·>: rmse = sqrt(<r²>), mae = <|r|>, bias = <r>,
    r2 = 1 − <r²> / <(truth − <truth>)²>; rmse_error = sqrt(Σ w² (r² − <r²>)²) / |Σw| / (2 rmse), by propagation;
    half_width = half of the distance between the weighted quantiles of r that hold the central 68.27 %.

    Returns
    -------
    dict
        {"events", "unscored", "rmse", "rmse_error", "mae", "bias", "r2", "half_width", "per_target": {name: the same six,
        "median", "normalised": see normalised_residuals, "response": see response}}
    """
    events = scored(predictions, targets_of(truth, len(targets)), weights, len(targets))
    truth, weights = events.truth, events.weights
    residuals = events.scores - truth
    rmse, rmse_error = _rmse(np.mean(residuals**2, axis=1), weights)
    per_target = {
        name: _one_target(residuals[:, k], truth[:, k], events.scores[:, k], weights) for k, name in enumerate(targets)
    }
    means = {}
    for metric in ("mae", "bias", "r2", "half_width"):
        values = [of_target[metric] for of_target in per_target.values()]
        means[metric] = None if None in values else float(np.mean(values))
    return {"events": len(truth), "unscored": events.unscored, "rmse": rmse, "rmse_error": rmse_error, **means,
            "per_target": per_target}  # fmt: skip


def _one_target(residual: np.ndarray, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
    rmse, rmse_error = _rmse(residual**2, weights)
    centre = mean(truth, weights)
    spread = None if centre is None else mean((truth - centre) ** 2, weights)
    r2 = 1 - mean(residual**2, weights) / spread if spread else None
    central = quantiles(residual, weights, CENTRAL)
    return {
        "rmse": rmse,
        "rmse_error": rmse_error,
        "mae": mean(np.abs(residual), weights),
        "bias": mean(residual, weights),
        "r2": r2,
        "half_width": None if central is None else (central[2] - central[0]) / 2,
        "median": None if central is None else central[1],
        "normalised": normalised_residuals(residual, weights),
        "response": response(prediction, truth, weights),
    }


def normalised_residuals(residual: np.ndarray, weights: np.ndarray) -> dict[str, float | None]:
    """z = (r − median) / half_width: what stands for pulls, since models give no errors of their predictions.

    Of Gaussian residuals z has mean 0, width 1, and 0.27 % beyond 3. A mean off zero is a tail on one side, a width above
    one tails on both.

    Returns
    -------
    dict
        {"mean", "width": the standard deviation, "beyond_3": share of the weights where |z| > 3}
    """
    central = quantiles(residual, weights, CENTRAL)
    if central is None or central[2] <= central[0]:
        return {"mean": None, "width": None, "beyond_3": None}
    z = (residual - central[1]) / ((central[2] - central[0]) / 2)
    centre = mean(z, weights)
    variance = mean((z - centre) ** 2, weights)  # weights of both signs can give a negative one
    return {"mean": centre, "width": float(np.sqrt(variance)) if variance >= 0 else None,
            "beyond_3": mean((np.abs(z) > 3).astype(np.float64), weights)}  # fmt: skip


def response(prediction: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> list[dict[str, Any]]:
    """Prediction / truth in up to ten bins of the truth that hold equal sums of |w|.

    Events whose truth is 0 have no response. Says something of targets that keep away from zero, such as energies.

    Returns
    -------
    list of dict
        {"from", "to", "events", "mean", "mean_error", "median", "half_width"}; a bin holds from ≤ truth < to, the last one
        its upper edge too; half_width as of residuals.
    """
    usable = truth != 0
    prediction, truth, weights = prediction[usable], truth[usable], weights[usable]
    begins = quantiles(truth, np.abs(weights), np.arange(RESPONSE_BINS) / RESPONSE_BINS)
    if begins is None:
        return []
    begins = np.unique(begins)
    edges = np.r_[begins, truth.max()]
    bins = np.searchsorted(begins, truth, side="right") - 1
    order = np.argsort(bins, kind="stable")
    ends = np.cumsum(np.bincount(bins, minlength=len(begins)))[:-1]
    found = []
    for k, rows in enumerate(np.split(order, ends)):
        ratio, w = prediction[rows] / truth[rows], weights[rows]
        central = quantiles(ratio, w, CENTRAL)
        found.append({
            "from": float(edges[k]),
            "to": float(edges[k + 1]),
            "events": len(rows),
            "mean": mean(ratio, w),
            "mean_error": mean_error(ratio, w),
            "median": None if central is None else central[1],
            "half_width": None if central is None else (central[2] - central[0]) / 2,
        })  # fmt: skip
    return found


def _rmse(squares: np.ndarray, weights: np.ndarray) -> tuple[float | None, float | None]:
    mean_square = mean(squares, weights)
    if mean_square is None or mean_square < 0:  # weights of both signs can give a negative mean square
        return None, None
    error = np.linalg.norm(weights * (squares - mean_square)) / abs(weights.sum())
    return float(np.sqrt(mean_square)), float(error / (2 * np.sqrt(mean_square))) if mean_square > 0 else 0.0
