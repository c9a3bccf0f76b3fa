/// Value ↔ Python. With the GIL held.
#pragma once

#include "cpython.h"

#include <string>
#include <vector>

#include <ophion/convert.h>
#include <ophion/value.h>

#include "ref.h"

namespace ophion {

/// None, bool, int, float, str, list, dict.
PyRef to_builtin(const Value& value);
PyRef to_texts(const std::vector<std::string>& texts, bool as_tuple);

/// From None, bool, int, float, str, list, tuple, dict, NumPy's numbers and arrays. Anything else is an Error that says where in it:
/// 'probe_tool: run()["roc"][2]: expected None, bool, …, found set'.
Value to_value(PyObject* object, const Place& place);
/// `whole` is what was given: "probe_tool: run()".
inline Value to_value(PyObject* object, const std::string& whole) { return to_value(object, Place(whole)); }

}  // namespace ophion
