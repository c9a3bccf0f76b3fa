/// NumPy's C API. One translation unit (array.cpp) holds its table; built with headers of NumPy 2 it runs on 1.26 too.
#pragma once

#include "cpython.h"

#define PY_ARRAY_UNIQUE_SYMBOL ophion_numpy_api
#ifndef OPHION_HOLDS_NUMPY_API
#define NO_IMPORT_ARRAY
#endif
#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#include <numpy/arrayobject.h>

#include "ref.h"

namespace ophion {

/// Imports NumPy at first use; afterwards its C API can be called. Throws PluginError, which names the Python, when there is none.
/// With the GIL held.
void ensure_numpy();

inline PyArrayObject* as_array(const PyRef& array) noexcept { return reinterpret_cast<PyArrayObject*>(array.get()); }

}  // namespace ophion
