/// Events as typed columns: each a view plus a keeper of whoever owns the memory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <ophion/export.h>
#include <ophion/matrix.h>

namespace ophion {

/// Keeps memory alive; null where the caller promises to do so itself.
using Keeper = std::shared_ptr<const void>;

template <class T>
constexpr DType dtype_of() noexcept {
  if constexpr (std::is_same_v<T, bool>) return DType::boolean;
  else if constexpr (std::is_same_v<T, float>) return DType::float32;
  else if constexpr (std::is_same_v<T, double>) return DType::float64;
  else {
    static_assert(std::is_integral_v<T>, "a column holds bool, integers, float or double");
    constexpr int power = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
    return static_cast<DType>(static_cast<int>(std::is_signed_v<T> ? DType::int8 : DType::uint8) + power);
  }
}

/// A named column of numbers, or a matrix under one name when `width` > 1 (the scores of several classes).
struct OPHION_EXPORT Column {
  std::string name;
  DType type = DType::float64;
  const void* data = nullptr;
  std::size_t rows = 0;
  std::size_t width = 1;
  std::ptrdiff_t row_stride = 0;     ///< in bytes, from one row to the next
  std::ptrdiff_t column_stride = 0;  ///< in bytes, from one number of a row to the next
  Keeper keeper;

  Column() = default;
  template <class T>
  Column(std::string column_name, std::span<const T> values, Keeper owner = nullptr)
      : name(std::move(column_name)), type(dtype_of<T>()), data(values.data()), rows(values.size()),
        row_stride(sizeof(T)), column_stride(sizeof(T)), keeper(std::move(owner)) {}
  Column(std::string column_name, const MatrixView& matrix, Keeper owner = nullptr);

  /// The number in row `row` as a double (integers beyond 2^53 lose their last digits).
  double at(std::size_t row, std::size_t column = 0) const noexcept;
};

using Columns = std::vector<Column>;

/// Events from the program's own memory, sample by sample, in place of `data.samples` of a config:
///   Dataset events({"mZ1", "mZ2"});
///   events.add("signal", MatrixView(x.data(), n, 2), weights);
///   Session(config, events).train();
/// Nothing is copied here: what is given must live until training has ended, or come with a keeper.
class OPHION_EXPORT Dataset {
 public:
  /// What one call of `add` gave.
  struct Sample {
    std::string class_name;  ///< empty for regression
    MatrixView features;
    std::span<const double> weights;  ///< empty: every event weighs 1
    Columns others;                   ///< spectators, inputs of selections and splits
    MatrixView targets;               ///< regression only
    Keeper keeper;
  };

  explicit Dataset(std::vector<std::string> columns);

  /// Adds events of a class; `columns` of the constructor name the matrix's columns. Throws DataError for another number of
  /// columns or for weights and columns of another length.
  Dataset& add(std::string class_name, const MatrixView& features, std::span<const double> weights = {},
               Columns others = {}, Keeper keeper = nullptr);
  /// Sets what the events added last shall predict (regression): as many rows, one column a target.
  Dataset& targets(const MatrixView& values);

  const std::vector<std::string>& columns() const noexcept { return columns_; }
  const std::vector<Sample>& samples() const noexcept { return samples_; }

 private:
  std::vector<std::string> columns_;
  std::vector<Sample> samples_;
};

}  // namespace ophion
