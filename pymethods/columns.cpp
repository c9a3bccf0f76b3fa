/// Columns ↔ NumPy.
#include "columns.h"

#include <memory>

#include <ophion/error.h>

#include "array.h"
#include "call.h"
#include "numpy_api.h"

namespace ophion {
namespace {

/// The nearest of our types for floats of other widths; -1 for what is no plain number.
int type_to_ask_for(PyObject* array) noexcept {
  if (const auto type = dtype_of_array(array)) return numpy_type(*type);
  auto* numbers = reinterpret_cast<PyArrayObject*>(array);
  if (PyArray_DESCR(numbers)->kind != 'f') return -1;
  return PyArray_ITEMSIZE(numbers) < 4 ? NPY_FLOAT32 : NPY_FLOAT64;
}

}  // namespace

PyRef lend_columns(const Columns& columns, Loan& loan) {
  PyRef dict = check(PyDict_New(), "lending columns to Python");
  for (const Column& column : columns) {
    check(PyDict_SetItem(dict.get(), to_text(column.name).get(), loan.lend(column).get()), "lending columns to Python");
  }
  return dict;
}

Column take_column(const std::string& name, PyObject* array, const std::string& who) {
  const std::string place = who + ": column '" + name + "'";
  if (!PyArray_Check(array)) {
    throw DataError(place + ": expected a NumPy array, found a value of type '" + Py_TYPE(array)->tp_name + "'");
  }
  const int dimensions = PyArray_NDIM(reinterpret_cast<PyArrayObject*>(array));
  const int type = type_to_ask_for(array);
  if (type < 0) throw DataError(place + ": expected numbers, found an array of type " + dtype_name(array));
  if (dimensions != 1 && dimensions != 2) {
    throw DataError(place + ": expected one or two dimensions, found shape " + shape_name(array));
  }
  const int flags = NPY_ARRAY_ALIGNED | NPY_ARRAY_NOTSWAPPED | NPY_ARRAY_FORCECAST |
                    (Loan::is_lent(array) ? NPY_ARRAY_ENSURECOPY : 0);
  auto owner = std::make_shared<PyRef>(
      check(PyArray_FromAny(array, PyArray_DescrFromType(type), 0, 0, flags, nullptr), place + ": taking its numbers"));
  auto* numbers = as_array(*owner);
  Column column;
  column.name = name;
  column.type = *dtype_of_array(owner->get());
  column.data = PyArray_DATA(numbers);
  column.rows = static_cast<std::size_t>(PyArray_DIM(numbers, 0));
  column.width = dimensions == 2 ? static_cast<std::size_t>(PyArray_DIM(numbers, 1)) : 1;
  column.row_stride = PyArray_STRIDE(numbers, 0);
  column.column_stride = dimensions == 2 ? PyArray_STRIDE(numbers, 1) : PyArray_ITEMSIZE(numbers);
  column.keeper = std::move(owner);
  return column;
}

}  // namespace ophion
