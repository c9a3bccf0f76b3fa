"""Reads HDF5 files with h5py: data sets of one group as columns, or the fields of one structured data set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import h5py
import numpy as np

from ophion.errors import DataError
from ophion.readers.columns import (
    Found,
    array_column,
    check_columns,
    check_file,
    choose_tree,
    place,
    reading,
    rows_per_chunk,
    to_column,
)

KIND = "HDF5"
ROOT = "/"


def trees(path: str) -> list[str]:
    """See ophion.contract."""
    path = check_file(path)
    with reading(path, KIND), h5py.File(path, "r") as file:
        return _trees(file)


def describe(path: str, tree: str) -> dict[str, Any]:
    """See ophion.contract.

    A tree is a group ("/" for the outermost) whose data sets are the columns, or a structured data set whose fields are,
    which is also how pandas keeps a table ("key/table").
    """
    path = check_file(path)
    with reading(path, KIND), h5py.File(path, "r") as file:
        tree = _choose(file, path, tree)
        columns, lengths = _columns(file[tree])
        same = set(lengths.values())
        return {"tree": tree, "columns": columns, "rows": same.pop() if len(same) == 1 else None}


def open(path: str, tree: str, columns: Sequence[str]) -> Iterator[dict[str, np.ndarray]]:
    """See ophion.contract. The columns asked for must have one length; others may differ."""
    path = check_file(path)
    with reading(path, KIND), h5py.File(path, "r") as file:
        tree = _choose(file, path, tree)
        found, lengths = _columns(file[tree])
        check_columns(path, tree, found, columns)
        first = columns[0]
        for name in columns:
            if lengths[name] != lengths[first]:
                raise DataError(
                    f"{place(path, tree)}: column '{name}' has {lengths[name]} rows, but '{first}' has {lengths[first]}"
                )
    return _chunks(path, tree, list(columns))


def _choose(file: h5py.File, path: str, tree: str) -> str:
    if tree and tree != ROOT:
        tree = tree.strip("/")
    return choose_tree(path, _trees(file), tree, "table")


def _trees(file: h5py.File) -> list[str]:
    found = [ROOT] if _plain_sets(file) else []

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if any(part.startswith("_i_") for part in name.split("/")):  # PyTables' indices
            return
        if isinstance(item, h5py.Group) and _plain_sets(item) or _is_table(item):
            found.append(name)

    file.visititems(visit)
    return found


def _is_table(item) -> bool:
    return isinstance(item, h5py.Dataset) and item.dtype.names is not None and item.ndim == 1


def _plain_sets(group: h5py.Group) -> list[tuple[str, h5py.Dataset]]:
    sets = [(name, item) for name, item in group.items() if isinstance(item, h5py.Dataset)]
    return [(name, item) for name, item in sets if item.ndim >= 1 and not _is_table(item)]


def _columns(item: h5py.Group | h5py.Dataset) -> tuple[list[Found], dict[str, int]]:
    if isinstance(item, h5py.Dataset):
        fields = [(name, item.dtype[name]) for name in item.dtype.names]
        return [array_column(name, kind.base, kind.shape) for name, kind in fields], dict.fromkeys(
            item.dtype.names, len(item)
        )
    sets = _plain_sets(item)
    return [_set_column(name, data) for name, data in sets], {name: len(data) for name, data in sets}


def _set_column(name: str, data: h5py.Dataset) -> Found:
    if h5py.check_string_dtype(data.dtype):
        return Found(name, "string", False)
    if h5py.check_vlen_dtype(data.dtype):
        return Found(name, f"var * {h5py.check_vlen_dtype(data.dtype)}", False)
    return array_column(name, data.dtype, data.shape[1:])


def _chunks(path: str, tree: str, columns: list[str]) -> Iterator[dict[str, np.ndarray]]:
    with reading(path, KIND), h5py.File(path, "r") as file:
        item = file[tree]
        table = isinstance(item, h5py.Dataset)
        sets = [item] if table else [item[name] for name in columns]
        total = len(sets[0])
        rows = rows_per_chunk(sum(data.dtype.itemsize * int(np.prod(data.shape[1:])) for data in sets))
        # Whole HDF5 chunks, so that none is decompressed twice.
        block = max(data.chunks[0] if data.chunks else 1 for data in sets)
        rows = max(rows - rows % block, min(block, 8 * rows))
        for start in range(0, total, rows):
            stop = min(start + rows, total)
            if table:
                records = item[start:stop]
                yield {name: to_column(records[name]) for name in columns}
            else:
                yield {name: to_column(data[start:stop]) for name, data in zip(columns, sets, strict=True)}
