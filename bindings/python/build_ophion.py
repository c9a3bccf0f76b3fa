"""Writes the C source of ophion._ophion, the compiled half of the Python package, from the C API's header alone.

    build_ophion.py HEADER OUTPUT.c
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import cffi

# Python functions that C calls, and forms of two functions without a struct of the caller's, which cost a call of one row half its time.
CALLBACKS = """
extern "Python" int32_t ophion_py_progress(const ophion_progress* progress, void* user);
extern "Python" void ophion_py_log(int32_t level, const char* line, void* user);
"""
ROWS = """
static ophion_status ophion_py_predict(const ophion_model* model, const void* data, int32_t type, size_t rows, size_t columns,
                                       ptrdiff_t row_stride, ptrdiff_t column_stride, float* out, size_t out_count)"""
BOUND_ROWS = ROWS.replace("ophion_py_predict(const ophion_model* model", "ophion_py_bound_predict(const ophion_bound* bound")
BODY = """ {
  const ophion_matrix matrix = {data, type, rows, columns, row_stride, column_stride};
  return %s, &matrix, out, out_count);
}
"""


def declarations(header: str) -> str:
    """What of the header cffi reads: no comments, no guards, no C++; of macros those that are numbers."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", header, flags=re.DOTALL)
    text = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.DOTALL)
    lines = [line for line in text.splitlines() if not line.startswith("#") or re.match(r"#define \w+ -?\d+\s*$", line)]
    return "\n".join(lines)


def main() -> None:
    header, output = map(Path, sys.argv[1:])
    builder = cffi.FFI()
    builder.cdef(declarations(header.read_text(encoding="utf-8")) + CALLBACKS + ROWS + ";" + BOUND_ROWS + ";")
    source = f"#include <{header.name}>\n" + ROWS + BODY % "ophion_model_predict(model"
    source += BOUND_ROWS + BODY % "ophion_bound_predict(bound"
    builder.set_source("ophion._ophion", source)
    builder.emit_c_code(str(output))


if __name__ == "__main__":
    main()
