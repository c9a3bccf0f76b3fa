"""What the C++ side and the Python faces of plug-ins agree on.

A *method* is a module ``ophion.methods.<name>_method``, or one that a Python package names in its entry points "ophion.methods", with

    PACKAGES = ["torch", "numpy"]            # whose versions go into the model file
    check(context)                           # anything wrong that shows before data is read: raise OptionError
    train(data, context) -> model            # data: TrainingData; model: any object
    predict(model, x) -> array               # x: (rows, features) float32, lent and read-only; -> (rows,) or (rows, outputs)
    save(model) -> {member: bytes}           # names under "script/" are the user's source files
    load(members, context) -> model          # context: a Context without training facts
    carries_code(members) -> bool            # True when `load` runs code out of the members
    export_native(model) -> {member: bytes}  # may be left out: the neutral form, by ophion.native; NotExportable says why not
    export_onnx(model) -> bytes              # may be left out: a graph "features" to "scores", asked for by "export": ["onnx"]
    TASKS = ("classification",)              # methods of Python packages: the tasks it does; all where it doesn't say
    packages(model) -> [str]                 # optional: more of PACKAGES for this model
    importance(model) -> (name, values)      # optional, or None: a number a feature, by the trainer's own measure

A *reader* is a module ``ophion.readers.<name>_reader`` with

    trees(path) -> [str]                                       # [""] for a format that has none
    describe(path, tree) -> {"tree": str, "columns": [(name, type, numeric)], "rows": int or None}
    open(path, tree, columns) -> iterator of {name: ndarray}   # chunks, in the file's order

A *tool* is a module ``ophion.tools.<name>_tool`` with ``start(arguments) -> job``; a job has

    run(arguments, data) -> dict, or (dict, {name: ndarray})   # data: {name: ndarray}, lent for the call
    finish() -> the same
    abandon()                                                  # given up: leave nothing behind

All of it runs, and is tested, without C++. docs/python_methods.md is the guide to methods of Python packages.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import logging
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable

import numpy as np

from ophion.errors import OptionError

TASKS = ("classification", "regression")
METHOD_FUNCTIONS = ("check", "train", "predict", "save", "load", "carries_code")
READER_FUNCTIONS = ("trees", "describe", "open")
TOOL_FUNCTIONS = ("start",)


@dataclass(frozen=True)
class Spec:
    """What is to be learnt; what a user's script sees as ``spec``.

    Attributes
    ----------
    task : {"classification", "regression"}
    features : tuple of str
        In the order of the columns of x.
    classes : tuple of str
        Two: (negative, positive); more: in the order of the config; empty for regression.
    targets : tuple of str
        Regression only.
    seed : int
    """

    task: str
    features: tuple[str, ...]
    classes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    seed: int = 0

    @property
    def n_features(self) -> int:
        return len(self.features)

    @property
    def n_classes(self) -> int:
        return len(self.classes)

    @property
    def n_outputs(self) -> int:
        """Numbers a model gives for an event: 1 for two classes, one a class beyond, one a target."""
        if self.task == "regression":
            return len(self.targets)
        return 1 if len(self.classes) == 2 else len(self.classes)


@dataclass(frozen=True)
class Events:
    """Events with their answers. The arrays are lent and read-only: copy what must last.

    Attributes
    ----------
    x : ndarray of float32, shape (n, n_features)
    y : ndarray
        Classification: int32, shape (n,), index into ``spec.classes``. Regression: float32, shape (n, n_targets).
    w : ndarray of float64, shape (n,)
        Weights as the config normalises them.
    """

    x: np.ndarray
    y: np.ndarray
    w: np.ndarray

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class TrainingData:
    train: Events
    validation: Events | None = None  # None when the config asks for none


@dataclass
class Context:
    """What a method knows besides the data.

    Attributes
    ----------
    name : str
        The method's name in the config.
    spec : Spec
    options : dict
        The method's part of the config, checked, defaults filled in, paths absolute.
    seed : int
    threads : int
        0: as the libraries choose.
    checkpoints : str or None
        A folder of this method's own, to keep checkpoints in; None: keep none.
    resume : bool
        Go on from the newest checkpoint there.
    rehearsal : bool
        A trial on a few events before the real training: one epoch is enough, no checkpoint, no report.
    """

    name: str
    spec: Spec
    options: dict[str, Any]
    seed: int = 0
    threads: int = 0
    checkpoints: str | None = None
    resume: bool = False
    rehearsal: bool = False
    _report: Callable[[int, int, dict[str, float]], bool] | None = field(default=None, repr=False)
    _should_stop: Callable[[], bool] | None = field(default=None, repr=False)
    _settle: Callable[[], None] | None = field(default=None, repr=False)

    def report(self, epoch: int, epochs: int = 0, /, **metrics: float) -> bool:
        """Tell the host how the training stands; False when it wants the training to stop (keeping the best so far).

        Names with a slash are given as ``**{"validation/loss": 0.3}``.
        """
        if self.rehearsal or self._report is None:
            return True
        return self._report(int(epoch), int(epochs), {name: float(value) for name, value in metrics.items()})

    @property
    def should_stop(self) -> bool:
        """Whether the training shall stop, by the host's wish or its time limit: to be looked at between epochs or batches.

        Code that does not look gets a KeyboardInterrupt instead; code that has seen this has five seconds to return its best.
        """
        return self._should_stop is not None and self._should_stop()

    def settle(self) -> None:
        """Have no KeyboardInterrupt raised any more: for a method's own code that is about to return its best so far."""
        if self._settle is not None:
            self._settle()


def face(module_name: str, kind: str, folder: str = ""):
    """Import the Python face of a plug-in and check that it keeps the contract.

    Parameters
    ----------
    folder : str
        Where the plug-in's shared object lies: its module may lie beside it.

    Raises
    ------
    TypeError
        The module lacks a function: "ophion.methods.x_method has no function save(model)".
    ModuleNotFoundError
        A package is missing: names it, and the Python that lacks it.
    """
    wanted = {"method": METHOD_FUNCTIONS, "reader": READER_FUNCTIONS, "tool": TOOL_FUNCTIONS}[kind]
    try:
        importlib.import_module("ophion._threads")  # which limits every call
        module = _beside_plugin(module_name, folder) or importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if not package or module_name.startswith(package):
            raise
        raise ModuleNotFoundError(
            f"{sys.executable} (Python {platform.python_version()}) has no package '{package}', which {module_name} needs: "
            "install it there (what training needs is ophion[train]), or choose another Python by OPHION_PYTHON or RuntimeOptions.python",
            name=error.name,
        ) from error
    for name in wanted:
        if not callable(getattr(module, name, None)):
            raise TypeError(f"{module_name} has no function {name}(), which a {kind} must have (see ophion.contract)")
    return module


def tasks(module) -> list[str]:
    """The tasks that a method's module says it does, in TASKS; all where it doesn't say."""
    said = getattr(module, "TASKS", TASKS)
    if isinstance(said, str) or not said or not set(said) <= set(TASKS):
        raise TypeError(f"{module.__name__}.TASKS is {said!r}, expected a list of {' and '.join(TASKS)}, or one of them")
    return list(said)


class _HostHandler(logging.Handler):
    """Hands what the package's own loggers say to the C++ host."""

    def __init__(self, log: Callable[[int, bytes], None]):
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        for line in self.format(record).splitlines():
            self._log(record.levelno, line.encode("utf-8", "backslashreplace"))


class Job:
    """One use of a tool; most say no more than what they do with each call of ``run``."""

    def run(self, arguments: Mapping[str, Any], data: Mapping[str, np.ndarray]) -> Any:
        """One step: a value, or a value and columns. ``data`` is lent for the call."""
        raise NotImplementedError

    def finish(self) -> Any:
        """End the work; a file appears under its name now."""
        return {}

    def abandon(self) -> None:
        """Leave nothing behind, without an end."""


_tell_host: Callable[[str, int, int, str], None] | None = None


def progress(step: str, done: int, total: int, unit: str) -> None:
    """Tell the host how far a tool is: ("drawing the report", 3, 20, "figures"). For steps that take seconds."""
    if _tell_host is not None:
        _tell_host(step, done, total, unit)


def connect_host(log: Callable[[int, bytes], None], progress: Callable[[str, int, int, str], None]) -> None:
    """Send messages of the logger "ophion" and those below it to ``log(level, line)``, and progress; called once by the C++ side."""
    global _tell_host
    _tell_host = progress
    logger = logging.getLogger("ophion")
    logger.addHandler(_HostHandler(log))
    logger.setLevel(logging.DEBUG)
    logger.propagate = False  # a handler on the root logger would say it all again


def _beside_plugin(module_name: str, folder: str):
    """The module in a file beside the plug-in, if there is one. By its file: the shared object may have the module's name too."""
    path = os.path.join(folder, module_name + ".py")
    if not folder or not os.path.exists(path):
        return None
    spec = importlib.util.spec_from_file_location(module_name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    return module


def export_native(module, model) -> tuple[dict[str, bytes], str]:
    """The neutral form of a trained model, and why there is none (empty when there is one)."""
    from ophion.native import NotExportable

    if not hasattr(module, "export_native"):
        return {}, "methods of this type export none"
    try:
        return module.export_native(model), ""
    except NotExportable as reason:
        return {}, str(reason)
    except Exception as error:  # a model that Python can score is not lost for this
        return {}, f"its export failed: {type(error).__name__}: {error}"


def export_onnx(module, model, context) -> tuple[bytes, str]:
    """The model as an ONNX graph where the config asks for it, and why there is none although it does."""
    if "onnx" not in context.options.get("export", ()):
        return b"", ""
    try:
        return module.export_onnx(model), ""
    except Exception as error:  # a model that Python can score is not lost for this
        return b"", f"its export failed: {type(error).__name__}: {error}"


def versions(module, model) -> dict[str, str]:
    """Versions of Python and of the packages that a method's face names in PACKAGES and for this model."""
    packages = getattr(module, "packages", None)
    more = packages(model) if packages is not None else ()
    return {"python": platform.python_version()} | {
        name: _version_of(name) for name in (*getattr(module, "PACKAGES", ()), *more)
    }


def importance(module, model) -> dict | None:
    """How much each feature counts by the trainer's own measure, where it has one.

    Returns
    -------
    dict or None
        {"name": "mean decrease in impurity", "values": [{"feature", "value"}]}, the features that the method sees, largest first.
    """
    own = getattr(module, "importance", None)
    try:
        found = None if own is None else own(model)
        if found is None:
            return None
        name, values = found
        numbers = [{"feature": feature, "value": float(value)} for feature, value in zip(model.spec.features, values, strict=True)]
        numbers.sort(key=lambda one: one["value"], reverse=True)
    except Exception as error:  # a model is not lost for this
        logging.getLogger("ophion").warning("no importance of its own: %s: %s", type(error).__name__, error)
        return None
    return {"name": name, "values": numbers}


@functools.cache
def _version_of(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # installed under another name, as xgboost-cpu is
        return importlib.import_module(package).__version__


__all__ = ["Context", "Events", "OptionError", "Spec", "TrainingData", "face", "importance", "versions"]
