/// What the steps of a chain of transforms compute, over a tile: some rows of the columns a step works on, row by row.
///
/// The loops run over whole tiles; per-column numbers are repeated to a tile's length, so that few columns vectorise as well as many.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

namespace ophion::native {

struct TransformStep;

/// (x - mean) / scale
struct Scaling {
  std::vector<double> mean, scale;
  void repeat(std::size_t rows);
  void run(double* tile, std::size_t rows, std::size_t columns) const noexcept;
};

/// x * scale + min
struct RangeScaling {
  std::vector<double> scale, min;
  double low, high;
  bool clip;
  void repeat(std::size_t rows);
  void run(double* tile, std::size_t rows, std::size_t columns) const noexcept;
};

/// Held between two numbers.
struct Clip {
  std::vector<double> low, high;
  void repeat(std::size_t rows);
  void run(double* tile, std::size_t rows, std::size_t columns) const noexcept;
};

/// Ranks, as QuantileTransformer has them.
struct Quantile {
  std::vector<double> quantiles;  // column by column
  std::vector<double> references;
  bool normal;
  void repeat(std::size_t) {}
  void run(double* tile, std::size_t rows, std::size_t columns) const noexcept;
};

/// ln(x + offset)
struct Logarithm {
  std::vector<double> offset, outside;  // outside: NaN where there is none
  bool partial;
  void repeat(std::size_t rows);
  void run(double* tile, std::size_t rows, std::size_t columns) const noexcept;
};

/// sign(x) ln(1 + |x|)
struct SymmetricLogarithm {
  void repeat(std::size_t) {}
  void run(double* tile, std::size_t rows, std::size_t columns) const noexcept;
};

/// In place of NaN and infinities.
struct Impute {
  std::vector<double> value;
  void repeat(std::size_t rows);
  void run(double* tile, std::size_t rows, std::size_t columns) const noexcept;
};

/// matrix (x - mean), into other memory.
struct Linear {
  std::vector<double> mean;
  std::vector<double> matrix;  // inputs × outputs
  void run(const double* in, std::size_t rows, double* out, std::size_t row_stride) const noexcept;
};

/// 1 where a column is a category, into other memory.
struct OneHot {
  std::size_t inputs;
  std::vector<std::size_t> column;  // of each category
  std::vector<double> category;
  void run(const double* in, std::size_t rows, double* out, std::size_t row_stride) const noexcept;
};

/// A step ready to run.
struct CompiledStep {
  std::variant<Scaling, RangeScaling, Clip, Quantile, Logarithm, SymmetricLogarithm, Impute, Linear, OneHot> kernel;
  std::vector<std::size_t> columns;  ///< that it works on; empty: all, in their order
  std::vector<std::size_t> others;   ///< that stay in front of the new columns
  bool makes_columns = false;        ///< behind the others; else its results stand where its columns stood
  std::size_t width_in = 0, width_out = 0;  ///< columns of a row before and after
};

/// Checks a step for rows of `width` columns; throws std::invalid_argument whose text begins with `where`.
CompiledStep compile(const TransformStep& step, std::size_t width, const std::string& where);

}  // namespace ophion::native
