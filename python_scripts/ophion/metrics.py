"""Metrics of scores with event weights of either sign, each with its statistical error.

Weights are the original ones, never those that training normalises. A number that isn't defined (no event of a class, a sum
of weights of zero) is None. Events whose score is NaN (dropped for missing inputs) are left out and counted as "unscored".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

BACKGROUND_EFFICIENCIES = (0.01, 0.1, 0.3)  # TMVA's working points
# What methods are ranked by: (name, whether higher is better)
PRIMARY = {"classification": ("auc", True), "regression": ("rmse", False)}


class Auc(NamedTuple):
    """An area and what each event adds to it.

    Attributes
    ----------
    value, error : float or None
    influence : ndarray of float64, shape (n,)
        Its sum of squares is error²; influences of several areas on the same events add up with their correlations.
    """

    value: float | None
    error: float | None
    influence: np.ndarray


def auc(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> Auc:
    """Area under the ROC curve, ties counting half, and its error.

    With scores s, weights u of positive events i and v of negative events j, U = Σu_i, V = Σv_j::

        A    = Σ_i Σ_j u_i v_j ψ(s_i, s_j) / (U V),         ψ = 1, ½, 0 for s_i >, =, < s_j      (Mann and Whitney)
        P_i  = Σ_j v_j ψ(s_i, s_j) / V,    N_j = Σ_i u_i ψ(s_i, s_j) / U
        σ²   = c(u) Σ_i (u_i (P_i − A) / U)² + c(v) Σ_j (v_j (N_j − A) / V)²,    c(w) = n / (n − 1),  n = (Σw)² / Σw²

    For weights of one these are the components and the variance of DeLong, DeLong and Clarke-Pearson, Biometrics 44
    (1988) 837; the weighted form replaces means by weighted means and counts by effective counts. c = 1 where n ≤ 1,
    as weights of both signs can give. One sort instead of all pairs: Sun and Xu, IEEE Signal Processing Letters 21
    (2014) 1389.

    Parameters
    ----------
    scores : ndarray, shape (n,)
        Finite or infinite; no NaN.
    positive : ndarray of bool, shape (n,)
    weights : ndarray of float64, shape (n,)
    """
    u, v = np.where(positive, weights, 0.0), np.where(positive, 0.0, weights)
    total_u, total_v = u.sum(), v.sum()
    if not positive.any() or positive.all() or total_u == 0 or total_v == 0:
        return Auc(None, None, np.zeros(len(scores)))
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])  # of groups of equal scores
    group = np.empty(len(scores), np.intp)
    group[order] = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(scores)]))
    u_group, v_group = np.add.reduceat(u[order], starts), np.add.reduceat(v[order], starts)
    v_below = np.cumsum(v_group) - v_group / 2
    u_above = total_u - np.cumsum(u_group) + u_group / 2
    value = float(u_group @ v_below / (total_u * total_v))
    influence = np.where(
        positive,
        np.sqrt(_correction(u)) * u * (v_below[group] / total_v - value) / total_u,
        np.sqrt(_correction(v)) * v * (u_above[group] / total_u - value) / total_v,
    )
    return Auc(value, float(np.sqrt(influence @ influence)), influence)


def _correction(weights: np.ndarray) -> float:
    count = weights.sum() ** 2 / (weights @ weights)
    return count / (count - 1) if count > 1 else 1.0


def signal_efficiency(
    scores: np.ndarray, positive: np.ndarray, weights: np.ndarray, background: float
) -> tuple[float | None, float | None]:
    """Signal efficiency of the cut that lets the fraction `background` of the background pass, and its error.

    The convention of TMVA's table of results (TMVA Users Guide, arXiv:physics/0703039), on the exact curve instead of a
    histogram's: from the highest score down, linear between the last cut that passes no more than `background` and the
    next one, so events of equal score pass in part. The error is that of passing p_i of weights w_i with efficiency e,
    sqrt(Σ w_i² (p_i (1 − e)² + (1 − p_i) e²)) / |Σ w_i|, which is sqrt(e (1 − e) / n) for weights of one; the cut itself is
    taken as exact, as TMVA does.
    """
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ends = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])  # the cuts there are: after each group of equal scores
    signal, w = positive[order], weights[order]

    def passed(values: np.ndarray) -> np.ndarray:
        return np.r_[0.0, np.cumsum(values)[ends]]

    of_signal, of_background = passed(np.where(signal, w, 0.0)), passed(np.where(signal, 0.0, w))
    total, total_background = of_signal[-1], of_background[-1]
    if total == 0 or total_background == 0:
        return None, None
    curve = of_background / total_background
    after = int(np.argmax(curve > background))  # the last point is 1, so there is one
    share = (background - curve[after - 1]) / (curve[after] - curve[after - 1])

    def at_cut(values: np.ndarray) -> float:
        return values[after - 1] + share * (values[after] - values[after - 1])

    squares = passed(np.where(signal, w * w, 0.0))
    efficiency = at_cut(of_signal) / total
    variance = at_cut(squares) * (1 - efficiency) ** 2 + (squares[-1] - at_cut(squares)) * efficiency**2
    return float(efficiency), float(np.sqrt(variance) / abs(total))


def two_classes(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> dict[str, Any]:
    """Metrics of scores of the positive class (label 1) against the negative one (label 0).

    Returns
    -------
    dict
        {"events", "unscored", "auc", "auc_error", "efficiency": {"0.01": {"value", "error"}, "0.1": …, "0.3": …},
        "accuracy", "log_loss"}; accuracy is that of a cut at 0.5; both are None where a score is no probability.
    """
    scores, labels, weights, unscored = _arrays(scores, labels, weights, 1)
    scores, positive = scores[:, 0], labels == 1
    area = auc(scores, positive, weights)
    efficiency = {}
    for background in BACKGROUND_EFFICIENCIES:
        value, error = (None, None) if area.value is None else signal_efficiency(scores, positive, weights, background)
        efficiency[str(background)] = {"value": value, "error": error}
    both = np.column_stack([1 - scores, scores])
    accuracy, log_loss = _of_probabilities(both, positive.astype(np.intp), scores > 0.5, weights)
    return {"events": len(scores), "unscored": unscored, "auc": area.value, "auc_error": area.error,
            "efficiency": efficiency, "accuracy": accuracy, "log_loss": log_loss}  # fmt: skip


def many_classes(
    scores: np.ndarray, labels: np.ndarray, classes: Sequence[str], weights: np.ndarray | None = None
) -> dict[str, Any]:
    """Metrics of one score a class: each class's AUC against all others, and their plain mean.

    The mean's error comes from the summed influences of each event, so it knows the correlation of the areas.

    Returns
    -------
    dict
        {"events", "unscored", "auc", "auc_error", "per_class": {name: {"auc", "auc_error"}}, "accuracy", "log_loss"}
    """
    scores, labels, weights, unscored = _arrays(scores, labels, weights, len(classes))
    areas = [auc(scores[:, k], labels == k, weights) for k in range(len(classes))]
    mean = error = None
    if all(area.value is not None for area in areas):
        mean = float(np.mean([area.value for area in areas]))
        error = float(np.linalg.norm(np.mean([area.influence for area in areas], axis=0)))
    accuracy, log_loss = _of_probabilities(scores, labels, scores.argmax(axis=1), weights)
    per_class = {name: {"auc": area.value, "auc_error": area.error} for name, area in zip(classes, areas, strict=True)}
    return {"events": len(scores), "unscored": unscored, "auc": mean, "auc_error": error, "per_class": per_class,
            "accuracy": accuracy, "log_loss": log_loss}  # fmt: skip


def regression(
    predictions: np.ndarray, truth: np.ndarray, targets: Sequence[str], weights: np.ndarray | None = None
) -> dict[str, Any]:
    """Weighted errors of predictions: for each target, and over all (rmse: root of the mean square; others: plain mean).

    With residuals r = prediction − truth and weighted means <·>: rmse = sqrt(<r²>), mae = <|r|>, bias = <r>,
    r2 = 1 − <r²> / <(truth − <truth>)²>; rmse_error = sqrt(Σ w² (r² − <r²>)²) / |Σw| / (2 rmse), by propagation.

    Returns
    -------
    dict
        {"events", "unscored", "rmse", "rmse_error", "mae", "bias", "r2", "per_target": {name: the same five}}
    """
    truth = np.asarray(truth, np.float64)
    if truth.size != len(truth) * len(targets):
        raise ValueError(f"expected {len(targets)} targets an event, found an array of shape {truth.shape}")
    truth = truth.reshape(len(truth), len(targets))
    predictions, rows, weights, unscored = _arrays(predictions, np.arange(len(truth)), weights, len(targets))
    truth = truth[rows]
    residuals = predictions - truth
    rmse, rmse_error = _rmse(np.mean(residuals**2, axis=1), weights)
    per_target = {name: _one_target(residuals[:, k], truth[:, k], weights) for k, name in enumerate(targets)}
    means = {}
    for metric in ("mae", "bias", "r2"):
        values = [of_target[metric] for of_target in per_target.values()]
        means[metric] = None if None in values else float(np.mean(values))
    return {"events": len(truth), "unscored": unscored, "rmse": rmse, "rmse_error": rmse_error, **means,
            "per_target": per_target}  # fmt: skip


def _one_target(residual: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> dict[str, float | None]:
    rmse, rmse_error = _rmse(residual**2, weights)
    mean = _mean(truth, weights)
    spread = None if mean is None else _mean((truth - mean) ** 2, weights)
    r2 = 1 - _mean(residual**2, weights) / spread if spread else None
    return {"rmse": rmse, "rmse_error": rmse_error, "mae": _mean(np.abs(residual), weights),
            "bias": _mean(residual, weights), "r2": r2}  # fmt: skip


def _rmse(squares: np.ndarray, weights: np.ndarray) -> tuple[float | None, float | None]:
    mean = _mean(squares, weights)
    if mean is None or mean < 0:  # weights of both signs can give a negative mean square
        return None, None
    error = np.linalg.norm(weights * (squares - mean)) / abs(weights.sum())
    return float(np.sqrt(mean)), float(error / (2 * np.sqrt(mean))) if mean > 0 else 0.0


def _mean(values: np.ndarray, weights: np.ndarray) -> float | None:
    total = weights.sum()
    return float(values @ weights / total) if total != 0 else None


def _of_probabilities(
    scores: np.ndarray, labels: np.ndarray, chosen: np.ndarray, weights: np.ndarray
) -> tuple[float | None, float | None]:
    """Accuracy and log loss; probabilities are kept off 0 by float32's epsilon, as scikit-learn does."""
    if scores.size == 0 or scores.min() < 0 or scores.max() > 1:
        return None, None
    epsilon = float(np.finfo(np.float32).eps)
    likelihood = np.clip(scores[np.arange(len(labels)), labels], epsilon, 1.0)
    return _mean((chosen == labels).astype(np.float64), weights), _mean(-np.log(likelihood), weights)


def _arrays(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray | None, outputs: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Scores as (n, outputs) float64, labels, weights, all without the events that have no score; and their number."""
    scores = np.asarray(scores, np.float64)
    if len(scores) != len(labels) or scores.size != len(labels) * outputs:
        raise ValueError(f"expected {len(labels)} events with {outputs} scores each, found an array of shape {scores.shape}")
    scores = scores.reshape(len(labels), outputs)
    weights = np.ones(len(labels)) if weights is None else np.asarray(weights, np.float64)
    if weights.shape != (len(labels),):
        raise ValueError(f"expected {len(labels)} weights, found {weights.shape}")
    if not np.isfinite(weights).all():
        raise ValueError(f"{int((~np.isfinite(weights)).sum())} of {len(weights)} weights are not finite")
    scored = ~np.isnan(scores).any(axis=1)
    if scored.all():
        return scores, np.asarray(labels), weights, 0
    return scores[scored], np.asarray(labels)[scored], weights[scored], int((~scored).sum())
