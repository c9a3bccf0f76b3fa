"""Writes events with their scores, chunk by chunk, to Parquet, ROOT or CSV; the file appears whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import numpy as np

from ophion import contract
from ophion.errors import DataError
from ophion.readers.columns import nearest

SUFFIXES = {".parquet": "parquet", ".root": "root", ".csv": "csv"}
Columns = dict[str, tuple[np.dtype, int]]  # name → type, numbers a row


class Writer(Protocol):
    """One format: made with a path and the columns, then fed chunk by chunk."""

    def write(self, data: Mapping[str, np.ndarray]) -> None: ...
    def close(self) -> None: ...


class ArrowWriter:
    """Parquet and CSV. CSV holds the shortest text that gives the same float32 or float64 back."""

    def __init__(self, path: str, columns: Columns, file_format: str):
        import pyarrow as pa

        if file_format == "csv" and (wide := [name for name, (_, width) in columns.items() if width > 1]):
            raise DataError(f"column '{wide[0]}' has {columns[wide[0]][1]} numbers an event, CSV takes one")
        types = {name: pa.from_numpy_dtype(dtype) for name, (dtype, _) in columns.items()}
        self._widths = {name: width for name, (_, width) in columns.items()}
        self._schema = pa.schema(
            [(name, kind if self._widths[name] == 1 else pa.list_(kind, self._widths[name])) for name, kind in types.items()]
        )
        if file_format == "csv":
            from pyarrow.csv import CSVWriter

            self._writer = CSVWriter(path, self._schema)
        else:
            from pyarrow.parquet import ParquetWriter

            self._writer = ParquetWriter(path, self._schema)

    def write(self, data: Mapping[str, np.ndarray]) -> None:
        import pyarrow as pa

        arrays = []
        for field in self._schema:
            # Arrow takes this machine's contiguous numbers as they are, without a copy. (`pa.array` would import pandas wherever
            # that is installed: half a second.)
            array = np.ascontiguousarray(data[field.name])
            wide = self._widths[field.name] > 1
            kind = field.type.value_type if wide else field.type
            if array.dtype == bool:  # bits there
                numbers = pa.array(array.ravel(), type=kind)
            else:
                numbers = pa.Array.from_buffers(kind, array.size, [None, pa.py_buffer(array)])
            arrays.append(pa.FixedSizeListArray.from_arrays(numbers, type=field.type) if wide else numbers)
        self._writer.write(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


class RootWriter:
    """A TTree, one basket a branch and chunk, so that it is a friend of the input's tree by entry."""

    def __init__(self, path: str, columns: Columns, tree: str):
        import uproot

        self._names = list(columns)
        # An open file, since uproot would take a colon in a path for the name of an object.
        self._stream = open(path, "r+b")
        try:
            self._file = uproot.recreate(self._stream)
            types = {name: dtype if width == 1 else np.dtype((dtype, (width,))) for name, (dtype, width) in columns.items()}
            self._tree = self._file.mktree(tree, types)
        except BaseException:
            self._stream.close()
            raise

    def write(self, data: Mapping[str, np.ndarray]) -> None:
        if len(data[self._names[0]]):
            self._tree.extend({name: data[name] for name in self._names})

    def close(self) -> None:
        try:
            self._file.close()
        finally:
            self._stream.close()


class Job(contract.Job):
    """Appends what each run gives to a temporary file beside the output."""

    def __init__(self, output: str, file_format: str, tree: str, columns: Columns | None, overwrite: bool):
        self._output = output
        self._format = file_format
        self._tree = tree
        self._columns = columns
        self._overwrite = overwrite
        self._writer: Writer | None = None
        self._rows = 0
        folder, name = os.path.split(os.path.abspath(output))
        self._temporary = os.path.join(folder, f".{name}.{secrets.token_hex(4)}.part")
        with self._writing():
            # Made here and only here: a folder that can't be written to shows before anything is computed.
            os.close(os.open(self._temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            if columns and all(dtype is not None for dtype, _ in columns.values()):
                self._writer = self._make_writer()

    def run(self, arguments: Mapping[str, Any], data: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Append one chunk: all columns, of one length, in the same types as before."""
        with self._writing():
            # A matrix of one column is a column.
            data = {name: array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array for name, array in data.items()}
            self._check(data)
            if self._writer is None:
                self._columns = {name: _kind(data[name]) for name in self._columns or data}
                self._writer = self._make_writer()
            self._writer.write(data)
        rows = len(next(iter(data.values())))
        self._rows += rows
        return {"rows": rows}

    def finish(self) -> dict[str, Any]:
        """Put the file under its name. Without any run it holds the columns and no event."""
        with self._writing():
            if self._writer is None:
                if not self._columns:
                    raise DataError("nothing to write: neither columns nor events were given")
                self._columns = {name: (dtype or np.dtype(np.float32), width)
                                 for name, (dtype, width) in self._columns.items()}  # fmt: skip
                self._writer = self._make_writer()
            writer, self._writer = self._writer, None
            writer.close()
            _sync(self._temporary)
            if not self._overwrite and os.path.lexists(self._output):  # it appeared meanwhile
                raise FileExistsError(self._output)
            os.replace(self._temporary, self._output)
            _sync(os.path.dirname(os.path.abspath(self._output)))
        return {"output": self._output, "rows": self._rows, "bytes": os.path.getsize(self._output)}

    def abandon(self) -> None:
        """Leave nothing behind."""
        writer, self._writer = self._writer, None
        with suppress(Exception):  # the file is thrown away, whatever its writer still has to say
            if writer is not None:
                writer.close()
        with suppress(OSError):  # it was never made, or its folder became read-only
            os.unlink(self._temporary)

    def _make_writer(self) -> Writer:
        if self._format == "root":
            return RootWriter(self._temporary, self._columns, self._tree)
        return ArrowWriter(self._temporary, self._columns, self._format)

    def _check(self, data: Mapping[str, np.ndarray]) -> None:
        names = list(self._columns or data)
        if sorted(data) != sorted(names):
            raise DataError(f"expected the columns {', '.join(names)}, found {', '.join(data)}")
        rows = len(data[names[0]])
        for name in names:
            if len(data[name]) != rows:
                raise DataError(f"column '{name}' has {len(data[name])} rows, '{names[0]}' has {rows}")
            expected = (self._columns or {}).get(name, (None, 1))
            if expected[0] is not None and _kind(data[name]) != expected:
                raise DataError(f"column '{name}' is {_text(*_kind(data[name]))}, expected {_text(*expected)}")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """What goes wrong names the output, and ends the job."""
        try:
            yield
        except FileExistsError as error:
            self.abandon()
            raise DataError(_exists(self._output)) from error
        except OSError as error:
            self.abandon()
            raise DataError(f"{self._output}: can't be written: {error.strerror or error}") from error
        except Exception as error:
            self.abandon()
            raise DataError(f"{self._output}: can't be written: {error}") from error


def start(arguments: Mapping[str, Any]) -> Job:
    """Begin a file of scores.

    Parameters
    ----------
    arguments : dict
        output : str
            The path of the file to make.
        format : {"parquet", "root", "csv"}, optional
            Without it, the output's suffix decides.
        tree : str, default "scores"
            ROOT only.
        columns : list of str or of {"name", "type", "width"}, optional
            Names in their order; types are those of the first chunk unless given here (float32 if no chunk comes).
        overwrite : bool, default False
            Replace a file of that name.

    Raises
    ------
    DataError
        Names the output: it exists, its folder can't be written to, its suffix is unknown.
    """
    output = os.fspath(arguments["output"])
    suffix = os.path.splitext(output)[1].lower()
    file_format = arguments.get("format") or SUFFIXES.get(suffix)
    if file_format not in SUFFIXES.values():
        found = arguments.get("format") or suffix or "no suffix"
        raise DataError(f"{output}: expected one of {', '.join(SUFFIXES)}, found {found}{nearest(found, SUFFIXES)}")
    overwrite = bool(arguments.get("overwrite", False))
    if os.path.isdir(output):
        raise DataError(f"{output}: is a folder, expected the name of a file")
    if os.path.lexists(output) and not overwrite:
        raise DataError(_exists(output))
    columns = _declared(output, arguments.get("columns") or [])
    return Job(output, file_format, arguments.get("tree") or "scores", columns, overwrite)


def _exists(output: str) -> str:
    return f"{output}: exists already; it is replaced only when told to overwrite"


def _declared(output: str, columns: list) -> Columns | None:
    declared: dict[str, tuple[np.dtype | None, int]] = {}
    for column in columns:
        entry = {"name": column} if isinstance(column, str) else column
        if entry["name"] in declared:
            raise DataError(f"{output}: two columns are named '{entry['name']}'")
        kind = np.dtype(entry["type"]) if entry.get("type") else None
        declared[entry["name"]] = (kind, int(entry.get("width", 1)))
    return declared or None


def _kind(array: np.ndarray) -> tuple[np.dtype, int]:
    return array.dtype, array.shape[1] if array.ndim == 2 else 1


def _text(dtype: np.dtype, width: int) -> str:
    return dtype.name if width == 1 else f"{dtype.name}[{width}]"


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
