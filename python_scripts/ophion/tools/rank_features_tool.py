"""Which features tell the classes apart by themselves, before anything is trained (ophion.metrics.features)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ophion import contract, metrics
from ophion.errors import DataError


class Job(contract.Job):
    def __init__(self, features: list[str], classes: list[str]):
        self._features = features
        self._classes = classes

    def run(self, arguments: Mapping[str, Any], data: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Rank the features by their separation.

        Parameters
        ----------
        data : dict
            features : ndarray, shape (n, features), or (n,) where there is one
            labels : ndarray of int, shape (n,)
            weights : ndarray, shape (n,), optional

        Returns
        -------
        dict
            {"separation": [{"feature", "value", "by_chance"}]}, the largest first.
        """
        features = data["features"]
        if features.ndim == 1 and len(self._features) == 1:
            features = features[:, None]
        if features.ndim != 2 or features.shape[1] != len(self._features):
            raise DataError(f"separation: expected {len(self._features)} features an event, found an array of shape "
                            f"{features.shape}")  # fmt: skip
        try:
            found = metrics.separation(features, data["labels"], len(self._classes), data.get("weights"))
        except ValueError as error:
            raise DataError(f"separation: {error}") from error
        return {"separation": metrics.rank(self._features, found)}


def start(arguments: Mapping[str, Any]) -> Job:
    """
    Parameters
    ----------
    arguments : dict
        features, classes : list of str
    """
    return Job(list(arguments["features"]), list(arguments["classes"]))
