/// Columns ↔ dict of NumPy arrays. With the GIL held.
#pragma once

#include "cpython.h"

#include <string>

#include <ophion/dataset.h>

#include "loan.h"

namespace ophion {

/// {name: ndarray}, lent.
PyRef lend_columns(const Columns& columns, Loan& loan);

/// A column over an array's own memory, which its keeper holds. Copied, once, is only what can't be had otherwise: another byte
/// order, half and long doubles, memory that is lent. DataError, starting with `who` and the name, for what holds no plain numbers.
Column take_column(const std::string& name, PyObject* array, const std::string& who);

}  // namespace ophion
