"""How much a model's metric loses when one feature is shuffled (Breiman, Machine Learning 45 (2001) 5; Fisher, Rudin, Dominici, arXiv:1801.01489)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ophion import contract, metrics


class Job(contract.Job):
    """Gets the scores of untouched events first, then for each feature those of the same events with it shuffled.

    Parameters
    ----------
    task : {"classification", "regression"}
    classes, targets : list of str
    """

    def __init__(self, task: str, classes: Sequence[str], targets: Sequence[str]):
        self._task, self._classes, self._targets = task, list(classes), list(targets)
        self._found: list[dict[str, Any]] = []

    def run(self, arguments: Mapping[str, Any], data: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Take the scores of one feature's shuffles, or the untouched ones.

        Parameters
        ----------
        arguments : dict
            feature : str
                Left out in the first call.
        data : dict
            labels : ndarray of int or targets : ndarray, weights : ndarray
                Of the first call, kept for the others.
            scores : ndarray, shape (n,) or (n, k); in later calls "scores:0", "scores:1", …, one a shuffle.
        """
        if "feature" not in arguments:
            self._truth = np.array(data["labels"] if self._task == "classification" else data["targets"])
            self._weights = np.array(data["weights"])
            self._untouched = self._metric(data["scores"])
            return {}
        sign = 1 if metrics.PRIMARY[self._task][1] else -1
        shuffled = [self._metric(scores) for name, scores in data.items() if name.startswith("scores:")]
        if self._untouched is None or None in shuffled:
            value = error = None
        else:
            losses = sign * (self._untouched - np.array(shuffled))
            value = float(losses.mean())
            error = float(losses.std(ddof=1) / np.sqrt(len(losses))) if len(losses) > 1 else None
        self._found.append({"feature": arguments["feature"], "value": value, "error": error})
        return {}

    def finish(self) -> dict[str, Any]:
        """The features, most important first.

        Returns
        -------
        dict
            metric : str
            permutation : list of {"feature", "value", "error"}
                How much worse the metric gets (of an error: how much larger), and the standard error of the mean over the shuffles.
        """
        order = sorted(self._found, key=lambda one: -np.inf if one["value"] is None else one["value"], reverse=True)
        return {"metric": metrics.PRIMARY[self._task][0], "permutation": order}

    def _metric(self, scores: np.ndarray) -> float | None:
        """The primary metric, of the events that have a score."""
        found = metrics.compare(
            {"": scores}, self._truth, self._weights, classes=self._classes, targets=self._targets, replicates=0, seed=0
        )
        return found["models"][""]["value"]


def start(arguments: Mapping[str, Any]) -> Job:
    return Job(arguments["task"], arguments["classes"], arguments["targets"])
