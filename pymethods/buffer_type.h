/// The type `ophion.Buffer`: memory of the program as one Python object. With the GIL held.
#pragma once

#include "cpython.h"

#include <array>
#include <memory>
#include <string>

#include <ophion/element.h>

#include "ref.h"

namespace ophion {

/// The memory as Python sees it, and who keeps it alive.
struct SharedMemory {
  const ElementType* element;
  void* data;  // never null
  int dimensions;
  bool read_only;
  std::array<Py_ssize_t, 2> shape;
  std::array<Py_ssize_t, 2> strides;  // in bytes
  std::string format;                 // PEP 3118
  std::shared_ptr<const void> keeper;

  Py_ssize_t size() const noexcept { return dimensions == 1 ? shape[0] : shape[0] * shape[1]; }
  bool c_contiguous() const noexcept;
};

/// A new object that holds a copy of the keeper, as does everything that it lends the memory to.
PyRef make_buffer_object(SharedMemory memory);

/// Of an object that make_buffer_object made.
const SharedMemory& shared_memory(PyObject* buffer) noexcept;

/// Drops a keeper on whatever thread: the last one frees memory by the program's own code, which must not wait with the GIL held.
void let_go(std::shared_ptr<const void> keeper);

}  // namespace ophion
