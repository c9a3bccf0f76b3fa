/// Memory of C++ as NumPy arrays, and NumPy's types as ours. With the GIL held.
#pragma once

#include "cpython.h"

#include <cstddef>
#include <optional>
#include <string>

#include <ophion/matrix.h>

#include "ref.h"

namespace ophion {

/// Numbers somewhere in memory; strides in bytes.
struct ArrayLayout {
  DType type = DType::float32;
  const void* data = nullptr;
  std::size_t rows = 0;
  std::size_t columns = 1;
  std::ptrdiff_t row_stride = 0;
  std::ptrdiff_t column_stride = 0;
  bool two_dimensions = false;
};

/// A read-only array over that memory, without a copy; `owner` becomes its base.
PyRef array_over(const ArrayLayout& layout, PyObject* owner);

/// NumPy's type number.
int numpy_type(DType type) noexcept;
/// The type whose values an array holds, in this machine's byte order or not; nothing for text, objects, dates, complex numbers and the
/// floats of other widths.
std::optional<DType> dtype_of_array(PyObject* array) noexcept;

/// "float64", "<U5": how NumPy writes an array's dtype.
std::string dtype_name(PyObject* array);
/// "(3, 2)", as Python writes it.
std::string shape_name(PyObject* array);

}  // namespace ophion
