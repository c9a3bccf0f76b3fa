"""Whether one model is better than another on the same events (ophion.metrics.comparison)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ophion import contract, metrics
from ophion.errors import DataError


class Job(contract.Job):
    def __init__(self, arguments: Mapping[str, Any]):
        self._arguments = arguments

    def run(self, arguments: Mapping[str, Any], data: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Compare all pairs of models in the metric that methods are ranked by.

        Parameters
        ----------
        arguments : dict
            part : str
                For errors: "test".
        data : dict
            scores:<model> : ndarray, shape (n,) or (n, k)
                For each model.
            labels : ndarray of int, shape (n,), or targets : ndarray, shape (n,) or (n, k)
            weights : ndarray, shape (n,), optional

        Returns
        -------
        dict
            {"metric", "higher_is_better", "events", "unscored", "replicates", "models": {name: {"value", "error"}},
            "pairs": [{"a", "b", "difference", "error", "interval", "p_value"}]}
        """
        given = self._arguments
        name, higher_is_better = metrics.PRIMARY[given["task"]]
        regression = given["task"] == "regression"
        try:
            result = metrics.compare(
                {model: data["scores:" + model] for model in given["models"]},
                data["targets" if regression else "labels"],
                data.get("weights"),
                classes=[] if regression else given["classes"],
                targets=given["targets"] if regression else [],
                replicates=given["bootstrap"],
                seed=given["seed"],
            )
        except ValueError as error:
            raise DataError(f"comparison on part '{arguments.get('part', '')}': {error}") from error
        return {"metric": name, "higher_is_better": higher_is_better, **result}


def start(arguments: Mapping[str, Any]) -> Job:
    """
    Parameters
    ----------
    arguments : dict
        task : {"classification", "regression"}
        classes, targets : list of str
            The one that the task has.
        models : list of str
        bootstrap : int
            How often the events are drawn anew.
        seed : int
    """
    return Job(arguments)
