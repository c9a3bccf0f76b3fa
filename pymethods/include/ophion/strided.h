/// Elements of any type in one or two dimensions, owned elsewhere.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <ophion/element.h>
#include <ophion/export.h>
#include <ophion/matrix.h>

namespace ophion {
namespace detail {

/// A Strided whose type is known elsewhere. Strides are in bytes; of one dimension, `columns` is 1.
struct Memory {
  void* data = nullptr;
  std::size_t rows = 0;
  std::size_t columns = 1;
  std::ptrdiff_t row_stride = 0;
  std::ptrdiff_t column_stride = 0;
  int dimensions = 1;

  std::size_t size() const noexcept { return rows * columns; }
  bool contiguous(std::size_t element) const noexcept {
    return size() == 0 || ((columns == 1 || column_stride == static_cast<std::ptrdiff_t>(element)) &&
                           (rows == 1 || row_stride == static_cast<std::ptrdiff_t>(columns * element)));
  }
};

[[noreturn]] OPHION_EXPORT void refuse_span(const Memory& memory, const ElementType& element);

}  // namespace detail

/// A view of elements that somebody else owns: Strided<const T> to read, Strided<T> to write. Strides are in bytes, so that a member of
/// an array of structs is one as well. Valid as long as the owner says.
template <class T>
class Strided {
 public:
  using Value = std::remove_const_t<T>;
  static_assert(Element<Value>, "expected bool, an integer or a float of 8 to 64 bits, or a struct with OPHION_FIELDS");

  Strided() noexcept = default;
  explicit Strided(const detail::Memory& memory) noexcept : memory_(memory) {}
  Strided(std::span<T> elements) noexcept : Strided(vector(elements.data(), elements.size())) {}
  static Strided vector(T* data, std::size_t size, std::ptrdiff_t stride = sizeof(T)) noexcept {
    return Strided(detail::Memory{untyped(data), size, 1, stride, sizeof(T), 1});
  }
  /// Row-major and contiguous.
  static Strided matrix(T* data, std::size_t rows, std::size_t columns) noexcept {
    return matrix(data, rows, columns, static_cast<std::ptrdiff_t>(columns * sizeof(T)), sizeof(T));
  }
  static Strided matrix(T* data, std::size_t rows, std::size_t columns, std::ptrdiff_t row_stride,
                        std::ptrdiff_t column_stride) noexcept {
    return Strided(detail::Memory{untyped(data), rows, columns, row_stride, column_stride, 2});
  }

  T* data() const noexcept { return static_cast<T*>(memory_.data); }
  std::size_t size() const noexcept { return memory_.size(); }
  std::size_t rows() const noexcept { return memory_.rows; }
  std::size_t columns() const noexcept { return memory_.columns; }
  int dimensions() const noexcept { return memory_.dimensions; }
  std::ptrdiff_t row_stride() const noexcept { return memory_.row_stride; }        ///< in bytes
  std::ptrdiff_t column_stride() const noexcept { return memory_.column_stride; }  ///< in bytes
  bool contiguous() const noexcept { return memory_.contiguous(sizeof(T)); }       ///< row-major, without gaps

  T& operator()(std::size_t row, std::size_t column) const noexcept {
    return *at(static_cast<std::ptrdiff_t>(row) * memory_.row_stride + static_cast<std::ptrdiff_t>(column) * memory_.column_stride);
  }
  /// Of one dimension.
  T& operator[](std::size_t index) const noexcept {
    assert(memory_.dimensions == 1);
    return *at(static_cast<std::ptrdiff_t>(index) * memory_.row_stride);
  }
  Strided row(std::size_t index) const noexcept {
    return vector(at(static_cast<std::ptrdiff_t>(index) * memory_.row_stride), memory_.columns, memory_.column_stride);
  }
  Strided column(std::size_t index) const noexcept {
    return vector(at(static_cast<std::ptrdiff_t>(index) * memory_.column_stride), memory_.rows, memory_.row_stride);
  }

  /// All elements, row after row. Throws DataError where they don't lie one after the other.
  std::span<T> span() const {
    if (!contiguous()) [[unlikely]] detail::refuse_span(memory_, element_type<Value>);
    return {data(), size()};
  }
  /// What Model::predict takes; of one dimension, one column.
  operator MatrixView() const noexcept
    requires std::same_as<Value, float> || std::same_as<Value, double>
  {
    constexpr auto element = static_cast<std::ptrdiff_t>(sizeof(T));
    return {data(), rows(), columns(), memory_.row_stride / element, memory_.column_stride / element};
  }
  operator Strided<const T>() const noexcept
    requires(!std::is_const_v<T>)
  {
    return Strided<const T>(memory_);
  }

  const detail::Memory& memory() const noexcept { return memory_; }

 private:
  using Byte = std::conditional_t<std::is_const_v<T>, const std::byte, std::byte>;
  static void* untyped(T* data) noexcept { return const_cast<Value*>(data); }
  T* at(std::ptrdiff_t offset) const noexcept { return reinterpret_cast<T*>(static_cast<Byte*>(memory_.data) + offset); }

  detail::Memory memory_;
};

}  // namespace ophion
