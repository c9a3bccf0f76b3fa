/// Transforms of features: fitted elsewhere, kept as arrays, applied here in training and in use alike.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace ophion::native {

/// One fitted transform as it lies in a model file. What each type holds (n: the number of features):
///   standard  mean[n], scale[n]                       (x - mean) / scale
///   minmax    scale[n], min[n]; range[2] (0 and 1)    x * scale + min, held within range when clip = "true"
///   quantile  quantiles[q × n], references[q]         output = "uniform" (when left out) or "normal"
///   impute    value[n]                                in place of NaN and infinities
/// Names are those of scikit-learn's fitted attributes without the underscore.
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

  /// `rows` rows of features (strides in elements) → row-major float32. Computed in double and rounded once at the end:
  /// what scikit-learn's transformers give in float64, to float32. NaN stays NaN but for "impute". `out` may be `in` when
  /// that is contiguous.
  void apply(const float* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows, float* out) const;
  void apply(const double* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows, float* out) const;

 private:
  // The loops run over tiles of whole rows; per-feature numbers are repeated to a tile's length, so that few features
  // vectorise as well as many.
  struct Standard {
    std::vector<double> mean, scale;
  };
  struct MinMax {
    std::vector<double> scale, min;
    double low, high;
    bool clip;
  };
  struct Quantile {
    std::vector<double> quantiles;  // feature by feature
    std::vector<double> references;
    bool normal;
    double transform(const double* quantiles_of_feature, double x) const noexcept;
  };
  struct Impute {
    std::vector<double> value;
  };
  using Step = std::variant<Standard, MinMax, Quantile, Impute>;

  Step compile(const TransformStep& step, const std::string& where) const;
  void run(double* tile, std::size_t rows) const;
  template <class T>
  bool run_alone(const T* in, std::size_t numbers, float* out) const noexcept;
  template <class T>
  void apply_to(const T* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows, float* out) const;

  std::vector<TransformStep> steps_;
  std::vector<Step> compiled_;
  std::size_t features_ = 0;
  std::size_t tile_rows_ = 0;
};

}  // namespace ophion::native
