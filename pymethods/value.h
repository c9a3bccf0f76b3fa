/// Value ↔ Python. With the GIL held.
#pragma once

#include "cpython.h"

#include <string>
#include <vector>

#include <ophion/value.h>

#include "ref.h"

namespace ophion {

/// None, bool, int, float, str, list, dict.
PyRef to_python(const Value& value);
PyRef to_python(const std::vector<std::string>& texts, bool as_tuple);

/// From None, bool, int, float, str, list, tuple, dict, NumPy's numbers and arrays. Anything else is an Error that says where in it:
/// "metrics_tool: run() gave /roc/2: a value of type 'set'". `doing` says whose value it is ("metrics_tool: run() gave").
Value to_value(PyObject* object, const std::string& doing);

}  // namespace ophion
