/// A buffer's memory for PyTorch, JAX, NumPy and others by DLPack. With the GIL held.
#pragma once

#include "cpython.h"

namespace ophion {

/// __dlpack__(*, stream=None, max_version=None, dl_device=None, copy=None) of the array API standard, 2024.12.
PyObject* export_dlpack(PyObject* buffer, PyObject* arguments, PyObject* keywords);
PyObject* dlpack_device(PyObject* buffer, PyObject*);

}  // namespace ophion
