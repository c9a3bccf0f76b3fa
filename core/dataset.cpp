/// Columns and events in the program's own memory: what is given must fit together.
#include <ophion/dataset.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <utility>

#include <ophion/error.h>

#include "dtype.h"

namespace ophion {
namespace {

/// How exactly a type holds numbers: bits of a whole number, or of a mantissa.
struct Kind {
  int digits;
  bool is_signed;
  bool is_real;
};

Kind kind_of(DType type) noexcept {
  return with_type(type, [](auto zero) {
    using Limits = std::numeric_limits<decltype(zero)>;
    return Kind{Limits::digits, Limits::is_signed, !Limits::is_integer};
  });
}

bool holds(const Kind& type, const Kind& number) noexcept {
  if (number.is_real && !type.is_real) return false;
  if (number.is_signed && !type.is_signed) return false;
  return number.digits <= type.digits;
}

std::string in_sample(std::size_t sample, const std::string& class_name) {
  return "sample " + std::to_string(sample) + (class_name.empty() ? "" : " ('" + class_name + "')");
}

}  // namespace

const char* name_of(DType type) noexcept {
  constexpr std::array names = {"bool",   "int8",   "int16",  "int32",   "int64",  "uint8",
                                "uint16", "uint32", "uint64", "float32", "float64"};
  return names[static_cast<std::size_t>(type)];
}

std::optional<DType> common_type(DType a, DType b) noexcept {
  constexpr std::array by_size = {DType::boolean, DType::uint8,  DType::int8,   DType::uint16,  DType::int16,  DType::uint32,
                                  DType::int32,   DType::uint64, DType::int64,  DType::float32, DType::float64};
  for (const DType type : by_size)
    if (holds(kind_of(type), kind_of(a)) && holds(kind_of(type), kind_of(b))) return type;
  return std::nullopt;
}

void Strided::to_doubles(std::size_t count, double* out) const {
  with_type(type, [&](auto zero) {
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<double>(load<decltype(zero)>(at(i)));
  });
}

Column::Column(std::string column_name, const MatrixView& matrix, Keeper owner)
    : name(std::move(column_name)),
      type(matrix.type()),
      data(matrix.data()),
      rows(matrix.rows()),
      width(matrix.columns()),
      row_stride(matrix.row_stride() * static_cast<std::ptrdiff_t>(size_of(matrix.type()))),
      column_stride(matrix.column_stride() * static_cast<std::ptrdiff_t>(size_of(matrix.type()))),
      keeper(std::move(owner)) {}

double Column::at(std::size_t row, std::size_t column) const noexcept {
  const std::byte* const from = static_cast<const std::byte*>(data) + static_cast<std::ptrdiff_t>(row) * row_stride +
                                static_cast<std::ptrdiff_t>(column) * column_stride;
  return with_type(type, [from](auto zero) { return static_cast<double>(load<decltype(zero)>(from)); });
}

Dataset::Dataset(std::vector<std::string> columns) : columns_(std::move(columns)) {
  std::set<std::string> seen;
  for (const std::string& name : columns_) {
    if (name.empty()) throw DataError("Dataset: a column without a name");
    if (!seen.insert(name).second) throw DataError("Dataset: two columns of the name '" + name + "'");
  }
}

Dataset& Dataset::add(std::string class_name, const MatrixView& features, std::span<const double> weights, Columns others,
                      Keeper keeper) {
  const std::string where = "Dataset::add: " + in_sample(samples_.size(), class_name);
  const std::string rows = std::to_string(features.rows());
  if (features.columns() != columns_.size())
    throw DataError(where + ": expected a matrix of " + std::to_string(columns_.size()) + " columns, found " +
                    std::to_string(features.columns()));
  if (features.data() == nullptr && features.rows() * features.columns() > 0)
    throw DataError(where + ": the matrix has " + rows + " rows and no memory");
  if (!weights.empty() && weights.size() != features.rows())
    throw DataError(where + ": expected " + rows + " weights, found " + std::to_string(weights.size()));
  std::set<std::string> seen(columns_.begin(), columns_.end());
  for (const Column& column : others) {
    if (column.rows != features.rows())
      throw DataError(where + ": expected " + rows + " rows in column '" + column.name + "', found " +
                      std::to_string(column.rows));
    if (!seen.insert(column.name).second) throw DataError(where + ": two columns of the name '" + column.name + "'");
  }
  samples_.push_back({std::move(class_name), features, weights, std::move(others), MatrixView(), std::move(keeper)});
  return *this;
}

Dataset& Dataset::targets(const MatrixView& values) {
  if (samples_.empty()) throw DataError("Dataset::targets: no events were added yet");
  Sample& sample = samples_.back();
  const std::string where = "Dataset::targets: " + in_sample(samples_.size() - 1, sample.class_name);
  if (values.rows() != sample.features.rows())
    throw DataError(where + ": expected " + std::to_string(sample.features.rows()) + " rows, found " +
                    std::to_string(values.rows()));
  if (values.columns() == 0) throw DataError(where + ": expected a column for each target, found none");
  sample.targets = values;
  return *this;
}

}  // namespace ophion
