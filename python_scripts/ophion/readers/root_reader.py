"""Reads TTrees and RNTuples of ROOT files with uproot, which needs no ROOT."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import uproot

from ophion.errors import DataError
from ophion.readers.columns import (
    Found,
    array_column,
    check_columns,
    check_file,
    choose_tree,
    mark_repeated,
    reading,
    rows_per_chunk,
    to_column,
)

KIND = "ROOT"
TREE_CLASSES = ("TTree", "TNtuple", "TNtupleD", "TChain")
NTUPLE_CLASSES = ("ROOT::RNTuple", "ROOT::Experimental::RNTuple")

# RNTuple's names of C++ types (ROOT, "RNTuple Binary Format Specification") → NumPy
FIELD_TYPES = {
    "bool": "bool", "char": "int8", "std::byte": "uint8", "float": "float32", "double": "float64",
    **{f"std::{sign}int{bits}_t": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip
FIELD_ARRAY = re.compile(r"std::array<(?P<type>[\w:]+),\s*(?P<length>\d+)>")


class Source(NamedTuple):
    """Where a column comes from: a branch or field, and the leaf of it in a branch of several leaves."""

    name: str
    leaf: str | None
    row_bytes: int


def trees(path: str) -> list[str]:
    """See ophion.contract."""
    path = check_file(path)
    with reading(path, KIND), _open_file(path) as file:
        return _trees(file, path)


def describe(path: str, tree: str) -> dict[str, Any]:
    """See ophion.contract. Trees in folders are named "folder/tree"; of several cycles the newest counts."""
    path = check_file(path)
    with reading(path, KIND), _open_file(path) as file:
        tree, table = _choose(file, path, tree)
        columns, _ = _columns(table)
        return {"tree": tree, "columns": columns, "rows": int(table.num_entries)}


def open(path: str, tree: str, columns: Sequence[str]) -> Iterator[dict[str, np.ndarray]]:
    """See ophion.contract."""
    path = check_file(path)
    with reading(path, KIND), _open_file(path) as file:
        tree, table = _choose(file, path, tree)
        found, sources = _columns(table)
    check_columns(path, tree, found, columns)
    return _chunks(path, tree, {name: sources[name] for name in columns})


def _open_file(path: str):
    # A dict, since uproot splits a text at its last colon. A plain file source: the default one starts an event loop, a
    # memory map would turn a file cut off meanwhile into SIGBUS. No cache: each basket is wanted once.
    return uproot.open(
        {path: None},
        handler=uproot.source.file.MultithreadedFileSource,
        num_workers=1,
        object_cache=None,
        array_cache=None,
    )


def _trees(file, path: str) -> list[str]:
    size, expected = os.path.getsize(path), file.file.fEND
    if size < expected:
        raise DataError(f"{path}: cut off: {size} of its {expected} bytes are there")
    classes = file.classnames(recursive=True, cycle=False)
    return [name for name, kind in classes.items() if kind in TREE_CLASSES + NTUPLE_CLASSES]


def _choose(file, path: str, tree: str):
    tree = choose_tree(path, _trees(file, path), tree)
    return tree, file[tree]


def _columns(table) -> tuple[list[Found], dict[str, Source]]:
    pairs = _tree_columns(table) if isinstance(table, uproot.TTree) else _field_columns(table)
    return mark_repeated([found for found, _ in pairs]), {found.name: source for found, source in pairs}


def _tree_columns(tree) -> list[tuple[Found, Source | None]]:
    # A branch below another goes by its own name, since a path's slash would be a division in an expression.
    pairs = []
    for branch in tree.itervalues(recursive=True):
        name = branch.name
        dtype = _branch_type(branch)
        if dtype is None:
            pairs.append((Found(name, branch.typename or "unknown", False), None))
        elif dtype.base.names:  # a branch of several leaves, such as "x/F:y/F"
            for leaf in dtype.base.names:
                inner = dtype.base[leaf]
                column = array_column(f"{name}.{leaf}", inner.base, dtype.shape + inner.shape)
                pairs.append((column, Source(name, leaf, dtype.itemsize)))
        else:
            pairs.append((array_column(name, dtype.base, dtype.shape), Source(name, None, dtype.itemsize)))
    return pairs


def _branch_type(branch) -> np.dtype | None:
    numbers = (uproot.interpretation.numerical.AsDtype, uproot.interpretation.numerical.TruncatedNumerical)
    interpretation = branch.interpretation
    return np.dtype(interpretation.to_dtype) if isinstance(interpretation, numbers) else None


def _field_columns(ntuple) -> list[tuple[Found, Source | None]]:
    pairs = []
    for name, typename in ntuple.typenames().items():
        if "." in name:  # below a record or vector: no column of its own (a field's own name has no dot)
            pairs.append((Found(name, f"{typename or 'record'} inside '{name.rpartition('.')[0]}'", False), None))
            continue
        array = FIELD_ARRAY.fullmatch(typename)
        number = FIELD_TYPES.get(array["type"] if array else typename)
        if number is None:
            pairs.append((Found(name, typename or "record", False), None))
            continue
        inner = (int(array["length"]),) if array else ()
        column = array_column(name, np.dtype(number), inner)
        pairs.append((column, Source(name, None, np.dtype(number).itemsize * math.prod(inner))))
    return pairs


def _chunks(path: str, tree: str, sources: dict[str, Source]) -> Iterator[dict[str, np.ndarray]]:
    with reading(path, KIND), _open_file(path) as file:
        table = file[tree]
        # Leaves of one branch are read together, so their bytes count once.
        rows = rows_per_chunk(sum({source.name: source.row_bytes for source in sources.values()}.values()))
        read = _tree_arrays if isinstance(table, uproot.TTree) else _ntuple_arrays
        seen = 0
        for arrays in read(table, {source.name for source in sources.values()}, rows):
            chunk = {}
            for name, source in sources.items():
                if source.leaf is None:  # let go of at once: a ROOT file's numbers are of the other byte order, so this is a copy
                    chunk[name] = to_column(arrays.pop(source.name))
                else:
                    chunk[name] = to_column(arrays[source.name][source.leaf])
            lengths = {len(array) for array in chunk.values()}
            if len(lengths) > 1:
                raise DataError(f"{path}, tree '{tree}': gives its branches in different lengths: damaged or cut off")
            rows_here = lengths.pop()
            yield chunk
            del arrays, chunk  # or they would live while the next ones are read
            seen += rows_here
            if rows_here == 0:  # a wild number of entries would give empty chunks for ever
                break
        if seen != table.num_entries:
            raise DataError(f"{path}, tree '{tree}': gave {seen} of its {table.num_entries} events: damaged or cut off")


def _tree_arrays(tree, names: set[str], rows: int) -> Iterator[dict[str, np.ndarray]]:
    # Chosen by branch, not by name: uproot takes names for expressions and patterns. `iterate` keeps a basket that reaches
    # into the next chunk, so that each is decompressed once.
    yield from tree.iterate(filter_branch=lambda branch: branch.name in names, step_size=rows, library="np")


class _ReadOnce(dict):
    """A cache for uproot whose entries go when they are used."""

    def get(self, key, default=None):
        return self.pop(key, default)


def _ntuple_arrays(ntuple, names: set[str], rows: int) -> Iterator[dict[str, np.ndarray]]:
    # Cluster by cluster: asked for less, uproot would decompress the whole cluster again for each part of it.
    # Small clusters are read together. A range that ends with a cluster makes uproot (5.7) read the next one too: the cache keeps that for
    # the next turn, and what a turn leaves unused is dropped.
    cache = _ReadOnce()
    first = 0
    for cluster in ntuple.cluster_summaries:
        last = cluster.num_first_entry + cluster.num_entries
        if last - first < rows and last < ntuple.num_entries:
            continue
        more_follows = last < ntuple.num_entries
        before = set(cache)
        arrays = ntuple.arrays(
            filter_name=lambda name: name in names,
            entry_start=first,
            entry_stop=last,
            library="np",
            array_cache=cache if cache or more_follows else None,
        )
        for key in before:
            cache.pop(key, None)
        if any(len(array) != last - first for array in arrays.values()):
            raise ValueError(f"a cluster claims the events {first} to {last}, which aren't there")
        for start in range(0, last - first, rows):
            yield {name: array[start : start + rows] for name, array in arrays.items()}
        first = last
