/// Transforms of features: fitted elsewhere, kept as arrays, applied here in training and in use alike.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace ophion::native {

/// One fitted transform as it lies in a model file.
struct TransformStep {
  std::string type;                                   ///< "standard", "minmax", "quantile", "impute"
  std::map<std::string, std::string> settings;        ///< such as output = "normal"
  std::map<std::string, std::vector<double>> arrays;  ///< such as mean, scale; one number a feature, or rows × features
};

/// Applies its steps in order. Const; safe in any number of threads.
class TransformChain {
 public:
  TransformChain() = default;
  /// Throws std::invalid_argument naming the step and array when a shape or a number can't be right.
  TransformChain(std::vector<TransformStep> steps, std::size_t features);

  bool empty() const noexcept { return steps_.empty(); }
  const std::vector<TransformStep>& steps() const noexcept { return steps_; }

  /// `rows` rows of features (strides in elements) → row-major float32. Computed in double and rounded once at the end: what
  /// scikit-learn's transformers give in float64, to float32. NaN stays NaN but for "impute". `out` may be `in` when that is contiguous.
  void apply(const float* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows, float* out) const;
  void apply(const double* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows, float* out) const;

 private:
  std::vector<TransformStep> steps_;
  std::size_t features_ = 0;
};

}  // namespace ophion::native
