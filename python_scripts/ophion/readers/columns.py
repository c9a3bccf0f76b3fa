"""What all readers share: checks of files and names, types as texts, sizes of chunks, errors that name the file."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ophion.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

NO_TREE = ""  # how a format without trees names the one table of a file
CHUNK_BYTES = 4 * 1024 * 1024  # of requested columns in a chunk: small beside any matrix, large beside a call's cost


class Found(NamedTuple):
    """A column as ``describe`` gives it."""

    name: str
    type: str
    numeric: bool


def place(path: str, tree: str = "") -> str:
    """How errors name a file and its tree: "zz.root, tree 'signal'"."""
    return f"{path}, tree '{tree}'" if tree else path


def nearest(name: str, names: Iterable[str]) -> str:
    """ "; nearest: mZ1, mZ2" for an error's end; empty where nothing is near."""
    near = difflib.get_close_matches(name, list(names), n=3, cutoff=0.5)
    return f"; nearest: {', '.join(near)}" if near else ""


def check_file(path: str) -> str:
    """The path as a text, once it is known to name a file that can be read and holds something."""
    path = os.fspath(path)
    if not os.path.exists(path):
        folder, name = os.path.split(path)
        try:
            neighbours = os.listdir(folder or ".")
        except OSError:
            neighbours = []
        raise DataError(f"{path}: no such file{nearest(name, neighbours)}")
    if os.path.isdir(path):
        raise DataError(f"{path}: is a folder, expected a file")
    try:
        with open(path, "rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise DataError(f"{path}: can't be opened: {error.strerror or error}") from error
    if empty:
        raise DataError(f"{path}: is empty (0 bytes)")
    return path


@contextmanager
def reading(path: str, kind: str) -> Iterator[None]:
    """Turn whatever a library raises into a DataError that names the file: damaged files raise errors of every type."""
    try:
        yield
    except DataError:
        raise
    except MemoryError as error:  # as likely this machine's fault as the file's
        raise MemoryError(f"{path}: there is no memory to read it: {error or 'it may claim more than it holds'}") from error
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
        raise DataError(f"{path}: damaged, cut off, or no {kind} file ({reason})") from error


def refuse_tree(path: str, tree: str, kind: str) -> None:
    if tree:
        raise DataError(f"{path}: a {kind} file has no trees, but tree '{tree}' was asked for")


def choose_tree(path: str, trees: Sequence[str], tree: str, what: str = "tree") -> str:
    """The tree asked for; without one, the only one there is."""
    if tree:
        if tree not in trees:
            there = f"it has: {', '.join(trees)}" if trees else f"it has no {what} at all"
            raise DataError(f"{path}: no {what} '{tree}'{nearest(tree, trees)}; {there}")
        return tree
    if not trees:
        raise DataError(f"{path}: has no {what}")
    if len(trees) > 1:
        raise DataError(f"{path}: has {len(trees)} {what}s, name one of them: {', '.join(trees)}")
    return trees[0]


def is_number(dtype: np.dtype) -> bool:
    """Whether an array of this type can be a column: bool, integers and floats of at most 64 bits."""
    return dtype.kind in "biuf" and dtype.itemsize <= 8


def type_text(dtype: np.dtype, inner: Sequence[int] = ()) -> str:
    """ "float32"; "float32[3]" for three numbers a row."""
    base = np.dtype(np.float32) if _is_half(dtype) else dtype
    return base.name + "".join(f"[{n}]" for n in inner)


def array_column(name: str, dtype: np.dtype, inner: Sequence[int]) -> Found:
    """The column that a NumPy-like array makes, `inner` being its shape without the rows."""
    numeric = is_number(dtype) and len(inner) <= 1 and 0 not in inner
    return Found(name, type_text(dtype, inner) if dtype.kind in "biuf" else str(dtype), numeric)


def mark_repeated(columns: Sequence[Found]) -> list[Found]:
    """Columns of one name become one that can't be asked for: nobody could say which is meant."""
    counts = Counter(column.name for column in columns)
    seen = dict.fromkeys(counts)
    for column in columns:
        seen[column.name] = column
    return [
        column if counts[name] == 1 else Found(name, f"{counts[name]} columns of this name", False)
        for name, column in seen.items()
    ]


def check_columns(path: str, tree: str, columns: Sequence[Found], wanted: Sequence[str]) -> None:
    """Refuse, by name, a column that isn't there or holds no plain numbers."""
    if not wanted:
        raise DataError(f"{place(path, tree)}: no column was asked for")
    known = {column.name: column for column in columns}
    missing = [name for name in wanted if name not in known]
    if missing:
        more = f" (and {len(missing) - 1} more of the {len(wanted)} asked for)" if len(missing) > 1 else ""
        raise DataError(f"{place(path, tree)}: no column '{missing[0]}'{more}{nearest(missing[0], known)}")
    for name in wanted:
        if not known[name].numeric:
            raise DataError(
                f"{place(path, tree)}: column '{name}' is '{known[name].type}', expected one number an event"
                " (or a fixed number of them)"
            )


def rows_per_chunk(row_bytes: int) -> int:
    return max(1, CHUNK_BYTES // max(1, row_bytes))


def numbers_of(column: pa.Array) -> np.ndarray:
    """What an Arrow column holds, read-only; a null is NaN. No copy unless there are nulls, or bits that become bools."""
    if column.null_count or column.type == "bool":
        return column.to_numpy(zero_copy_only=False)
    # By DLPack, since Arrow's own way imports pandas wherever that is installed: half a second.
    return np.from_dlpack(column)


def to_column(array: np.ndarray) -> np.ndarray:
    """The array in a type that C++ takes: this machine's byte order, float32 for float16. A copy only where needed."""
    if _is_half(array.dtype):
        return array.astype(np.float32)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _is_half(dtype: np.dtype) -> bool:
    """Whether these are floats of 16 bits, of either byte order."""
    return dtype.kind == "f" and dtype.itemsize == 2
