"""Pipelines of scikit-learn: scalers before any model that has a neutral form by itself.

A scaler is part of a network's first layer. Of a forest it becomes part of the thresholds, which are looked for by the scaler's own
arithmetic (`forest.Forest.through`), so that every event takes the same turns.
"""

from __future__ import annotations

import functools

import numpy as np
import sklearn
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from ophion.contract import Spec
from ophion.native import NotExportable, estimator_form
from ophion.native.forest import Forest
from ophion.native.network import Network


def converter(estimator):
    """The function that makes a `Forest` or `Network` of this pipeline; None when it is none."""
    return _pipeline if type(estimator) is Pipeline else None


def _pipeline(pipeline, spec: Spec) -> Forest | Network:
    scalers = [one for _, one in pipeline.steps[:-1] if one not in (None, "passthrough")]
    for one in scalers:
        if type(one) not in _AFFINE:
            raise NotExportable(f"a pipeline with {type(one).__name__}")
    form = estimator_form(pipeline.steps[-1][1], spec)
    if not scalers:
        return form
    if isinstance(form, Forest):
        form.through(functools.partial(_scaled, scalers))
        return form
    factor, shift = np.ones(spec.n_features), np.zeros(spec.n_features)
    for one in scalers:
        if getattr(one, "clip", False):
            raise NotExportable(f"a pipeline with {type(one).__name__} that clips, before a network or linear model")
        a, b = _AFFINE[type(one)](one)
        factor, shift = factor * a, shift * a + b
    form.scale_inputs(factor, shift)
    return form


def _scaled(scalers: list, x: np.ndarray) -> np.ndarray:
    """What the model behind them is given; float32 stays float32. Beyond all float32 numbers, infinity."""
    with sklearn.config_context(assume_finite=True), np.errstate(over="ignore"):
        for one in scalers:
            x = one.transform(x)
    return x


def _standard(scaler) -> tuple[np.ndarray, np.ndarray]:
    scale = 1.0 if scaler.scale_ is None else scaler.scale_
    return 1 / scale, -(scaler.mean_ if scaler.with_mean else 0.0) / scale


def _robust(scaler) -> tuple[np.ndarray, np.ndarray]:
    scale = scaler.scale_ if scaler.with_scaling else 1.0
    return 1 / scale, -(scaler.center_ if scaler.with_centering else 0.0) / scale


# What each makes of x, as (a, b) of a * x + b. All rise with x: none has a negative scale.
_AFFINE = {
    StandardScaler: _standard,
    RobustScaler: _robust,
    MinMaxScaler: lambda scaler: (scaler.scale_, scaler.min_),
    MaxAbsScaler: lambda scaler: (1 / scaler.scale_, 0.0),
}
