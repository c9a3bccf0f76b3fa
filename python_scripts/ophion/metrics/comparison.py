"""Whether one model is better than another on the same events: the paired bootstrap.

The events are drawn anew, with replacement, and every model is measured on the same draw, so what all models find hard cancels in
their difference (Efron and Tibshirani, An Introduction to the Bootstrap, 1993). Each model's events are sorted once; a draw
only changes how often each event counts.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ophion import contract
from ophion.metrics.events import checked_weights, targets_of

# How often each event counts (uint8: small enough for a processor's cache) -> the metric; NaN where it is not defined.
Measure = Callable[[np.ndarray], float]
INTERVAL = (0.025, 0.975)


def paired_bootstrap(measures: Mapping[str, Measure], events: int, replicates: int, seed: int) -> dict[str, Any]:
    """Measure models on the events as they are and on draws of them.

    Returns
    -------
    dict
        {"replicates": draws in which every metric was defined, "models": {name: {"value", "error"}}, "pairs": [{"a", "b",
        "difference": a's − b's, "error": its standard deviation over the draws, "interval": its central 95 % of the draws,
        "p_value": 2 Φ(−|difference| / error), for no difference}]}; None where it is not defined or nothing was drawn.
    """
    values = {name: measure(np.ones(events, np.uint8)) for name, measure in measures.items()}
    generator = np.random.default_rng(seed)
    drawn = np.empty((replicates, len(measures)))
    for done, row in enumerate(drawn if events else ()):
        contract.progress("comparing the models", done, replicates, "draws")
        counts = np.bincount(generator.integers(0, events, events), minlength=events).astype(np.uint8)
        row[:] = [measure(counts) for measure in measures.values()]
    if replicates:
        contract.progress("comparing the models", replicates, replicates, "draws")
    drawn = drawn[np.isfinite(drawn).all(axis=1)] if events else drawn[:0]
    column = {name: drawn[:, k] for k, name in enumerate(measures)}
    return {
        "replicates": len(drawn),
        "models": {name: {"value": _number(values[name]), "error": _spread(column[name])} for name in measures},
        "pairs": [
            {"a": a, "b": b, **_difference(values[a] - values[b], column[a] - column[b])}
            for a, b in itertools.combinations(measures, 2)
        ],
    }


def of_classes(scores: np.ndarray, labels: np.ndarray, classes: int, weights: np.ndarray) -> Measure:
    """The AUC of two classes, of more the mean of each against the rest."""
    if classes == 2:
        return _area(scores[:, 0], labels == 1, weights)
    areas = [_area(scores[:, k], labels == k, weights) for k in range(classes)]
    return lambda counts: float(np.mean([area(counts) for area in areas]))


def of_targets(predictions: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> Measure:
    """The root of the mean square over all targets."""
    squares = weights * np.mean((predictions - truth) ** 2, axis=1)

    def measure(counts: np.ndarray) -> float:
        total = counts @ weights
        mean_square = counts @ squares / total if total != 0 else np.nan
        return float(np.sqrt(mean_square)) if mean_square >= 0 else np.nan

    return measure


def compare(
    scores: Mapping[str, np.ndarray],
    truth: np.ndarray,
    weights: np.ndarray | None,
    *,
    classes: Sequence[str] = (),
    targets: Sequence[str] = (),
    replicates: int,
    seed: int,
) -> dict[str, Any]:
    """Compare models by their AUC (labels of `classes`) or their rmse (`targets`), on the events that all of them score.

    Returns
    -------
    dict
        {"events", "unscored", …: paired_bootstrap's}
    """
    weights = checked_weights(weights, len(truth))
    outputs = len(targets) or (1 if len(classes) == 2 else len(classes))
    truth = targets_of(truth, len(targets)) if targets else np.asarray(truth).astype(np.intp)
    given = {}
    for name, values in scores.items():
        values = np.asarray(values, np.float64)
        if len(values) != len(truth) or values.size != len(truth) * outputs:
            raise ValueError(f"expected {len(truth)} events with {outputs} scores each from '{name}', found an array of shape "
                             f"{values.shape}")  # fmt: skip
        given[name] = values.reshape(len(truth), outputs)
    usable = ~np.any([np.isnan(values).any(axis=1) for values in given.values()], axis=0)
    truth, weights = truth[usable], weights[usable]
    measures = {
        name: of_targets(values[usable], truth, weights) if targets
        else of_classes(values[usable], truth, len(classes), weights)
        for name, values in given.items()
    }  # fmt: skip
    unscored = int((~usable).sum())
    return {"events": len(truth), "unscored": unscored, **paired_bootstrap(measures, len(truth), replicates, seed)}


def _area(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> Measure:
    signal, background = (
        rows[np.argsort(scores[rows], kind="stable")] for rows in (np.flatnonzero(positive), np.flatnonzero(~positive))
    )
    u, v = weights[signal], weights[background]
    below = np.searchsorted(scores[background], scores[signal], side="left")
    not_above = np.searchsorted(scores[background], scores[signal], side="right")
    tied = bool((below != not_above).any())

    def measure(counts: np.ndarray) -> float:
        of_signal = u * counts[signal]
        summed = np.zeros(len(background) + 1)
        np.cumsum(v * counts[background], out=summed[1:])
        total, total_background = of_signal.sum(), summed[-1]
        if total == 0 or total_background == 0:
            return np.nan
        beaten = summed[below]
        if tied:
            beaten = (beaten + summed[not_above]) / 2
        return float(of_signal @ beaten / (total * total_background))

    return measure


def _difference(difference: float, drawn: np.ndarray) -> dict[str, Any]:
    error = _spread(drawn)
    if not np.isfinite(difference) or error is None:
        return {"difference": _number(difference), "error": None, "interval": None, "p_value": None}
    if error > 0:
        p_value = math.erfc(abs(difference) / error / math.sqrt(2))  # 2 Φ(−x)
    else:  # scores in the same order
        p_value = 1.0 if difference == 0 else 0.0
    interval = [float(edge) for edge in np.quantile(drawn, INTERVAL)]
    return {"difference": difference, "error": error, "interval": interval, "p_value": p_value}


def _spread(drawn: np.ndarray) -> float | None:
    return float(drawn.std(ddof=1)) if len(drawn) > 1 else None


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
