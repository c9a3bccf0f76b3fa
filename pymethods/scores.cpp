/// From whatever a script returns to float32 in the caller's memory, in one pass.
#include "scores.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string_view>

#include <ophion/error.h>

#include "array.h"
#include "call.h"
#include "numpy_api.h"

namespace ophion {
namespace {

/// rows × outputs scores are wanted.
struct Wanted {
  std::size_t rows;
  std::size_t outputs;
  const std::string& who;

  [[noreturn]] void refuse(const std::string& found) const {
    std::string expected = std::to_string(rows) + (rows == 1 ? " row" : " rows");
    if (outputs > 1) expected += " and " + std::to_string(outputs) + " columns";
    throw Error(who + ": predict() returned the wrong scores: expected " + expected + ", found " + found);
  }
};

/// (n,), (n, k), or what squeeze() makes of them where it can mean one thing only.
bool fits(PyArrayObject* array, const Wanted& wanted) {
  const int dimensions = PyArray_NDIM(array);
  const npy_intp* shape = PyArray_DIMS(array);
  const auto rows = static_cast<npy_intp>(wanted.rows);
  const auto outputs = static_cast<npy_intp>(wanted.outputs);
  if (dimensions == 2) return shape[0] == rows && shape[1] == outputs;
  if (dimensions == 1) return (outputs == 1 && shape[0] == rows) || (rows == 1 && shape[0] == outputs);
  return dimensions == 0 && rows == 1 && outputs == 1;
}

/// An array of whatever it is; tensors are brought to the CPU, out of their graph, and out of types that NumPy does not have.
PyRef to_array(PyObject* result, const Wanted& wanted) {
  static Name detach("detach"), to_cpu("cpu"), to_numpy("numpy"), to_float("float");
  const std::string doing = wanted.who + ": taking the scores that predict() returned";
  if (result == Py_None) wanted.refuse("None");
  PyRef tensor = PyRef::borrow(result);
  if (optional_attribute(result, detach) && optional_attribute(result, to_numpy)) {
    tensor = call_method(result, detach, {}, doing);
    tensor = call_method(tensor.get(), to_cpu, {}, doing);
    PyRef numbers = PyRef::steal(PyObject_CallMethodNoArgs(tensor.get(), to_numpy.get()));
    if (!numbers) {
      PyErr_Clear();  // bfloat16 and the like
      numbers = call_method(call_method(tensor.get(), to_float, {}, doing).get(), to_numpy, {}, doing);
    }
    tensor = std::move(numbers);
  }
  return check(PyArray_FromAny(tensor.get(), nullptr, 0, 0, 0, nullptr), doing);
}

void demand_numbers(PyArrayObject* array, const Wanted& wanted) {
  if (std::string_view("biuf").find(PyArray_DESCR(array)->kind) != std::string_view::npos) return;
  auto* object = reinterpret_cast<PyObject*>(array);
  wanted.refuse("an array of shape " + shape_name(object) + " and type " + dtype_name(object));
}

/// The conversion that NumPy does best, straight into `out`.
void copy(PyArrayObject* array, std::span<float> out) {
  const PyRef target = check(PyArray_New(&PyArray_Type, PyArray_NDIM(array), PyArray_DIMS(array), NPY_FLOAT32, nullptr,
                                         out.data(), 0, NPY_ARRAY_CARRAY, nullptr),
                             "taking scores");
  check(PyArray_CopyInto(as_array(target), array), "taking scores");
}

bool row_has_nan(const MatrixView& features, std::size_t row) noexcept {
  for (std::size_t column = 0; column < features.columns(); ++column) {
    if (std::isnan(features.at(row, column))) return true;
  }
  return false;
}

/// NaN may come out only where NaN went in.
void refuse_nan(const MatrixView& features, std::span<const float> scores, const Wanted& wanted) {
  bool any = false;
  for (const float score : scores) any |= score != score;  // no early end: this loop is vectorised
  if (!any) return;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const std::size_t row = i / wanted.outputs;
    if (std::isnan(scores[i]) && !row_has_nan(features, row)) {
      throw Error(wanted.who + ": predict() gave NaN for row " + std::to_string(row) + ", whose features are all numbers");
    }
  }
}

bool is_plain(PyArrayObject* array) noexcept {
  return PyArray_TYPE(array) == NPY_FLOAT32 && PyArray_ISCARRAY_RO(array);
}

}  // namespace

void take_scores(PyObject* result, const MatrixView& features, std::span<float> out, const std::string& who) {
  const std::size_t rows = features.rows();
  const Wanted wanted{rows, out.size() / rows, who};
  PyRef converted;
  if (!PyArray_Check(result)) converted = to_array(result, wanted);
  auto* array = converted ? as_array(converted) : reinterpret_cast<PyArrayObject*>(result);
  if (!is_plain(array)) demand_numbers(array, wanted);
  if (!fits(array, wanted)) wanted.refuse(PyArray_NDIM(array) == 0 ? "one number" : shape_name(reinterpret_cast<PyObject*>(array)));
  if (is_plain(array)) std::memcpy(out.data(), PyArray_DATA(array), out.size_bytes());
  else copy(array, out);
  refuse_nan(features, out, wanted);
}

}  // namespace ophion
