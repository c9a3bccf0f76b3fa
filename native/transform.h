/// Transforms of features: fitted elsewhere, kept as arrays, applied here in training and in use alike.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "transform_step.h"

namespace ophion::native {

/// One fitted transform as it lies in a model file. What each type holds (n: the number of columns it works on):
///   standard     mean[n], scale[n]                      (x - mean) / scale
///   robust       center[n], scale[n]                    (x - center) / scale
///   minmax       scale[n], min[n]; range[2] (0 and 1)   x * scale + min, held within range when clip = "true"
///   clip         low[n], high[n], or one of them        held between the two
///   quantile     quantiles[q × n], references[q]        output = "uniform" (when left out) or "normal"
///   log          offset[n]; outside[n]                  ln(x + offset), outside or NaN where that is of no positive number;
///                none with form = "symmetric"           sign(x) ln(1 + |x|)
///   impute       value[n]                               in place of NaN and infinities
///   decorrelate  mean[n], matrix[n × n]                 matrix (x - mean)
///   pca          mean[n], components[m × n]             components (x - mean): m new columns
///   onehot       categories[m], counts[n]               1 where x is the category, else 0: m new columns, counts[i] of column i
/// Names are those of scikit-learn's fitted attributes without the underscore, where it has them.
/// Each may hold columns[n], the columns it works on, counted from 0: all when left out. Others pass unchanged. New columns take the
/// place of those they are made of, and stand behind the others.
struct TransformStep {
  std::string type;
  std::map<std::string, std::string> settings;        ///< such as output = "normal"
  std::map<std::string, std::vector<double>> arrays;  ///< such as mean, scale; matrices row by row
  std::vector<std::string> names{};                   ///< of the new columns, where the type makes some
};

/// Applies its steps in order. Const; safe in any number of threads.
class TransformChain {
 public:
  TransformChain() = default;
  /// Throws std::invalid_argument naming the step and array when a shape or a number can't be right.
  TransformChain(std::vector<TransformStep> steps, std::size_t features);

  bool empty() const noexcept { return steps_.empty(); }
  const std::vector<TransformStep>& steps() const noexcept { return steps_; }
  std::size_t features() const noexcept { return features_; }  ///< columns that go in
  std::size_t columns() const noexcept { return compiled_.empty() ? features_ : compiled_.back().width_out; }  ///< that come out
  /// What the columns that come out of the first `steps` steps are called, `names` being those that go in.
  std::vector<std::string> names(std::vector<std::string> names, std::size_t steps) const;

  /// `rows` rows of features (strides in elements) → row-major float32. Computed in double and rounded once at the end:
  /// what scikit-learn's transformers give in float64, to float32. NaN stays NaN but for "impute", and is no category. `out` may be `in`
  /// when that is contiguous and no column is added.
  void apply(const float* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows, float* out) const;
  void apply(const double* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows, float* out) const;

  /// Whether some step gives NaN for a number: the logarithm.
  bool partial() const noexcept;
  /// Where a row of `features()` numbers first meets such a step.
  struct Undefined {
    std::size_t step;
    std::size_t column;  ///< of those that go into the step
    double number;
  };
  std::optional<Undefined> undefined(const float* row) const;

 private:
  struct Tile;
  void run(const CompiledStep& step, Tile& tile, std::size_t rows) const;
  template <class T>
  bool run_alone(const T* in, std::size_t numbers, float* out) const noexcept;
  template <class T>
  void apply_to(const T* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows, float* out) const;

  std::vector<TransformStep> steps_;
  std::vector<CompiledStep> compiled_;
  std::size_t features_ = 0;
  std::size_t widest_ = 0;  // columns between two steps, at most
  std::size_t tile_rows_ = 0;
  bool simple_ = true;  // every step changes all numbers in place
};

}  // namespace ophion::native
