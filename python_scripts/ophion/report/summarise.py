"""What a report knows of the events: histograms, matrices and curves of each part, never the events themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import hist
import numpy as np

from ophion.errors import DataError
from ophion.metrics.probability import balanced
from ophion.metrics.roc import Ranking
from ophion.report import curves
from ophion.report.binning import binning_of, facts_of, filled, regular, score_axis
from ophion.report.storage import Keys

ALL_EVENTS = "events"  # the one group of a regression
PLANE_BINS = 40
PARTS = ("train", "validation", "test")


def with_unit(name: str, unit: str = "") -> str:
    return f"{name} [{unit}]" if unit else name


class Summary:
    """Gathers facts part by part.

    Features are looked at in the first part that comes (training): before and after transforms; scores in every part.
    Bins are chosen in the first part too, so that parts can be compared.

    Attributes
    ----------
    facts : dict
        What summary.json holds. Histograms are named in it by their keys.
    histograms : dict of hist.Hist
    """

    def __init__(self, arguments: Mapping[str, Any]):
        self.facts: dict[str, Any] = {
            "title": arguments.get("title", ""),
            "task": arguments["task"],
            "classes": list(arguments.get("classes") or []),
            "targets": list(arguments.get("targets") or []),
            "features": [{"unit": "", **feature} for feature in arguments.get("features") or []],
            "balanced": arguments.get("balanced", True),
            "evaluation": dict(arguments.get("evaluation") or {}),
            "parts": {},
            "methods": [],
            "inputs": [],
            "scores": {},
            "spectators": {},
        }
        self.histograms: dict[str, hist.Hist] = {}
        self._transformed = {name: list(names) for name, names in (arguments.get("transformed") or {}).items()}
        self._keys = Keys()
        self._binnings: dict[str, hist.axis.Regular] = {}

    def add(self, part: str, data: Mapping[str, np.ndarray]) -> None:
        """Summarise a part; the arrays are not kept."""
        if part in self.facts["parts"]:
            raise DataError(f"report: part '{part}' was summarised before")
        events = _Events(self.facts, part, data)
        self.facts["parts"][part] = events.counts()
        if not self.facts["inputs"] and "features" in data:
            self._add_inputs(events)
        for method, scores in events.scores.items():
            if method not in self.facts["methods"]:
                self.facts["methods"].append(method)
            add = self._regression if self.facts["task"] == "regression" else self._classification
            self.facts["scores"].setdefault(part, {})[method] = add(method, events, scores)
        for name, column in events.spectators.items():
            found = self._spectator(name, column, events)
            self.facts["spectators"].setdefault(part, {})[name] = found

    def _keep(self, histogram: hist.Hist, *names: str) -> str:
        key = self._keys.new(*names)
        self.histograms[key] = histogram
        return key

    def _add_inputs(self, events: _Events) -> None:
        names = [feature["name"] for feature in self.facts["features"]]
        labels = [with_unit(feature["name"], feature["unit"]) for feature in self.facts["features"]]
        x = events.features(names)
        self.facts["inputs"].append({"part": events.part, "methods": None, **self._inputs(events, x, names, labels, "inputs")})
        alike: dict[bytes, dict[str, Any]] = {}
        for method, changed in events.transformed.items():
            print_of_it = changed[:: max(1, len(changed) // 8)].tobytes()
            if print_of_it in alike:  # the same transforms as another method's: one figure is enough
                alike[print_of_it]["methods"].append(method)
                continue
            new_names = self._transformed.get(method) or names
            if len(new_names) != changed.shape[1]:
                raise DataError(
                    f"report: '{method}' has {changed.shape[1]} transformed features, expected {len(new_names)} by their names"
                )
            group = self._inputs(events, changed, new_names, new_names, "transformed", method)
            alike[print_of_it] = {"part": events.part, "methods": [method], **group}
            self.facts["inputs"].append(alike[print_of_it])

    def _inputs(self, events: _Events, x: np.ndarray, names: Sequence[str], labels: Sequence[str], *at: str) -> dict[str, Any]:
        features = []
        for number, (name, label) in enumerate(zip(names, labels, strict=True)):
            column = np.ascontiguousarray(x[:, number])
            axis, mark = binning_of(column, label)
            keys = {
                group: self._keep(filled(axis, column[chosen], events.weights[chosen]), *at, name, group)
                for group, chosen in events.groups.items()
            }
            features.append({"name": name, "label": label, "histograms": keys, **facts_of(column, axis, mark)})
        matrices, columns = {}, list(names)
        if events.targets is not None:
            columns += self.facts["targets"]
            x = np.column_stack([x, events.targets])
        for group, chosen in events.groups.items():
            matrices[group] = curves.correlations(x[chosen], events.weights[chosen]).tolist()
        return {"features": features, "correlations": {"names": columns, "matrices": matrices}}

    def _axis(self, key: str, make: Callable[[], hist.axis.Regular]) -> hist.axis.Regular:
        """Bins that the first part chose."""
        if key not in self._binnings:
            self._binnings[key] = make()
        return self._binnings[key]

    def _classification(self, method: str, events: _Events, scores: np.ndarray) -> dict[str, Any]:
        classes = self.facts["classes"]
        known = ~np.isnan(scores).any(axis=1)
        found: dict[str, Any] = {"unscored": int((~known).sum()), "outputs": {}}
        scores, labels, weights = scores[known], events.labels[known], events.weights[known]
        positives = [1] if len(classes) == 2 else range(len(classes))
        probabilities = bool(scores.size) and scores.min() >= 0 and scores.max() <= 1
        as_trained = weights
        if self.facts["balanced"]:
            as_trained = balanced(weights, labels, len(classes))
        for output, positive in enumerate(positives):
            column, name = scores[:, output], classes[positive]
            axis = self._axis(f"score/{method}/{name}", lambda column=column: score_axis(column, "score"))
            keys = {
                of: self._keep(filled(axis, column[labels == k], weights[labels == k]), "scores", events.part, method, name, of)
                for k, of in enumerate(classes)
            }
            ranking = Ranking(column, labels == positive, weights)
            entry: dict[str, Any] = {"histograms": keys, "roc": curves.roc(ranking)}
            if ranking.defined and len(classes) == 2:
                entry["cuts"] = curves.cut_scan(ranking, axis.edges[0], axis.edges[-1])
            if probabilities and as_trained is not None:
                entry["calibration"] = curves.calibration(column, labels == positive, as_trained)
            found["outputs"][name] = entry
        return found

    def _regression(self, method: str, events: _Events, scores: np.ndarray) -> dict[str, Any]:
        known = ~np.isnan(scores).any(axis=1) & np.isfinite(events.targets).all(axis=1)
        scores, truths, weights = scores[known], events.targets[known], events.weights[known]
        found: dict[str, Any] = {"unscored": int((~known).sum()), "outputs": {}}
        for output, name in enumerate(self.facts["targets"]):
            truth, predicted = truths[:, output].astype(np.float64), scores[:, output].astype(np.float64)
            residual = predicted - truth
            axis = self._axis(f"residual/{method}/{name}", lambda r=residual: _symmetric(r))
            side = self._axis(f"truth/{name}", lambda t=truth: binning_of(t, "true").axis)
            plane = hist.Hist(
                hist.axis.Regular(PLANE_BINS, side.edges[0], side.edges[-1], name="x", label=f"true {name}"),
                hist.axis.Regular(PLANE_BINS, side.edges[0], side.edges[-1], name="y", label=f"predicted {name}"),
                storage=hist.storage.Weight(),
            ).fill(truth, predicted, weight=weights)
            found["outputs"][name] = {
                "residual": self._keep(filled(axis, residual, weights), "residuals", events.part, method, name),
                "plane": self._keep(plane, "truth_and_prediction", events.part, method, name),
                "response": curves.response(truth, predicted, weights, side.edges[0], side.edges[-1]),
            }
        return found

    def _spectator(self, name: str, column: np.ndarray, events: _Events) -> dict[str, Any]:
        """Shapes of a spectator by group, and how each method's answers go with it."""
        axis = self._axis(f"spectator/{name}", lambda: binning_of(column, name).axis)
        shapes = {
            group: self._keep(filled(axis, column[chosen], events.weights[chosen]), "spectators", events.part, name, group)
            for group, chosen in events.groups.items()
        }
        coarse = np.union1d(axis.edges[:: max(1, len(axis.edges) // 20)], axis.edges[-1])  # 39 bins are no whole pairs
        methods = {}
        for method, scores in events.scores.items():
            found: dict[str, Any] = {"profiles": {}}
            for group, quantity, chosen in self._quantities(events, scores):
                found["profiles"][group] = curves.profile(coarse, column[chosen], quantity[chosen], events.weights[chosen])
            if len(self.facts["classes"]) == 2:
                found |= self._sculpting(name, method, axis, column, events, scores[:, 0])
            methods[method] = found
        return {"label": name, "edges": coarse.tolist(), "histograms": shapes, "methods": methods}

    def _quantities(self, events: _Events, scores: np.ndarray) -> list[tuple[str, np.ndarray, np.ndarray]]:
        """What is averaged in bins of a spectator: the score of the positive class, of an event's own class, or the residual."""
        if self.facts["task"] == "regression":
            everything = np.ones(len(scores), bool)
            return [(name, scores[:, k] - events.targets[:, k], everything) for k, name in enumerate(self.facts["targets"])]
        if len(self.facts["classes"]) == 2:
            return [(group, scores[:, 0], chosen) for group, chosen in events.groups.items()]
        return [(group, scores[:, k], chosen) for k, (group, chosen) in enumerate(events.groups.items())]

    def _sculpting(
        self, name: str, method: str, axis: hist.axis.Regular, column: np.ndarray, events: _Events, scores: np.ndarray
    ) -> dict[str, Any]:
        """The negative class's shape after cuts on the score, and its divergence from the shape of what the cut takes away."""
        known = ~np.isnan(scores) & ~np.isnan(column)
        ranking = Ranking(scores[known], events.labels[known] == 1, events.weights[known])
        found: dict[str, Any] = {"after": {}, "divergence": {}}
        if not ranking.defined:
            return found
        negative = known & (events.labels == 0)
        efficiency = np.maximum.accumulate(ranking.background.weights[1:] / ranking.background.total)
        for fraction in curves.BACKGROUND_CUTS:
            cut = ranking.cuts[min(int(np.searchsorted(efficiency, fraction)), len(ranking.cuts) - 1)]
            passing, failing = negative & (scores >= cut), negative & (scores < cut)
            passed = filled(axis, column[passing], events.weights[passing])
            failed = filled(axis, column[failing], events.weights[failing])
            at = f"{self.facts['classes'][0]}_after_cut_{fraction:g}"
            found["after"][f"{fraction:g}"] = self._keep(passed, "spectators", events.part, name, method, at)
            found["divergence"][f"{fraction:g}"] = curves.divergence(passed.values(), failed.values())
        return found


class _Events:
    """The arrays of one part, checked."""

    def __init__(self, facts: Mapping[str, Any], part: str, data: Mapping[str, np.ndarray]):
        self.part = part
        self.weights = np.asarray(data["weights"], np.float64)
        self._data = data
        self._count = len(self.weights)
        self.targets: np.ndarray | None = None
        if facts["task"] == "regression":
            self.targets = self._array("targets", len(facts["targets"]))
            self.groups = {ALL_EVENTS: np.ones(self._count, bool)}
        else:
            self.labels = np.asarray(data["labels"]).astype(np.intp)
            if len(self.labels) != self._count:
                raise DataError(f"report: part '{part}': expected {self._count} labels, found {len(self.labels)}")
            self.groups = {name: self.labels == k for k, name in enumerate(facts["classes"])}
        outputs = len(facts["targets"]) if facts["task"] == "regression" else len(facts["classes"])
        width = 1 if outputs == 2 and facts["task"] == "classification" else outputs
        self.scores = {method: self._array(f"scores:{method}", width) for method in self._named("scores:")}
        self.transformed = {method: self._array(f"transformed:{method}", None) for method in self._named("transformed:")}
        self.spectators = {}
        for name in self._named("spectator:"):
            column = np.asarray(data[f"spectator:{name}"])
            if column.dtype.kind in "biuf" and column.ndim == 1:
                self.spectators[name] = column.astype(np.float64)

    def _named(self, prefix: str) -> list[str]:
        return [key.removeprefix(prefix) for key in self._data if key.startswith(prefix)]

    def _array(self, key: str, columns: int | None) -> np.ndarray:
        array = np.asarray(self._data[key])
        columns = (array.shape[1] if array.ndim == 2 else 1) if columns is None else columns
        if len(array) != self._count or array.size != self._count * columns:
            raise DataError(
                f"report: part '{self.part}': expected {self._count} events of {columns} columns in '{key}', "
                f"found an array of shape {array.shape}"
            )
        return array.reshape(self._count, columns)

    def features(self, names: Sequence[str]) -> np.ndarray:
        return self._array("features", len(names))

    def counts(self) -> dict[str, Any]:
        """Events and sums of weights by group."""
        return {
            group: {
                "events": int(chosen.sum()),
                "weight": float(self.weights[chosen].sum()),
                "negative": int((self.weights[chosen] < 0).sum()),
            }
            for group, chosen in self.groups.items()
        }


def _symmetric(residual: np.ndarray) -> hist.axis.Regular:
    """Bins of residuals around zero."""
    axis = binning_of(residual, "").axis
    reach = max(abs(axis.edges[0]), abs(axis.edges[-1]))
    return regular(-reach, reach, "prediction − truth", max(axis.size, 15))
