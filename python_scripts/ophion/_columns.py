"""Events of a Python program as the C API takes them: arrays are lent as they lie, tables column by column, by name.

Nothing is copied where dtype, alignment and byte order are ones that C++ reads: float32 and float64 for rows; bool, integers and floats for
columns; any strides in both. Everything else becomes float64.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ophion._library import ffi, lib
from ophion.errors import DataError

FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)
MOST_EXACT = 2**53  # which 2^53 + 1 becomes too

_TYPES: dict[np.dtype[Any], int] = {
    np.dtype(np.bool_): lib.OPHION_BOOL,
    np.dtype(np.int8): lib.OPHION_INT8,
    np.dtype(np.int16): lib.OPHION_INT16,
    np.dtype(np.int32): lib.OPHION_INT32,
    np.dtype(np.int64): lib.OPHION_INT64,
    np.dtype(np.uint8): lib.OPHION_UINT8,
    np.dtype(np.uint16): lib.OPHION_UINT16,
    np.dtype(np.uint32): lib.OPHION_UINT32,
    np.dtype(np.uint64): lib.OPHION_UINT64,
    FLOAT32: lib.OPHION_FLOAT32,
    FLOAT64: lib.OPHION_FLOAT64,
}
FLOAT32_TYPE: int = lib.OPHION_FLOAT32


def address(array: npt.NDArray[Any]) -> Any:
    """Where an array of any strides begins, as a C pointer. The caller keeps the array."""
    return ffi.cast("void *", array.__array_interface__["data"][0])


def numbers(values: Any, name: str) -> npt.NDArray[Any]:
    """Values as an array of numbers; what is missing, or hidden by a NumPy mask, is NaN.

    Raises
    ------
    DataError
        They are none: names the column, and what its values are. Or integers of which some are missing and others too large for
        floats: event numbers, say.
    """
    array = _array(values, name)
    if array is not values and array.dtype == FLOAT64 and _are_integers(values) and np.any(np.abs(array) >= MOST_EXACT):
        raise DataError(f"{name}: some integers are missing, and others of 2^53 or more, which floats can't hold exactly")
    return array


def _are_integers(values: Any) -> bool:
    """Of NumPy, pandas, Arrow or polars: whatever they become."""
    return str(getattr(values, "dtype", getattr(values, "type", ""))).lower().startswith(("int", "uint"))


def _array(values: Any, name: str) -> npt.NDArray[Any]:
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values) and values.dtype.kind in "biuf":
        values = np.ma.filled(values if values.dtype.kind == "f" else values.astype(FLOAT64), np.nan)
    array = np.asarray(values)  # of a masked array: what lies below the mask too
    if array.dtype.kind == "O" and hasattr(values, "to_numpy"):  # pandas: integers of which some are missing
        try:
            array = values.to_numpy(dtype="float64", na_value=np.nan)
        except (TypeError, ValueError):
            array = np.asarray(values)
    if array.dtype in _TYPES:
        return array
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name}: expected numbers, found {array.dtype}")
    return array.astype(array.dtype.newbyteorder("=") if array.dtype.newbyteorder("=") in _TYPES else FLOAT64)


def rows(values: Any) -> npt.NDArray[Any]:
    """Rows of events as a matrix of float32 or float64 with strides in whole elements.

    Raises
    ------
    DataError
        It is no matrix of numbers: says its shape.
    """
    array = numbers(values, "events")
    if array.ndim != 2:
        hint = "; one event is x.reshape(1, -1)" if array.ndim == 1 else ""
        raise DataError(f"events: expected an array of shape (rows, features), found one of shape {array.shape}{hint}")
    if array.dtype not in (FLOAT32, FLOAT64):
        return array.astype(FLOAT64)
    if not array.flags.aligned or any(stride % array.itemsize for stride in array.strides):
        return array.copy()
    return array


def matrix_arguments(array: npt.NDArray[Any]) -> tuple[Any, int, int, int, int, int]:
    """Pointer, type, rows, columns and strides in elements, of what `rows` gives."""
    size = array.itemsize
    (n, width), (down, across) = array.shape, array.strides
    return address(array), _TYPES[array.dtype], n, width, down // size, across // size


def named_columns(table: Any) -> Mapping[str, Any] | None:
    """The columns of a table by name: a mapping, a DataFrame (pandas, polars), an Arrow table, a structured array; None: it is no table."""
    if isinstance(table, np.ndarray):
        return None if table.dtype.names is None else {name: table[name] for name in table.dtype.names}
    if isinstance(table, Mapping):
        return table
    names = getattr(table, "column_names", None)  # Arrow's; .columns are then the columns themselves
    if names is None:
        names = getattr(table, "columns", None)
    if names is None or not hasattr(table, "__getitem__"):
        return None
    return {str(name): table[name] for name in names}


class Columns:
    """Named columns as an array of ophion_column, and all that they point to.

    Parameters
    ----------
    table : mapping of str to array
    wanted : collection of str, optional
        Only these, where they are there; an array column "pt" is wanted for "pt[0]" too.
    """

    def __init__(self, table: Mapping[str, Any], wanted: Sequence[str] | None = None):
        if wanted is not None:
            known = {*wanted, *(name.partition("[")[0] for name in wanted)}
            table = {name: table[name] for name in table if name in known}
        self._keep: list[Any] = []
        self.count = len(table)
        self.structs = ffi.new("ophion_column[]", self.count)
        self.rows = 0
        first = ""
        for struct, (name, values) in zip(self.structs, table.items()):
            array = numbers(values, f"column '{name}'")
            if array.ndim not in (1, 2):
                raise DataError(f"column '{name}': expected one number or a row of numbers an event, found shape {array.shape}")
            if first and len(array) != self.rows:
                raise DataError(f"column '{name}' has {len(array)} rows, column '{first}' {self.rows}")
            first, self.rows = first or name, len(array)
            self._fill(struct, name, array)

    def _fill(self, struct: Any, name: str, array: npt.NDArray[Any]) -> None:
        struct.name = label = ffi.new("char[]", name.encode())
        struct.data = address(array)
        struct.type = _TYPES[array.dtype]
        struct.rows = len(array)
        struct.byte_stride = array.strides[0]
        struct.width = array.shape[1] if array.ndim == 2 else 1
        struct.width_byte_stride = array.strides[1] if array.ndim == 2 else 0
        self._keep += (label, array)
