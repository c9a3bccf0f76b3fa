/// Buffer: memory of the program that Python may keep for as long as it wants.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <ophion/export.h>
#include <ophion/object.h>
#include <ophion/strided.h>

namespace ophion {
namespace detail {

/// Zeros, aligned to 64 bytes; large ones take no memory before they are written to.
OPHION_EXPORT std::shared_ptr<void> zeros(std::size_t rows, std::size_t columns, std::size_t element_size);
/// Throws Error.
OPHION_EXPORT void check_buffer(const Memory& memory, const ElementType& element, const std::shared_ptr<const void>& keeper);
OPHION_EXPORT void check_shape(std::size_t values, std::size_t rows, std::size_t columns);
OPHION_EXPORT Object buffer_object(const Memory& memory, const ElementType& element, bool read_only,
                                   std::shared_ptr<const void> keeper);

}  // namespace detail

/// Elements and who keeps them alive. Copies share the elements. Python gets them by object(), uncopied, and keeps them alive for as
/// long as anything there (an array, a tensor, a memoryview, …) refers to them, whether or not a Buffer is left.
///   Buffer<float>::zeros(1000)   Buffer<Hit>(std::move(hits))   Buffer<const float>(elements, keeper)
/// Buffer<T> may be written by Python, Buffer<const T> may not.
template <class T>
class Buffer : public Strided<T> {
 public:
  using typename Strided<T>::Value;

  static Buffer zeros(std::size_t size) {
    auto memory = detail::zeros(size, 1, sizeof(T));
    auto* data = static_cast<T*>(memory.get());
    return Buffer(Strided<T>::vector(data, size), std::move(memory));
  }
  static Buffer zeros(std::size_t rows, std::size_t columns) {
    auto memory = detail::zeros(rows, columns, sizeof(T));
    auto* data = static_cast<T*>(memory.get());
    return Buffer(Strided<T>::matrix(data, rows, columns), std::move(memory));
  }

  /// The vector's own memory.
  explicit Buffer(std::vector<Value> values)
    requires(!std::same_as<Value, bool>)
      : Buffer(std::make_shared<std::vector<Value>>(std::move(values))) {}
  /// The same as rows of a matrix.
  Buffer(std::vector<Value> values, std::size_t rows, std::size_t columns)
    requires(!std::same_as<Value, bool>)
      : Buffer((detail::check_shape(values.size(), rows, columns), std::make_shared<std::vector<Value>>(std::move(values))), rows,
               columns) {}

  /// Memory of any origin. The keeper's last copy frees it, if need be; that may happen on any thread of Python's, without the GIL:
  ///   std::shared_ptr<float> memory(static_cast<float*>(std::malloc(bytes)), std::free);
  /// What lives as long as the program has a keeper that does nothing: std::shared_ptr<const void>(table, [](auto*) {}).
  Buffer(Strided<T> elements, std::shared_ptr<const void> keeper) : Strided<T>(elements), keeper_(std::move(keeper)) {
    detail::check_buffer(this->memory(), element_type<Value>, keeper_);
  }

  /// The same memory, which Python can't write through this one.
  operator Buffer<const T>() const
    requires(!std::is_const_v<T>)
  {
    return Buffer<const T>(*this, keeper_);
  }

  /// A new Python object over the memory. It speaks the buffer protocol, DLPack, __array_interface__ and __array_struct__; docs/buffers.md.
  /// Starts Python where it does not run.
  Object object() const { return detail::buffer_object(this->memory(), element_type<Value>, std::is_const_v<T>, keeper_); }

  const std::shared_ptr<const void>& keeper() const noexcept { return keeper_; }

 private:
  explicit Buffer(std::shared_ptr<std::vector<Value>> values)
      : Buffer(Strided<T>::vector(values->data(), values->size()), values) {}
  Buffer(std::shared_ptr<std::vector<Value>> values, std::size_t rows, std::size_t columns)
      : Buffer(Strided<T>::matrix(values->data(), rows, columns), values) {}

  std::shared_ptr<const void> keeper_;
};

template <class T>
Buffer(std::vector<T>) -> Buffer<T>;
template <class T>
Buffer(std::vector<T>, std::size_t, std::size_t) -> Buffer<T>;

}  // namespace ophion
