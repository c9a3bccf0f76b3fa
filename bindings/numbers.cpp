/// Numbers that the caller lends.
#include "numbers.h"

#include <cstdint>
#include <string>

#include "border.h"

namespace ophion::c_api {
namespace {

constexpr bool same(std::int32_t type, DType of_core) { return type == static_cast<std::int32_t>(of_core); }
static_assert(same(OPHION_BOOL, DType::boolean) && same(OPHION_INT8, DType::int8) && same(OPHION_INT16, DType::int16) &&
              same(OPHION_INT32, DType::int32) && same(OPHION_INT64, DType::int64) && same(OPHION_UINT8, DType::uint8) &&
              same(OPHION_UINT16, DType::uint16) && same(OPHION_UINT32, DType::uint32) && same(OPHION_UINT64, DType::uint64) &&
              same(OPHION_FLOAT32, DType::float32) && same(OPHION_FLOAT64, DType::float64));

template <class T>
MatrixView typed_view(const ophion_matrix& matrix, const char* what) {
  if (reinterpret_cast<std::uintptr_t>(matrix.data) % alignof(T) != 0) {
    throw Refused(OPHION_ARGUMENT, std::string(what) + ": expected memory aligned to " + std::to_string(alignof(T)) + " bytes");
  }
  return MatrixView(static_cast<const T*>(matrix.data), matrix.rows, matrix.columns, matrix.row_stride, matrix.column_stride);
}

std::string at(const char* what, std::size_t index, const char* name) {
  return std::string(what) + "[" + std::to_string(index) + "]" + (name && *name ? std::string(" ('") + name + "')" : "");
}

Column view_of(const ophion_column& column, const std::string& what, bool named) {
  if (named && (!column.name || !*column.name)) throw Refused(OPHION_ARGUMENT, what + " has no name");
  if (column.type < OPHION_BOOL || column.type > OPHION_FLOAT64) {
    throw Refused(OPHION_ARGUMENT, what + ": expected a type from OPHION_BOOL (0) to OPHION_FLOAT64 (10), found " + std::to_string(column.type));
  }
  check_array(static_cast<const std::byte*>(column.data), column.rows, what.c_str());
  check_count(column.width, what.c_str());
  Column view;
  if (named) view.name = column.name;
  view.type = static_cast<DType>(column.type);
  view.data = column.data;
  view.rows = column.rows;
  view.width = column.width == 0 ? 1 : column.width;
  view.row_stride = column.byte_stride;
  view.column_stride = column.width_byte_stride;
  return view;
}

}  // namespace

MatrixView view_of(const ophion_matrix* matrix, const char* what) {
  given(matrix, what);
  check_count(matrix->rows, what);
  check_count(matrix->columns, what);
  if (matrix->rows > 0 && matrix->columns > 0 && !matrix->data) {
    throw Refused(OPHION_ARGUMENT, std::string(what) + " has " + std::to_string(matrix->rows) + " rows and no memory");
  }
  if (matrix->type == OPHION_FLOAT32) return typed_view<float>(*matrix, what);
  if (matrix->type == OPHION_FLOAT64) return typed_view<double>(*matrix, what);
  throw Refused(OPHION_ARGUMENT, std::string(what) + ": expected the type OPHION_FLOAT32 (9) or OPHION_FLOAT64 (10), found " +
                                     std::to_string(matrix->type));
}

Columns views_of(const ophion_column* columns, std::size_t count, const char* what, bool named) {
  check_array(columns, count, what);
  Columns views;
  for (std::size_t i = 0; i < count; ++i) views.push_back(view_of(columns[i], at(what, i, columns[i].name), named));
  return views;
}

std::span<float> room_for(float* out, std::size_t out_count, std::size_t rows, std::size_t outputs) {
  const bool countable = rows <= PTRDIFF_MAX / outputs;
  if (!countable || out_count != rows * outputs) {
    throw Refused(OPHION_ARGUMENT, "expected room for " + std::to_string(rows) + " × " + std::to_string(outputs) + " scores, found " +
                                       std::to_string(out_count));
  }
  check_array(out, out_count, "out");
  return {out, out_count};
}

}  // namespace ophion::c_api
