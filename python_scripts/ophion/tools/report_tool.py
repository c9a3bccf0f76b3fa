"""The report of a run: figures and a page in the run's folder (ophion.report)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ophion import contract
from ophion.errors import DataError, OptionError, suggestion
from ophion.report import storage

STYLES = ("plain", "ATLAS", "CMS", "LHCb")  # of the config's schema

log = logging.getLogger("ophion.report")


class Job(contract.Job):
    """One report. Without a run() it is drawn again from what an earlier one left."""

    def __init__(self, arguments: Mapping[str, Any]):
        self._run = Path(arguments["folder"])
        self._arguments = arguments
        self._options = dict(arguments.get("options") or {})
        chosen = self._options.get("style") or "plain"
        if chosen not in STYLES:
            raise OptionError("/style", f"there is no style '{chosen}'{suggestion(chosen, STYLES)}")
        self._summary: Any = None

    def run(self, arguments: Mapping[str, Any], data: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Summarise one part.

        Parameters
        ----------
        arguments : dict
            part : {"train", "validation", "test"}
        data : dict
            features : ndarray of float32, shape (n, n_features)
                Before transforms.
            weights : ndarray of float64, shape (n,)
                Original weights, which may be negative.
            labels : ndarray of int32, shape (n,), or targets : ndarray of float32, shape (n, n_targets)
            scores:<method> : ndarray of float32, shape (n,) or (n, n_outputs)
            transformed:<method> : ndarray of float32, shape (n, n_transformed), where the method has transforms
            spectator:<name> : ndarray, shape (n,)
        """
        from ophion.report.summarise import Summary

        if self._summary is None:
            self._summary = Summary({**self._arguments, **_from_config(self._run)})
        part = arguments["part"]
        try:
            self._summary.add(part, data)
        except ValueError as error:
            raise DataError(f"report of part '{part}': {error}") from error
        log.info("report: summarised the %s part, %d events", part, len(data["weights"]))
        return {}

    def finish(self) -> dict[str, Any]:
        """Keep the summary, draw the figures, write the page: {"page": path, "figures": number}."""
        from ophion.report.draw import draw, view_of

        folder = self._run / "report"
        if self._summary is not None:
            storage.save(folder, {**self._summary.facts, "options": self._options}, self._summary.histograms)
        facts, histograms = storage.load(folder)
        return draw(self._run, view_of(self._run, facts, histograms), self._options or facts["options"])

    def abandon(self) -> None:
        self._summary = None


def start(arguments: Mapping[str, Any]) -> Job:
    """Begin a report.

    Parameters
    ----------
    arguments : dict
        folder : str
            The run's: it holds metrics.json, and may hold config.resolved.json and history/<method>.jsonl.
        title, task, classes, targets, features, transformed
            What the summary is about; not needed where an earlier summary is drawn again.
        options : dict
            The config's "report": style, label. Left out: as the earlier drawing had them.
    """
    return Job(arguments)


def _from_config(run: Path) -> dict[str, Any]:
    """What training and evaluation were told: whether all classes weighed the same, and how significances count."""
    path = run / "config.resolved.json"
    config = storage.read_json(path, "") if path.is_file() else {}
    weights = (config.get("data") or {}).get("weights") or {}
    return {
        "balanced": weights.get("normalise", "equal_class") == "equal_class",
        "evaluation": config.get("evaluation") or {},
    }
