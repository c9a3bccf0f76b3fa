"""Scores, truth and weights of one part, checked, without the events that have no score."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Scored(NamedTuple):
    """Events that have a score.

    Attributes
    ----------
    scores : ndarray of float64, shape (n, outputs)
    truth : ndarray, shape (n,) or (n, targets)
        Labels or targets.
    weights : ndarray of float64, shape (n,)
    unscored : int
        Events that were left out, because a score of theirs is NaN.
    """

    scores: np.ndarray
    truth: np.ndarray
    weights: np.ndarray
    unscored: int


def scored(scores: np.ndarray, truth: np.ndarray, weights: np.ndarray | None, outputs: int) -> Scored:
    """Check shapes and weights, and leave out what has no score. ValueError says what was expected."""
    scores, truth = np.asarray(scores, np.float64), np.asarray(truth)
    if len(scores) != len(truth) or scores.size != len(truth) * outputs:
        raise ValueError(f"expected {len(truth)} events with {outputs} scores each, found an array of shape {scores.shape}")
    scores = scores.reshape(len(truth), outputs)
    weights = checked_weights(weights, len(truth))
    has_score = ~np.isnan(scores).any(axis=1)
    if has_score.all():
        return Scored(scores, truth, weights, 0)
    return Scored(scores[has_score], truth[has_score], weights[has_score], int((~has_score).sum()))


def checked_weights(weights: np.ndarray | None, events: int) -> np.ndarray:
    """Weights as float64, ones where there are none."""
    if weights is None:
        return np.ones(events)
    weights = np.asarray(weights, np.float64)
    if weights.shape != (events,):
        raise ValueError(f"expected {events} weights, found {weights.shape}")
    if not np.isfinite(weights).all():
        raise ValueError(f"{int((~np.isfinite(weights)).sum())} of {len(weights)} weights are not finite")
    return weights


def targets_of(truth: np.ndarray, targets: int) -> np.ndarray:
    """Targets as (n, targets) float64."""
    truth = np.asarray(truth, np.float64)
    if truth.size != len(truth) * targets:
        raise ValueError(f"expected {targets} targets an event, found an array of shape {truth.shape}")
    return truth.reshape(len(truth), targets)
