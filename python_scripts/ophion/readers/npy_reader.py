"""Reads NumPy's own files: .npy (a structured array or a matrix) and .npz (named arrays). Never unpickles."""

from __future__ import annotations

import builtins
import math
import zipfile
from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from ophion.errors import DataError
from ophion.readers.columns import (
    NO_TREE,
    Found,
    array_column,
    check_columns,
    check_file,
    mark_repeated,
    reading,
    refuse_tree,
    rows_per_chunk,
    to_column,
)

KIND = "NumPy"
ZIP_START = b"PK"


def trees(path: str) -> list[str]:
    """See ophion.contract: the format has none."""
    check_file(path)
    return [NO_TREE]


def describe(path: str, tree: str) -> dict[str, Any]:
    """See ophion.contract.

    .npy: the fields of a structured array are the columns, else the columns of a matrix, named "x0", "x1", …
    .npz: each array is a column, or, if it has two dimensions, a column of several numbers an event.
    """
    path = check_file(path)
    refuse_tree(path, tree, KIND)
    with reading(path, KIND):
        if _is_archive(path):
            columns, lengths = _archive_columns(path)
            rows = lengths.popitem()[1] if len(set(lengths.values())) == 1 else None
        else:
            columns, rows = _array_columns(path, _map(path))
    return {"tree": NO_TREE, "columns": columns, "rows": rows}


def open(path: str, tree: str, columns: Sequence[str]) -> Iterator[dict[str, np.ndarray]]:
    """See ophion.contract. Arrays of an archive that are asked for must have one length."""
    path = check_file(path)
    refuse_tree(path, tree, KIND)
    with reading(path, KIND):
        if not _is_archive(path):
            check_columns(path, "", _array_columns(path, _map(path))[0], columns)
            return _array_chunks(path, list(columns))
        found, lengths = _archive_columns(path)
        check_columns(path, "", found, columns)
    for name in columns:
        if lengths[name] != lengths[columns[0]]:
            raise DataError(
                f"{path}: column '{name}' has {lengths[name]} rows, but '{columns[0]}' has {lengths[columns[0]]}"
            )
    return _archive_chunks(path, list(columns), lengths[columns[0]])


def _is_archive(path: str) -> bool:
    with builtins.open(path, "rb") as file:
        return file.read(2) == ZIP_START


def _map(path: str) -> np.ndarray:
    return npy.open_memmap(path, mode="r")  # refuses object arrays, which would need pickle


def _array_columns(path: str, array: np.ndarray) -> tuple[list[Found], int]:
    if array.ndim == 0 or array.ndim > 2 or (array.dtype.names and array.ndim != 1):
        raise DataError(f"{path}: expected a structured array or a matrix, found shape {array.shape} of {array.dtype}")
    if array.dtype.names:
        fields = [(name, array.dtype[name]) for name in array.dtype.names]
        return [array_column(name, kind.base, kind.shape) for name, kind in fields], len(array)
    width = array.shape[1] if array.ndim == 2 else 1
    return [array_column(f"x{i}", array.dtype, ()) for i in range(width)], len(array)


def _array_chunks(path: str, columns: list[str]) -> Iterator[dict[str, np.ndarray]]:
    with reading(path, KIND):
        array = _map(path)
        total, row_bytes = len(array), array.nbytes // max(1, len(array))
        names = array.dtype.names
        rows = rows_per_chunk(row_bytes)
        for start in range(0, total, rows):
            # A mapping of its own for each chunk: its pages go when the chunk does, so memory stays that of a chunk.
            part = _map(path)[start : start + rows]
            if not names and part.ndim == 1:
                part = part[:, np.newaxis]
            views = {name: part[name] if names else part[:, int(name[1:])] for name in columns}
            yield {name: to_column(view.view(np.ndarray)) for name, view in views.items()}


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether in Fortran's order, and type of the array that begins here."""
    version = npy.read_magic(file)
    return npy.read_array_header_1_0(file) if version == (1, 0) else npy.read_array_header_2_0(file)


def _archive_columns(path: str) -> tuple[list[Found], dict[str, int]]:
    columns, lengths = [], {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            if not member.endswith(".npy"):
                continue
            name = member.removesuffix(".npy")
            with archive.open(member) as file:
                shape, _, dtype = _header(file)
            if not shape:
                columns.append(Found(name, f"{dtype} without rows", False))
                continue
            columns.append(array_column(name, dtype, shape[1:]))
            lengths[name] = shape[0]
    return mark_repeated(columns), lengths


def _archive_chunks(path: str, columns: list[str], total: int) -> Iterator[dict[str, np.ndarray]]:
    with reading(path, KIND), zipfile.ZipFile(path) as archive:
        streams = {name: _MemberRows(archive, f"{name}.npy") for name in columns}
        rows = rows_per_chunk(sum(stream.row_bytes for stream in streams.values()))
        for start in range(0, total, rows):
            count = min(rows, total - start)
            yield {name: to_column(stream.read(count)) for name, stream in streams.items()}


class _MemberRows:
    """One array of an archive, read row by row as it is decompressed; one in Fortran's order is read whole."""

    def __init__(self, archive: zipfile.ZipFile, member: str):
        self._file = archive.open(member)
        shape, fortran, self._dtype = _header(self._file)
        self._inner = shape[1:]
        self.row_bytes = self._dtype.itemsize * math.prod(self._inner)
        self._whole = None
        if fortran and self._inner:
            flat = np.frombuffer(self._file.read(), self._dtype)
            self._whole = flat.reshape(shape, order="F")
            self._next = 0

    def read(self, count: int) -> np.ndarray:
        if self._whole is not None:
            self._next += count
            return self._whole[self._next - count : self._next]
        data = self._file.read(count * self.row_bytes)
        return np.frombuffer(data, self._dtype).reshape((count, *self._inner))
