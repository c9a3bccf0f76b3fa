/// What `predict` of a script returned, as the caller's floats. With the GIL held.
#pragma once

#include "cpython.h"

#include <span>
#include <string>

#include <ophion/matrix.h>

namespace ophion {

/// Takes numbers of any type and layout: arrays, tensors, lists. Refused, in an Error that names `who`: another number of rows or
/// columns, None, objects, text, complex numbers, and NaN in a row whose `features` hold none.
void take_scores(PyObject* result, const MatrixView& features, std::span<float> out, const std::string& who);

}  // namespace ophion
