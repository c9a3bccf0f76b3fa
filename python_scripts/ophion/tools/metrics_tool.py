"""How well scores answer: metrics of one part of the data (ophion.metrics)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ophion import metrics
from ophion.errors import DataError


def _compute(arguments: Mapping[str, Any], data: Mapping[str, np.ndarray]) -> dict[str, Any]:
    if arguments["task"] == "regression":
        return metrics.regression(data["scores"], data["targets"], arguments["targets"], data.get("weights"))
    classes = arguments["classes"]
    if len(classes) == 2:
        return metrics.two_classes(data["scores"], data["labels"], data.get("weights"))
    return metrics.many_classes(data["scores"], data["labels"], classes, data.get("weights"))


class Job:
    def run(self, arguments: Mapping[str, Any], data: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Metrics of the events given, and under "primary" the one that methods are ranked by.

        Parameters
        ----------
        arguments : dict
            task : {"classification", "regression"}
            classes : list of str
                Two: (negative, positive).
            targets : list of str
                Regression.
            part : str
                For errors: "test".
        data : dict
            scores : ndarray, shape (n,) or (n, k)
            labels : ndarray of int, shape (n,), or targets : ndarray, shape (n,) or (n, k)
            weights : ndarray, shape (n,), optional
                Original weights, which may be negative.
        """
        name, higher_is_better = metrics.PRIMARY[arguments["task"]]
        try:
            result = _compute(arguments, data)
        except ValueError as error:
            raise DataError(f"metrics of part '{arguments.get('part', '')}': {error}") from error
        return {"primary": {"name": name, "higher_is_better": higher_is_better}, **result}

    def finish(self) -> dict[str, Any]:
        return {}

    def abandon(self) -> None:
        pass


def start(arguments: Mapping[str, Any]) -> Job:
    return Job()
