"""Tells experiment trackers of a run: MLflow and TensorBoard, packages that Ophion itself does not need.

A tracker that isn't installed or can't be reached when a run begins is an error, before anything is trained. One that fails later
is given up with a warning: a training is worth more than its record.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from ophion import contract
from ophion.errors import OptionError

_log = logging.getLogger("ophion")


class Tracker(Protocol):
    """Where a run is told of."""

    name: str

    def epoch(self, method: str, epoch: int, metrics: Mapping[str, float]) -> None: ...

    def finish(self, results: Mapping[str, Any]) -> None:
        """Take what metrics.json holds, and end the record."""

    def abandon(self) -> None:
        """End the record of a run that failed."""


class Job(contract.Job):
    def __init__(self, folder: Path, trackers: list[Tracker]):
        self._folder = folder
        self._trackers = trackers

    def run(self, arguments: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
        """Tell of one epoch.

        Parameters
        ----------
        arguments : dict
            method : str
            epoch : int
            fold : int, optional
                Of a cross-validation, from 1: its metrics are told as "fold1/loss".
            metrics : dict
                {name: number}, such as "loss" and "validation/loss".
        """
        method, epoch, fold = arguments["method"], arguments["epoch"], arguments.get("fold")
        metrics = {f"fold{fold}/{name}" if fold else name: value for name, value in arguments["metrics"].items()}
        self._tell(lambda tracker: tracker.epoch(method, epoch, metrics))
        return {}

    def finish(self) -> dict[str, Any]:
        """Tell of the results; the run folder is complete."""
        if self._trackers:
            results = json.loads((self._folder / "metrics.json").read_text(encoding="utf-8"))
            self._tell(lambda tracker: tracker.finish(results))
        return {}

    def abandon(self) -> None:
        self._tell(lambda tracker: tracker.abandon())

    def _tell(self, what: Callable[[Tracker], None]) -> None:
        for tracker in list(self._trackers):
            try:
                what(tracker)
            except Exception as error:  # of any kind: a server that has gone, a full disk, a bug in a package
                _log.warning("%s is told no more of this run: %s: %s", tracker.name, type(error).__name__, error)
                self._trackers.remove(tracker)


class Mlflow:
    """An MLflow run for the whole run, and below it one for each method.

    Only MLflow's client is used: nothing of the process (the active run, the tracking URI) is changed.
    """

    name = "MLflow"

    def __init__(self, options: Mapping[str, Any], name: str, folder: Path):
        try:
            from mlflow import MlflowClient
            from mlflow.entities import Metric, Param
        except ImportError as error:
            raise OptionError("/track/mlflow", _missing("mlflow", error)) from error
        self._metric, self._param = Metric, Param
        self._folder = folder
        self._runs: dict[str, str] = {}  # of methods
        output = folder.parent.parent
        uri = options.get("uri") or f"sqlite:///{output / 'mlflow.db'}"
        experiment = options.get("experiment") or name
        try:
            self._client = MlflowClient(tracking_uri=uri)
            found = self._client.get_experiment_by_name(experiment)
            if found is None:
                place = None if options.get("uri") else (output / "mlflow_artifacts").as_uri()
                self._experiment = self._client.create_experiment(experiment, artifact_location=place)
            else:
                self._experiment = found.experiment_id
            self._parent = self._start(f"{name} {folder.name}", {"ophion.folder": str(folder)})
        except Exception as error:  # of many kinds: the URI's scheme, its server, its database
            raise OptionError("/track/mlflow/uri", f"MLflow can't keep runs at '{uri}': {error}") from error
        config = json.loads((folder / "config.resolved.json").read_text(encoding="utf-8"))
        self._methods = {method["name"]: method for method in config.pop("methods")}
        self._log_params(self._parent, config)
        self._client.log_artifact(self._parent, str(folder / "config.resolved.json"))

    def epoch(self, method: str, epoch: int, metrics: Mapping[str, float]) -> None:
        self._log_metrics(self._run_of(method), metrics, epoch)

    def finish(self, results: Mapping[str, Any]) -> None:
        for method, result in results["methods"].items():
            if result["status"] == "not started":
                continue
            run = self._run_of(method)
            self._log_metrics(run, _numbers(result.get("metrics", {})), 0)
            if "model" in result:
                self._client.log_artifact(run, str(self._folder / result["model"]))
            if "error" in result:
                self._client.set_tag(run, "ophion.error", result["error"])
            self._client.set_terminated(run, "FINISHED" if "model" in result else "FAILED")
        self._client.log_artifact(self._parent, str(self._folder / "metrics.json"))
        if results.get("best") is not None:
            self._client.set_tag(self._parent, "ophion.best", results["best"])
        self._client.set_terminated(self._parent, "KILLED" if results.get("stopped") else "FINISHED")

    def abandon(self) -> None:
        for run in (*self._runs.values(), self._parent):
            self._client.set_terminated(run, "FAILED")

    def _run_of(self, method: str) -> str:
        if method not in self._runs:
            self._runs[method] = self._start(method, {"mlflow.parentRunId": self._parent})
            self._log_params(self._runs[method], self._methods.get(method, {}))
        return self._runs[method]

    def _start(self, name: str, tags: dict[str, str]) -> str:
        return self._client.create_run(self._experiment, tags=tags, run_name=name).info.run_id

    def _log_params(self, run: str, values: Mapping[str, Any]) -> None:
        # MLflow's limits: 250 characters of a key, 6000 of a value, 100 parameters at once
        texts = [(key, value if isinstance(value, str) else json.dumps(value)) for key, value in _leaves(values, ".")]
        params = [self._param(_mlflow_name(key), text[:6000]) for key, text in texts]
        for at in range(0, len(params), 100):
            self._client.log_batch(run, params=params[at : at + 100])

    def _log_metrics(self, run: str, metrics: Mapping[str, float], step: int) -> None:
        now = time.time_ns() // 1_000_000
        entries = [self._metric(_mlflow_name(name), float(value), now, step) for name, value in metrics.items()]
        for at in range(0, len(entries), 1000):
            self._client.log_batch(run, metrics=entries[at : at + 1000])


class Tensorboard:
    """Event files in the run folder's `tensorboard`, in a folder for each method."""

    name = "TensorBoard"

    def __init__(self, folder: Path):
        try:
            from tensorboard.summary import Writer
        except ImportError as error:
            raise OptionError("/track/tensorboard", _missing("tensorboard", error)) from error
        self._writer = Writer
        self._folder = folder / "tensorboard"
        self._writers: dict[str, Any] = {}
        self._last_epoch: dict[str, int] = {}

    def epoch(self, method: str, epoch: int, metrics: Mapping[str, float]) -> None:
        self._last_epoch[method] = epoch
        self._add(method, metrics, epoch)
        self._writers[method].flush()

    def finish(self, results: Mapping[str, Any]) -> None:
        for method, result in results["methods"].items():
            self._add(method, _numbers(result.get("metrics", {})), self._last_epoch.get(method, 0))
        self.abandon()

    def abandon(self) -> None:
        for writer in self._writers.values():
            writer.close()

    def _add(self, method: str, metrics: Mapping[str, float], step: int) -> None:
        if metrics and method not in self._writers:
            self._writers[method] = self._writer(str(self._folder / method))
        for name, value in metrics.items():
            self._writers[method].add_scalar(name, float(value), step)


def start(arguments: Mapping[str, Any]) -> Job:
    """
    Parameters
    ----------
    arguments : dict
        folder : str
            The run folder, with its config.resolved.json.
        name : str
            Of the run.
        track : dict
            The config's object: "mlflow", "tensorboard".

    Raises
    ------
    OptionError
        A package is not installed, or MLflow can't keep runs where it shall.
    """
    folder, track = Path(arguments["folder"]).resolve(), arguments["track"]
    trackers: list[Tracker] = []
    if track.get("tensorboard"):
        trackers.append(Tensorboard(folder))
    if "mlflow" in track:
        # MLflow asks its variables: telemetry once, when it is imported; retries at every request, seven of them, four minutes
        with _environment(MLFLOW_DISABLE_TELEMETRY="true", MLFLOW_HTTP_REQUEST_MAX_RETRIES="1"):
            trackers.append(Mlflow(track["mlflow"], arguments["name"], folder))
    return Job(folder, trackers)


def _missing(package: str, error: ImportError) -> str:
    return f"needs the Python package {package}, which the Python in {sys.prefix} can't import: {error}"


def _leaves(value: Any, separator: str, at: str = "") -> Iterator[tuple[str, Any]]:
    """(key, value) of everything that is no object, keys joined; lists stay whole."""
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            yield from _leaves(part, separator, f"{at}{separator}{key}" if at else key)
    elif at:
        yield at, value


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers of a method's metrics: "test/auc", "test/efficiency/0.1/value"."""
    found = {}
    for key, value in _leaves(metrics, "/"):
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            found[key] = float(value)
    return found


def _mlflow_name(name: str) -> str:
    return re.sub(r"[^\w\-. /]", "_", name)[:250]


@contextlib.contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set variables of the environment that aren't set, for as long as this lasts."""
    added = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]
