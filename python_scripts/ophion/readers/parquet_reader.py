"""Reads Parquet files with pyarrow, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ophion.errors import DataError
from ophion.readers.columns import (
    NO_TREE,
    Found,
    array_column,
    check_columns,
    check_file,
    mark_repeated,
    numbers_of,
    reading,
    refuse_tree,
    rows_per_chunk,
    to_column,
)

KIND = "Parquet"


def trees(path: str) -> list[str]:
    """See ophion.contract: the format has none."""
    check_file(path)
    return [NO_TREE]


def describe(path: str, tree: str) -> dict[str, Any]:
    """See ophion.contract."""
    path = check_file(path)
    refuse_tree(path, tree, KIND)
    with reading(path, KIND), pq.ParquetFile(path) as file:
        return {"tree": NO_TREE, "columns": _columns(file), "rows": file.metadata.num_rows}


def open(path: str, tree: str, columns: Sequence[str]) -> Iterator[dict[str, np.ndarray]]:
    """See ophion.contract. A missing float is NaN; a missing integer or bool has no such value and is refused."""
    path = check_file(path)
    refuse_tree(path, tree, KIND)
    with reading(path, KIND), pq.ParquetFile(path) as file:
        check_columns(path, "", _columns(file), columns)
    return _chunks(path, list(columns))


def _columns(file: pq.ParquetFile) -> list[Found]:
    return mark_repeated([_column(field) for field in file.schema_arrow])


def _column(field: pa.Field) -> Found:
    base, inner = _split(field.type)
    if pa.types.is_boolean(base) or pa.types.is_integer(base) or pa.types.is_floating(base):
        return array_column(field.name, np.dtype(base.to_pandas_dtype()), inner)
    return Found(field.name, str(field.type), False)


def _split(kind: pa.DataType) -> tuple[pa.DataType, tuple[int, ...]]:
    return (kind.value_type, (kind.list_size,)) if pa.types.is_fixed_size_list(kind) else (kind, ())


def _chunks(path: str, columns: list[str]) -> Iterator[dict[str, np.ndarray]]:
    with reading(path, KIND), pq.ParquetFile(path) as file:
        rows = rows_per_chunk(sum(_row_bytes(file.schema_arrow.field(name).type) for name in columns))
        for batch in file.iter_batches(batch_size=rows, columns=columns):
            yield {name: _array(path, name, batch.column(name)) for name in columns}


def _row_bytes(kind: pa.DataType) -> int:
    base, inner = _split(kind)
    return np.dtype(base.to_pandas_dtype()).itemsize * (inner[0] if inner else 1)


def _array(path: str, name: str, column: pa.Array) -> np.ndarray:
    base, inner = _split(column.type)
    # `flatten` leaves missing lists out, so they must be seen before it.
    missing = column.null_count if inner or not pa.types.is_floating(base) else 0
    values = column.flatten() if inner else column
    if not pa.types.is_floating(base):
        missing = max(missing, values.null_count)
    if missing:
        total = _count_missing(path, name)
        remedy = "" if inner else "; a float column could hold them as NaN"
        raise DataError(f"{path}: column '{name}' ({column.type}) has {total} missing values, expected none{remedy}")
    return to_column(numbers_of(values).reshape((-1, *inner)))


def _count_missing(path: str, name: str) -> int:
    with pq.ParquetFile(path) as file:
        total = 0
        for batch in file.iter_batches(columns=[name]):
            column = batch.column(name)
            total += column.null_count
            if pa.types.is_fixed_size_list(column.type):
                total += column.flatten().null_count
        return total
