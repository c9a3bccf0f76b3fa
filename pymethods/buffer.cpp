/// Buffers: their memory checked, allocated, and given to Python.
#include "cpython.h"

#include <ophion/buffer.h>

#include <cstdlib>
#include <limits>
#include <new>

#include <ophion/error.h>

#include "buffer_type.h"
#include "element.h"
#include "scope.h"

namespace ophion::detail {
namespace {

constexpr std::size_t line = 64;  // a cache line; enough for every vector instruction

/// Bytes of that many elements; Python counts them in a signed number.
std::size_t bytes_of(std::size_t rows, std::size_t columns, std::size_t element_size) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(rows, columns, &bytes) || __builtin_mul_overflow(bytes, element_size, &bytes) ||
      bytes > static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) - line) {
    throw Error("Buffer: " + std::to_string(rows) + " x " + std::to_string(columns) + " elements of " + std::to_string(element_size) +
                " bytes are more than can be addressed");
  }
  return bytes;
}

}  // namespace

std::shared_ptr<void> zeros(std::size_t rows, std::size_t columns, std::size_t element_size) {
  // calloc's large blocks are fresh pages, which aligned allocation and memset would touch.
  const std::shared_ptr<void> block(std::calloc(bytes_of(rows, columns, element_size) + line, 1), std::free);
  if (!block) throw std::bad_alloc();
  const auto address = reinterpret_cast<std::uintptr_t>(block.get());
  return {block, static_cast<char*>(block.get()) + (line - address % line) % line};
}

void check_shape(std::size_t values, std::size_t rows, std::size_t columns) {
  bytes_of(rows, columns, 1);
  if (rows * columns != values) {
    throw Error("Buffer: expected " + std::to_string(rows) + " x " + std::to_string(columns) + " values, found " + std::to_string(values));
  }
}

void check_buffer(const Memory& memory, const ElementType& element, const std::shared_ptr<const void>& keeper) {
  const auto refuse = [&](const std::string& expected, const std::string& found) {
    throw Error("Buffer of " + name_of(element) + ": expected " + expected + ", found " + found);
  };
  const auto expect_aligned = [&](const char* what, std::ptrdiff_t bytes) {
    if (static_cast<std::size_t>(bytes) % element.alignment == 0) return;
    refuse(what + (" of a multiple of " + std::to_string(element.alignment)) + " bytes", std::to_string(bytes));
  };
  if (!keeper) refuse("a keeper of its memory", "none");
  if (bytes_of(memory.rows, memory.columns, element.size) == 0) return;
  if (!memory.data) refuse("memory", "a null pointer");
  expect_aligned("an address", reinterpret_cast<std::ptrdiff_t>(memory.data));
  expect_aligned("a row stride", memory.row_stride);
  expect_aligned("a column stride", memory.column_stride);
}

Object buffer_object(const Memory& memory, const ElementType& element, bool read_only, std::shared_ptr<const void> keeper) {
  // An empty buffer may have no address; NumPy would take that for "allocate".
  static char nothing = 0;
  SharedMemory shared{&element,
                      memory.data ? memory.data : &nothing,
                      memory.dimensions,
                      read_only,
                      {static_cast<Py_ssize_t>(memory.rows), static_cast<Py_ssize_t>(memory.columns)},
                      {memory.row_stride, memory.column_stride},
                      buffer_format(element),
                      std::move(keeper)};
  const PythonScope python;
  return Object::steal(make_buffer_object(std::move(shared)).release());
}

}  // namespace ophion::detail
