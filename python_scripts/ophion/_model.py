"""What scores events: a model, and a model bound to a program's own order of columns."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ophion import _library
from ophion._columns import FLOAT32, FLOAT32_TYPE, Columns, matrix_arguments, named_columns, rows
from ophion._library import check, error, fetch, ffi, lib, options
from ophion.errors import DataError

Scores: TypeAlias = npt.NDArray[np.float32]
PathLike: TypeAlias = "str | os.PathLike[str]"


_from_buffer = ffi.from_buffer
_predict = lib.ophion_py_predict


class Model:
    """What scores events. Made by `train` or `load` only, so it is always ready; never changes; any number of threads may use it.

    It can be pickled: the pickle holds the model file, not what Python code made of it.
    """

    def __init__(self, handle: Any, load_options: bytes = b"{}"):
        self._handle = ffi.gc(handle, lib.ophion_model_free)
        self._load_options = load_options
        self._outputs: int = lib.ophion_model_count(handle, lib.OPHION_OUTPUTS)

    @classmethod
    def load(
        cls,
        path: PathLike,
        *,
        backend: str | None = None,
        trust: str | None = None,
        threads: int | None = None,
        time_limit: float | None = None,
        isolation: str | None = None,
        workers: int | None = None,
        memory_limit: int | None = None,
        drop_rights: bool | None = None,
        batching: int | None = None,
    ) -> Model:
        """Load a model file; its hashes and its self-test are checked.

        Parameters
        ----------
        path : path
        backend : {"native", "python", "onnx"}, optional
            What shall score; left out: native, without Python, where the file holds that form.
        trust : {"known", "all"}, optional
            Which models that carry code are run: those that were trained or accepted here (default), or all.
        threads : int, optional
            Of the libraries in every call; 0: as they choose.
        time_limit : float, optional
            Seconds a call may take; 0: as long as it takes.
        isolation : {"none", "process"}, optional
            Where the model's code runs: here, or in worker processes.
        workers : int, optional
            Worker processes that score at the same time.
        memory_limit : int, optional
            Bytes a worker may have.
        drop_rights : bool, optional
            Workers have no network and write no file.
        batching : int, optional
            Rows of several threads' small calls that are scored together at most; 0: off.

        Raises
        ------
        ModelError, TrustError, PluginError, PythonError
        """
        given = options(
            backend=backend,
            trust=trust,
            threads=threads,
            time_limit=time_limit,
            isolation=isolation,
            workers=workers,
            memory_limit=memory_limit,
            drop_rights=drop_rights,
            batching=batching,
        )
        return cls._load(os.fspath(path), given)

    @classmethod
    def _load(cls, path: str, load_options: bytes) -> Model:
        handle = ffi.new("ophion_model **")
        check(lib.ophion_model_load(os.fsencode(path), load_options, handle))
        return cls(handle[0], load_options)

    @classmethod
    def from_bytes(cls, data: bytes) -> Model:
        """The model whose file has this content."""
        return cls._from_bytes(data, b"{}")

    @classmethod
    def _from_bytes(cls, data: bytes, load_options: bytes) -> Model:
        with tempfile.TemporaryDirectory(prefix="ophion_") as folder:
            path = Path(folder) / "model.ophion"
            path.write_bytes(data)
            return cls._load(str(path), load_options)

    def to_bytes(self) -> bytes:
        """The content of the model's file.

        Examples
        --------
        >>> ophion.Model.from_bytes(model.to_bytes()).predict(x[:3]).tolist() == model.predict(x[:3]).tolist()
        True
        """
        with tempfile.TemporaryDirectory(prefix="ophion_") as folder:
            path = Path(folder) / "model.ophion"
            self.save(path)
            return path.read_bytes()

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, (self.to_bytes(), self._load_options)

    def save(self, path: PathLike) -> None:
        """Write the file the model came from, byte for byte, wholly or not at all."""
        check(lib.ophion_model_save(self._handle, os.fsencode(path)))

    def predict(self, events: Any) -> Scores:
        """Score events.

        Parameters
        ----------
        events : array of shape (rows, features), or a table
            An array has the features in the order of the training; float32 and float64 are read where they lie, whatever their strides.
            A table (a dict of columns, a DataFrame of pandas or polars, an Arrow table, a structured array) has the features, or the `inputs`
            they are computed from, by name and in any order; further columns are ignored.

        Returns
        -------
        ndarray of float32, shape (rows,) or (rows, outputs)
            Two classes: the probability of the positive one, `classes[1]`; more: one column a class; a regression: one a target.

        Raises
        ------
        DataError
            A column is missing, or holds what the config's "missing" does not allow.

        Examples
        --------
        >>> model.predict(x).shape
        (400,)
        >>> by_name = {"b": x[:, 1], "a": x[:, 0], "unused": x[:, 0]}
        >>> bool((model.predict(by_name) == model.predict(x)).all())
        True
        """
        if type(events) is np.ndarray and events.dtype is FLOAT32 and events.ndim == 2 and events.flags.c_contiguous and events.flags.aligned:
            # The way of one event in a loop: nothing more than it needs.
            n, width = events.shape
            count = n * self._outputs
            out = np.empty(count, FLOAT32)
            if _predict(self._handle, _from_buffer(events), FLOAT32_TYPE, n, width, width, 1, _from_buffer("float[]", out), count):
                raise error()
            return out if self._outputs == 1 else out.reshape(n, self._outputs)
        columns = named_columns(events)
        if columns is None:
            array = rows(events)
            out = np.empty(len(array) * self._outputs, FLOAT32)
            check(_predict(self._handle, *matrix_arguments(array), _from_buffer("float[]", out), len(out)))
        else:
            lent = Columns(columns, (*self.features, *self.inputs, *self._names(lib.OPHION_FOLD_INPUTS)))
            out = np.empty(lent.rows * self._outputs, FLOAT32)
            check(lib.ophion_model_predict_columns(self._handle, lent.structs, lent.count, _from_buffer("float[]", out), len(out)))
        return out if self._outputs == 1 else out.reshape(-1, self._outputs)

    def bind(self, names: Sequence[str]) -> BoundScore:
        """Fix the order in which a program has its numbers.

        Parameters
        ----------
        names : sequence of str
            Features or inputs. A missing one raises DataError here and names the nearest.

        Examples
        --------
        >>> score = model.bind(["b", "a"])
        >>> score([0.5, 1.0]) == float(model.predict(np.float32([[1.0, 0.5]]))[0])
        True
        """
        if isinstance(names, str):
            raise DataError(f"expected a list of names, found the text '{names}'")
        labels = [ffi.new("char[]", name.encode()) for name in names]
        handle = ffi.new("ophion_bound **")
        check(lib.ophion_model_bind(self._handle, ffi.new("char *[]", labels), len(labels), handle))
        return BoundScore(handle[0], tuple(names), self._outputs)

    def _names(self, kind: int) -> tuple[str, ...]:
        count = lib.ophion_model_count(self._handle, kind)
        return tuple(_library.text(lib.ophion_model_name(self._handle, kind, i)) for i in range(count))

    @functools.cached_property
    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = fetch(lib.ophion_model_describe, self._handle)
        return facts

    @functools.cached_property
    def features(self) -> tuple[str, ...]:
        """What the model sees, in the order of the training."""
        return self._names(lib.OPHION_FEATURES)

    @functools.cached_property
    def inputs(self) -> tuple[str, ...]:
        """Columns from which the features can be computed."""
        return self._names(lib.OPHION_INPUTS)

    @functools.cached_property
    def outputs(self) -> tuple[str, ...]:
        """Names of a row's scores: "score", "score_<class>" or "pred_<target>"."""
        return self._names(lib.OPHION_OUTPUTS)

    @functools.cached_property
    def classes(self) -> tuple[str, ...]:
        """Two: negative, positive; empty for a regression."""
        return self._names(lib.OPHION_CLASSES)

    @functools.cached_property
    def targets(self) -> tuple[str, ...]:
        """What a regression estimates."""
        return self._names(lib.OPHION_TARGETS)

    @property
    def task(self) -> str:
        """ "classification" or "regression"."""
        return str(self._facts["task"])

    @property
    def backend(self) -> str:
        """What scores: "native", "python" or "onnx"."""
        return str(self._facts["backend"])

    @property
    def manifest(self) -> dict[str, Any]:
        """What the model file says of itself: options, versions, provenance, hashes."""
        manifest: dict[str, Any] = fetch(lib.ophion_model_describe, self._handle)["manifest"]
        return manifest

    def __repr__(self) -> str:
        return f"<ophion.Model: {self.task} of {len(self.features)} features, scored by {self.backend}>"


def _unpickle(data: bytes, load_options: bytes) -> Model:
    return Model._from_bytes(data, load_options)


class BoundScore:
    """A model, and the order in which a program has its numbers. Made by `Model.bind`."""

    def __init__(self, handle: Any, names: tuple[str, ...], outputs: int):
        self._handle = ffi.gc(handle, lib.ophion_bound_free)
        self._outputs = outputs
        self.names = names

    def __call__(self, event: Sequence[float] | npt.NDArray[Any]) -> Any:
        """Score one event.

        Parameters
        ----------
        event : sequence of float
            One number a bound name.

        Returns
        -------
        float, or ndarray of float32 of shape (outputs,) where a model has several

        Examples
        --------
        >>> 0.0 <= model.bind(["a", "b"])([1.0, 0.5]) <= 1.0
        True
        """
        if type(event) is np.ndarray and event.dtype is FLOAT32 and event.flags.c_contiguous and event.ndim == 1:
            numbers = _from_buffer("float[]", event)
        else:
            numbers = ffi.new("float[]", [float(number) for number in event])
        if self._outputs == 1:
            score = ffi.new("float[1]")
            if lib.ophion_bound_predict_one(self._handle, numbers, len(numbers), score, 1):
                raise error()
            return score[0]
        scores = np.empty(self._outputs, FLOAT32)
        check(lib.ophion_bound_predict_one(self._handle, numbers, len(numbers), _from_buffer("float[]", scores), self._outputs))
        return scores

    def predict(self, events: Any) -> Scores:
        """Score many events: an array of shape (rows, names), columns in the bound order.

        Examples
        --------
        >>> bool((model.bind(["b", "a"]).predict(x[:, ::-1]) == model.predict(x)).all())
        True
        """
        array = rows(events)
        out = np.empty(len(array) * self._outputs, FLOAT32)
        check(lib.ophion_py_bound_predict(self._handle, *matrix_arguments(array), _from_buffer("float[]", out), len(out)))
        return out if self._outputs == 1 else out.reshape(-1, self._outputs)

    def __repr__(self) -> str:
        return f"<ophion.BoundScore of {', '.join(self.names)}>"
