/// Views of numbers that somebody else owns.
#pragma once

#include <cstddef>
#include <cstdint>

#include <ophion/export.h>

namespace ophion {

/// The types a column can have.
enum class DType : std::uint8_t { boolean, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float32, float64 };

constexpr std::size_t size_of(DType type) noexcept {
  switch (type) {
    case DType::boolean: case DType::int8: case DType::uint8: return 1;
    case DType::int16: case DType::uint16: return 2;
    case DType::int32: case DType::uint32: case DType::float32: return 4;
    default: return 8;
  }
}

/// "float32", as NumPy writes it ("bool" for boolean).
OPHION_EXPORT const char* name_of(DType type) noexcept;

/// rows × columns of float or double, owned elsewhere, with any strides; valid as long as its owner says.
class MatrixView {
 public:
  MatrixView() noexcept = default;
  /// Row-major and contiguous.
  MatrixView(const float* data, std::size_t rows, std::size_t columns) noexcept
      : MatrixView(data, rows, columns, static_cast<std::ptrdiff_t>(columns), 1) {}
  MatrixView(const double* data, std::size_t rows, std::size_t columns) noexcept
      : MatrixView(data, rows, columns, static_cast<std::ptrdiff_t>(columns), 1) {}
  /// Strides are in elements: from one row to the next, from one column to the next.
  MatrixView(const float* data, std::size_t rows, std::size_t columns, std::ptrdiff_t row_stride,
             std::ptrdiff_t column_stride) noexcept
      : data_(data), rows_(rows), columns_(columns), row_stride_(row_stride), column_stride_(column_stride),
        type_(DType::float32) {}
  MatrixView(const double* data, std::size_t rows, std::size_t columns, std::ptrdiff_t row_stride,
             std::ptrdiff_t column_stride) noexcept
      : data_(data), rows_(rows), columns_(columns), row_stride_(row_stride), column_stride_(column_stride),
        type_(DType::float64) {}

  const void* data() const noexcept { return data_; }
  std::size_t rows() const noexcept { return rows_; }
  std::size_t columns() const noexcept { return columns_; }
  std::ptrdiff_t row_stride() const noexcept { return row_stride_; }        ///< in elements
  std::ptrdiff_t column_stride() const noexcept { return column_stride_; }  ///< in elements
  DType type() const noexcept { return type_; }                            ///< float32 or float64
  bool contiguous() const noexcept {
    return column_stride_ == 1 && row_stride_ == static_cast<std::ptrdiff_t>(columns_);
  }
  /// `count` rows from `first` on.
  MatrixView slice(std::size_t first, std::size_t count) const noexcept {
    MatrixView part = *this;
    part.data_ = static_cast<const std::byte*>(data_) +
                 static_cast<std::ptrdiff_t>(first) * row_stride_ * static_cast<std::ptrdiff_t>(size_of(type_));
    part.rows_ = count;
    return part;
  }
  float at(std::size_t row, std::size_t column) const noexcept {
    const auto offset = static_cast<std::ptrdiff_t>(row) * row_stride_ + static_cast<std::ptrdiff_t>(column) * column_stride_;
    return type_ == DType::float32 ? static_cast<const float*>(data_)[offset]
                                   : static_cast<float>(static_cast<const double*>(data_)[offset]);
  }

 private:
  const void* data_ = nullptr;
  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
  std::ptrdiff_t row_stride_ = 0;
  std::ptrdiff_t column_stride_ = 0;
  DType type_ = DType::float32;
};

}  // namespace ophion
