"""How well scores answer: metrics of one part of the data after another, of one model (ophion.metrics)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ophion import contract, metrics
from ophion.errors import DataError
from ophion.metrics.agreement import Sample
from ophion.metrics.events import scored


class Job(contract.Job):
    """Remembers what later parts of the same model are compared with.

    Attributes
    ----------
    _trained : dict or None
        {class: the distribution of its scores in the training part}.
    _cuts : dict or None
        {kind of significance: its best cut in the validation part}.
    """

    def __init__(self, evaluation: Mapping[str, Any], yields: Mapping[str, float] | None):
        self._counting = {
            name: evaluation[key]
            for name, key in (("scale", "yield_scale"), ("background_uncertainty", "background_uncertainty"))
            if key in evaluation
        }
        self._yields = yields
        self._trained: dict[str, Sample | None] | None = None
        self._cuts: dict[str, float | None] | None = None

    def run(self, arguments: Mapping[str, Any], data: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Metrics of the events given, and under "primary" the one that methods are ranked by.

        After a part "train", parts have "ks" too: {class: the Kolmogorov-Smirnov test of its scores against training}. After
        a part "validation", "significance_at" holds the significances at that part's best cuts.

        Parameters
        ----------
        arguments : dict
            task : {"classification", "regression"}
            classes : list of str
                Two: (negative, positive).
            targets : list of str
                Regression.
            part : str
                "train", "validation", "test", or another name.
        data : dict
            scores : ndarray, shape (n,) or (n, k)
            labels : ndarray of int, shape (n,), or targets : ndarray, shape (n,) or (n, k)
            weights : ndarray, shape (n,), optional
                Original weights, which may be negative.
        """
        name, higher_is_better = metrics.PRIMARY[arguments["task"]]
        try:
            result = self._compute(arguments, data)
        except ValueError as error:
            raise DataError(f"metrics of part '{arguments.get('part', '')}': {error}") from error
        return {"primary": {"name": name, "higher_is_better": higher_is_better}, **result}

    def _compute(self, arguments: Mapping[str, Any], data: Mapping[str, np.ndarray]) -> dict[str, Any]:
        scores, weights, part = data["scores"], data.get("weights"), arguments.get("part")
        if arguments["task"] == "regression":
            return metrics.regression(scores, data["targets"], arguments["targets"], weights)
        classes, labels = arguments["classes"], data["labels"]
        if len(classes) == 2:
            result = metrics.two_classes(scores, labels, weights, self._significance(classes), self._cuts)
            if part == "validation":
                self._cuts = {kind: found["cut"] for kind, found in result["significance"].items()}
        else:
            result = metrics.many_classes(scores, labels, classes, weights)
        samples = _samples(scores, labels, weights, classes)
        if self._trained is not None:
            result["ks"] = {c: metrics.kolmogorov_smirnov(self._trained[c], samples[c]) for c in classes}
        if part == "train":
            self._trained = samples
        return result

    def _significance(self, classes: list[str]) -> dict[str, Any]:
        if self._yields is None:
            return self._counting
        background, signal = classes
        return {**self._counting, "yields": (self._yields[signal], self._yields[background])}


def _samples(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray | None, classes: list[str]
) -> dict[str, Sample | None]:
    """Of each class the distribution of its scores: of two classes the one score there is, of more the class's own."""
    events = scored(scores, labels, weights, 1 if len(classes) == 2 else len(classes))
    found = {}
    for k, name in enumerate(classes):
        rows = events.truth == k
        found[name] = metrics.sample(events.scores[rows, 0 if len(classes) == 2 else k], events.weights[rows])
    return found


def start(arguments: Mapping[str, Any]) -> Job:
    """
    Parameters
    ----------
    arguments : dict
        evaluation : dict, optional
            The config's object: "yield_scale", "background_uncertainty".
        yields : dict, optional
            {class: events expected in all}, such as the sums of weights over all parts. Left out: those of each part.
    """
    return Job(arguments.get("evaluation", {}), arguments.get("yields"))
