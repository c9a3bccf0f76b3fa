/// NumPy's array interface of a buffer, as a dict and as a struct. With the GIL held.
#pragma once

#include "cpython.h"

namespace ophion {

PyObject* get_array_interface(PyObject* buffer, void*);
PyObject* get_array_struct(PyObject* buffer, void*);

}  // namespace ophion
