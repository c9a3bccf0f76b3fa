"""Fits transforms of features with scikit-learn on training events; C++ applies them (native/transform.h)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ophion import contract
from ophion.errors import DataError
from ophion.readers.columns import nearest
from ophion.tools._transform_fits import FITS, Events, Fitted

COMMON_OPTIONS = {"type", "features"}


class Job(contract.Job):
    """One fit of a chain of transforms, each fitted on the events as the steps before it leave them."""

    def __init__(
        self, transforms: Sequence[Mapping[str, Any]], features: Sequence[str], classes: Sequence[str], imputes: bool, seed: int
    ):
        self._transforms = transforms
        self._features = list(features)
        self._classes = list(classes)
        self._imputes = imputes
        self._seed = seed

    def run(self, arguments: Mapping[str, Any], data: Mapping[str, np.ndarray]) -> tuple[dict, dict[str, np.ndarray]]:
        """Fit all steps.

        Parameters
        ----------
        data : dict
            x : ndarray of float32 or float64, shape (n, n_features), or (n,) where there is one
                Training events only. Lent and read-only.
            labels : ndarray of int32, shape (n,)
                Index of each event's class; only where there are classes.

        Returns
        -------
        dict
            {"steps": [{"type": str, "settings": {str: str}, "names": [str]}]}; names: of new columns, if it makes some.
        dict of ndarray of float64
            "<step>.<array>", as native/transform.h names them.
        """
        x = data["x"]
        if x.ndim == 1 and len(self._features) == 1:
            x = x[:, None]
        self._check(x)
        names = self._features
        fitted: list[Fitted] = []
        steps, arrays = [], {}
        for number, options in enumerate(self._transforms):
            columns = _columns(options, names)
            events = Events(x, fitted, names, columns, data.get("labels"), self._classes, self._seed, self._imputes)
            fit, _ = FITS[options["type"]]
            step = fit(options, events, names if columns is None else [names[column] for column in columns])
            step.columns = columns
            fitted.append(step)
            steps.append({"type": options["type"], "settings": step.settings, "names": step.names})
            if step.names:
                names = [name for i, name in enumerate(names) if columns is not None and i not in columns] + step.names
            kept = step.arrays if columns is None else step.arrays | {"columns": np.array(columns)}
            arrays |= {f"{number}.{name}": np.ascontiguousarray(array, np.float64) for name, array in kept.items()}
        return {"steps": steps}, arrays

    def _check(self, x: np.ndarray) -> None:
        if x.ndim != 2 or x.shape[1] != len(self._features):
            raise DataError(f"transforms: expected {len(self._features)} features, found an array of shape {x.shape}")
        if not len(x):
            raise DataError("transforms: no training event to fit on")
        for position, name in enumerate(self._features):
            column = x[:, position]
            if infinite := int(np.isinf(column).sum()):
                raise DataError(f"transforms: feature '{name}' is infinite in {infinite} of {len(x)} training events")
            if np.isnan(column).all():
                raise DataError(f"transforms: feature '{name}' is NaN in all {len(x)} training events")


def start(arguments: Mapping[str, Any]) -> Job:
    """Begin a fit.

    Parameters
    ----------
    arguments : dict
        transforms : list of {"type": ...} or of type names
            Each with the options of its fit in ophion.tools._transform_fits, and "features", the names of those it works on
            as they are called at that point of the chain: all when left out.
        features : list of str
        classes : list of str, default none
            What labels are indices of.
        imputes : bool, default False
            Whether a number that a step can't take becomes what its median does, not NaN.
        seed : int, default 0
            Chooses the events of a subsample.
    """
    transforms = [{"type": entry} if isinstance(entry, str) else dict(entry) for entry in arguments["transforms"]]
    for entry in transforms:
        if entry["type"] not in FITS:
            known = ", ".join(FITS)
            raise DataError(f"transform '{entry['type']}': expected one of {known}{nearest(entry['type'], FITS)}")
        _, options = FITS[entry["type"]]
        for option in entry.keys() - options - COMMON_OPTIONS:
            raise DataError(f"transform '{entry['type']}' has no option '{option}'{nearest(option, options | COMMON_OPTIONS)}")
    return Job(
        transforms,
        arguments["features"],
        arguments.get("classes", ()),
        bool(arguments.get("imputes", False)),
        int(arguments.get("seed", 0)),
    )


def _columns(options: Mapping[str, Any], names: Sequence[str]) -> list[int] | None:
    """Where the features that a step works on stand; None: all of them."""
    if "features" not in options:
        return None
    for name in options["features"]:
        if name not in names:
            raise DataError(f"transform '{options['type']}': there is no feature '{name}' at that point{nearest(name, names)}")
    return [names.index(name) for name in options["features"]]
