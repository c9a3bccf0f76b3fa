"""Reads CSV and TSV files (also .csv.gz) with pyarrow, block by block."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from ophion.errors import DataError
from ophion.readers.columns import (
    CHUNK_BYTES,
    NO_TREE,
    Found,
    check_columns,
    check_file,
    mark_repeated,
    numbers_of,
    reading,
    refuse_tree,
    to_column,
)

KIND = "CSV"
COMMENT = b"#"
# pyarrow's message for a value that isn't of its column's type
BAD_VALUE = re.compile(r"In CSV column #(?P<column>\d+): (?:Row #(?P<row>\d+): )?.*conversion error to \w+: (?P<what>.*)")


def trees(path: str) -> list[str]:
    """See ophion.contract: the format has none."""
    check_file(path)
    return [NO_TREE]


def describe(path: str, tree: str) -> dict[str, Any]:
    """See ophion.contract. The number of rows is unknown; types are those of the first block."""
    path = check_file(path)
    refuse_tree(path, tree, KIND)
    return {"tree": NO_TREE, "columns": mark_repeated(_columns(path)), "rows": None}


def open(path: str, tree: str, columns: Sequence[str]) -> Iterator[dict[str, np.ndarray]]:
    """See ophion.contract.

    A column is int64 if all of its values are integers, which takes a pass of its own over the file for each set of columns
    that begin so; else float64. An empty field or "nan" is NaN, and makes a column of integers one of floats.
    """
    path = check_file(path)
    refuse_tree(path, tree, KIND)
    found = _columns(path)
    check_columns(path, "", mark_repeated(found), columns)
    header = [column.name for column in found]
    types = {column.name: pa.type_for_alias(column.type) for column in found if column.name in columns}
    _widen(path, header, types)
    return _chunks(path, header, list(columns), types)


def _columns(path: str) -> list[Found]:
    with reading(path, KIND), _open_blocks(path) as blocks:
        schema = blocks.schema
        names = schema.names  # decoded here: they may be no UTF-8
    if _all_numbers(names):
        raise DataError(f"{path}: expected a first line with the columns' names, found numbers: {', '.join(names[:4])}")
    return [_column(field) for field in schema]


def _column(field: pa.Field) -> Found:
    if pa.types.is_integer(field.type) or pa.types.is_boolean(field.type):
        return Found(field.name, str(field.type), True)
    if pa.types.is_floating(field.type) or pa.types.is_null(field.type):  # null: nothing but empty fields so far
        return Found(field.name, "float64", True)
    return Found(field.name, str(field.type), False)


def _all_numbers(names: Sequence[str]) -> bool:
    """Whether a header is none; "0,1,2,…" is one, as written for arrays without names."""
    if list(names) == [str(i) for i in range(len(names))]:
        return False
    try:
        return bool([float(name) for name in names])
    except ValueError:
        return False


def _comment_lines(path: str) -> int:
    """How many lines above the header begin with '#'."""
    count = 0
    with pa.input_stream(path, compression="detect", buffer_size=1 << 16) as file:
        rest = b""
        while True:
            *lines, rest = (rest + file.read(1 << 16)).split(b"\n")
            for line in lines:
                if not line.startswith(COMMENT):
                    return count
                count += 1
            if not lines:
                return count


def _open_blocks(path: str, types: dict[str, pa.DataType] | None = None) -> pa.csv.CSVStreamingReader:
    return pa.csv.open_csv(
        path,
        # One thread: only so does pyarrow know the row of a wrong value.
        read_options=pa.csv.ReadOptions(block_size=CHUNK_BYTES // 2, skip_rows=_comment_lines(path), use_threads=False),
        parse_options=pa.csv.ParseOptions(delimiter="\t" if ".tsv" in path.lower()[-8:] else ","),
        convert_options=pa.csv.ConvertOptions(column_types=types, include_columns=list(types) if types else None),
    )


def _widen(path: str, header: Sequence[str], types: dict[str, pa.DataType]) -> None:
    """Make float64 of the integer columns in which a later value is missing or no integer."""
    while True:
        integers = {name: kind for name, kind in types.items() if pa.types.is_integer(kind)}
        if not integers:
            return
        with reading(path, KIND):
            widened = _first_wider(path, header, integers)
        if not widened:
            return
        types.update(dict.fromkeys(widened, pa.float64()))


def _first_wider(path: str, header: Sequence[str], integers: dict[str, pa.DataType]) -> list[str]:
    try:
        with _open_blocks(path, integers) as blocks:
            for block in blocks:
                if wider := [name for name in integers if block.column(name).null_count]:
                    return wider
    except pa.ArrowInvalid as error:
        if match := BAD_VALUE.search(str(error)):
            return [header[int(match["column"])]]
        raise
    return []


def _chunks(
    path: str, header: Sequence[str], columns: Sequence[str], types: dict[str, pa.DataType]
) -> Iterator[dict[str, np.ndarray]]:
    with reading(path, KIND):
        try:
            with _open_blocks(path, types) as blocks:
                for block in blocks:
                    if block.num_rows:
                        yield {name: _array(path, name, block.column(name)) for name in columns}
        except pa.ArrowInvalid as error:
            if match := BAD_VALUE.search(str(error)):
                name = header[int(match["column"])]
                line = f", line {match['row']}" if match["row"] else ""
                raise DataError(
                    f"{path}{line}: column '{name}': expected {types[name]}, found {match['what']}"
                ) from error
            raise


def _array(path: str, name: str, column: pa.Array) -> np.ndarray:
    if column.null_count and pa.types.is_boolean(column.type):
        raise DataError(f"{path}: column '{name}' (bool) has missing values ({column.null_count} in one block)")
    return to_column(numbers_of(column))
