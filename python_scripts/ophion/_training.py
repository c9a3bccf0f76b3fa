"""Training from Python: a config, events of files or of the program's own, a run that can be stopped by Ctrl-C."""

from __future__ import annotations

import functools
import json
import os
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ophion import _library
from ophion._columns import Columns, named_columns, numbers
from ophion._library import check, fetch, ffi, lib, options
from ophion._model import Model, PathLike
from ophion.errors import ArgumentError, DataError


@dataclass(frozen=True)
class Progress:
    """How a training goes on.

    Attributes
    ----------
    method : str
        Its name in the config.
    epoch, epochs : int
        From 1; `epochs` is 0 where nobody knows.
    fold, folds : int
        Of a cross-validation, from 1; 0: there is none.
    metrics : dict of str to float
        Such as {"loss": 0.41, "validation/loss": 0.43}.
    """

    method: str
    epoch: int
    epochs: int
    fold: int
    folds: int
    metrics: dict[str, float]


@dataclass(frozen=True)
class Sample:
    """Events of the program's own to train on.

    Attributes
    ----------
    columns : table
        What features, splits and spectators refer to: a dict of columns, a DataFrame, an Arrow table, a structured array.
    weights : array, optional
        One an event; left out: every event weighs 1.
    targets : table, optional
        Of a regression: a column for each of the config's targets.
    """

    columns: Any
    weights: Any = None
    targets: Any = None


class Run:
    """What a training gave."""

    def __init__(self, handle: Any):
        self._handle = ffi.gc(handle, lib.ophion_run_free)
        facts: dict[str, Any] = fetch(lib.ophion_run_describe, handle)
        self.folder = Path(_library.text(lib.ophion_run_folder(handle)))  #: the run folder
        self.methods: list[dict[str, Any]] = facts["methods"]  #: of each method its "name", "type", "status", "error" and "seconds"
        self.stopped: bool = facts["stopped"]  #: whether it was asked to stop before its end

    @functools.cached_property
    def metrics(self) -> dict[str, Any]:
        """What metrics.json holds."""
        metrics: dict[str, Any] = fetch(lib.ophion_run_metrics, self._handle)
        return metrics

    @functools.cached_property
    def models(self) -> Mapping[str, Model]:
        """The model of each method that gave one, by the method's name."""
        names = [method["name"] for method in self.methods if method["status"] in ("done", "stopped")]
        return MappingProxyType({name: self._model(name.encode()) for name in names})

    @functools.cached_property
    def best(self) -> Model:
        """The model that did best on validation events (on training events if there are none)."""
        return self._model(ffi.NULL)

    def _model(self, name: Any) -> Model:
        handle = ffi.new("ophion_model **")
        check(lib.ophion_run_model(self._handle, name, handle))
        return Model(handle[0])

    def __repr__(self) -> str:
        return f"<ophion.Run: {', '.join(method['name'] + ' ' + method['status'] for method in self.methods)}, in {self.folder}>"


def train(
    config: PathLike | Mapping[str, Any],
    *,
    events: Mapping[str, Any] | Sample | None = None,
    overrides: Mapping[str, Any] | None = None,
    resume: PathLike | None = None,
    progress: Callable[[Progress], bool | None] | None = None,
) -> Run:
    """Train every method of a config and write a run folder.

    Ctrl-C stops the training as KeyboardInterrupt; the best epoch so far is kept in the run folder, as a note on the exception says.

    Parameters
    ----------
    config : path or dict
        A config file, or what would stand in one; paths in a dict are relative to the working folder.
    events : mapping of class to table or Sample, or Sample, optional
        The program's own events in place of the config's files: of a classification by class, of a regression one Sample with targets.
    overrides : mapping, optional
        Values to change, by dotted keys: {"methods.0.training.epochs": 20}.
    resume : path, optional
        The run folder of an earlier, unfinished run with the same config, to go on in.
    progress : callable, optional
        Called with a `Progress` after every epoch, in this thread while another one trains; False stops the training and keeps its best.
        What it raises stops the training too.

    Raises
    ------
    ConfigError, DataError, PythonError
        PythonError: every method failed; its `traceback` has the script's line.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> signal, background = (rng.normal(centre, 1.0, (400, 2)) for centre in (1.0, -1.0))
    >>> config = {
    ...     "version": 1, "name": "example", "task": "classification", "output": folder,
    ...     "data": {"features": ["a", "b"]}, "report": {"enabled": False},
    ...     "methods": [{"name": "tree", "type": "sklearn", "estimator": "sklearn.tree.DecisionTreeClassifier"}],
    ... }
    >>> events = {"signal": {"a": signal[:, 0], "b": signal[:, 1]}, "background": {"a": background[:, 0], "b": background[:, 1]}}
    >>> run = ophion.train(config, events=events, overrides={"methods.0.params.max_depth": 3})
    >>> run.best
    <ophion.Model: classification of 2 features, scored by native>
    >>> run.best.classes
    ('background', 'signal')
    >>> run.metrics["methods"]["tree"]["metrics"]["test"]["auc"] > 0.8
    True
    """
    checked = _config(config, overrides or {})
    lent = None if events is None else _Events(events)
    more = options(resume=None if resume is None else os.fspath(resume))
    handle = ffi.new("ophion_run **")

    def call(callback: Any, user: Any) -> None:
        check(lib.ophion_train(checked, ffi.NULL if lent is None else lent.handle, more, callback, user, handle))

    try:
        _Training(call).watch(progress)
    except KeyboardInterrupt as stop:
        if handle[0] != ffi.NULL:
            stop.add_note(f"the training was stopped; what it had by then is in {Run(handle[0]).folder}")
        raise
    except DataError as problem:
        if lent is not None and lent.left_out:
            problem.add_note(f"columns without numbers were left out: {', '.join(lent.left_out)}")
        raise
    return Run(handle[0])


class _Training:
    """The thread in which the library trains, while the caller's waits, hears of the progress and can be interrupted.

    Python runs signal handlers on its main thread and between instructions of its own only: a main thread that trained itself would
    not hear of Ctrl-C. And what a callback raises must not hold the frames of a script, and with them its events.
    """

    def __init__(self, call: Callable[[Any, Any], None]):
        self._call = call
        self._thread = threading.Thread(target=self._run, name="ophion.train", daemon=True)
        self._heard: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()  # None: it is over
        self._stops: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._stopping = False
        self._failure: BaseException | None = None

    def _run(self) -> None:
        user = ffi.new_handle(self)
        try:
            self._call(lib.ophion_py_progress, user)
        except BaseException as failure:
            self._failure = failure
        finally:
            self._heard.put(None)

    def tell(self, progress: Progress) -> bool:
        """Called in that thread, by the library; whether the training shall stop."""
        if self._stopping:
            return True
        self._heard.put(progress)
        return self._stops.get()

    def watch(self, callback: Callable[[Progress], bool | None] | None) -> None:
        """Start it and wait for its end; what the callback or a signal's handler raises stops it first."""
        self._thread.start()
        try:
            while (progress := self._heard.get()) is not None:
                answer = None if callback is None else callback(progress)
                self._stops.put(answer is not None and not answer)
        except BaseException:
            self._stopping = True
            self._stops.put(True)
            self._stop()
            raise
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _stop(self) -> None:
        """Ask until it is over: a wish that comes before the library has begun is forgotten when it begins."""
        while self._thread.is_alive():
            lib.ophion_interrupt()
            try:
                self._thread.join(0.1)
            except KeyboardInterrupt:  # asked for twice
                continue
        lib.ophion_clear_interrupt()


def _stop_quietly(*_: Any) -> int:
    """The library's own interruption of the thread, come while Python stood in the callback."""
    return 1


@ffi.def_extern(name="ophion_py_progress", error=1, onerror=_stop_quietly)  # type: ignore[untyped-decorator]
def _hear_progress(told: Any, user: Any) -> int:
    training: _Training = ffi.from_handle(user)
    metrics = json.loads(_library.text(told.metrics))
    progress = Progress(_library.text(told.method), told.epoch, told.epochs, told.fold, told.folds, metrics)
    return int(training.tell(progress))


def _plain(value: Any) -> Any:
    """What JSON has no word for."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"a config holds no {type(value).__name__}")


def _json(value: Any) -> bytes:
    return json.dumps(value, default=_plain, allow_nan=False).encode()


def _config(config: PathLike | Mapping[str, Any], overrides: Mapping[str, Any]) -> Any:
    handle = ffi.new("ophion_config **")
    if isinstance(config, Mapping):
        check(lib.ophion_config_from_json(_json(dict(config)), ffi.NULL, handle))
    else:
        check(lib.ophion_config_from_file(os.fsencode(config), handle))
    owned = ffi.gc(handle[0], lib.ophion_config_free)
    for key, value in overrides.items():
        check(lib.ophion_config_set(owned, key.encode(), _json(value)))
    return owned


class _Events:
    """The program's events, lent to C++ while this lives."""

    def __init__(self, events: Mapping[str, Any] | Sample):
        created = ffi.new("ophion_events **")
        check(lib.ophion_events_create(created))
        self.handle = ffi.gc(created[0], lib.ophion_events_free)
        self.left_out: list[str] = []  # columns without numbers
        self._keep: list[Columns] = []
        if isinstance(events, Sample):
            self._add(ffi.NULL, events)
            return
        if not isinstance(events, Mapping):
            raise ArgumentError(f"events: expected a mapping of class to table, or one Sample, found {type(events).__name__}")
        for class_name, given in events.items():
            self._add(class_name.encode(), given if isinstance(given, Sample) else Sample(given))

    def _add(self, class_name: Any, sample: Sample) -> None:
        columns = self._lend(self._numbers_of(sample.columns))
        weights = ffi.NULL if sample.weights is None else self._lend({"weights": sample.weights}).structs
        targets, count = ffi.NULL, 0
        if sample.targets is not None:
            lent = self._lend(_table(sample.targets, "targets"))
            targets, count = lent.structs, lent.count
        check(lib.ophion_events_add(self.handle, class_name, columns.structs, columns.count, weights, targets, count))

    def _lend(self, table: Mapping[str, Any]) -> Columns:
        self._keep.append(Columns(table))
        return self._keep[-1]

    def _numbers_of(self, table: Any) -> dict[str, Any]:
        """A table may have columns of text that no feature needs."""
        found = {}
        for name, values in _table(table, "events").items():
            try:
                found[name] = numbers(values, name)
            except DataError:
                self.left_out.append(f"'{name}'")
        return found


def _table(given: Any, what: str) -> Mapping[str, Any]:
    table = named_columns(given)
    if table is None:
        raise DataError(f"{what}: expected a dict of columns, a DataFrame, an Arrow table or a structured array, found {type(given).__name__}")
    return table
