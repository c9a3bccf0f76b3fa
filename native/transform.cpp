/// The chain of fitted transforms, each computing as scikit-learn 1.9 does: the same operations in the same order.
#include "transform.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>
#include <utility>

#include "normal_quantile.h"

namespace ophion::native {
namespace {

/// Numbers in a tile, about: one of features and two of parameters lie well within the first-level cache.
constexpr std::size_t tile_numbers = 512;

/// Reads the parts of one step; every complaint starts with `where`.
class StepReader {
 public:
  StepReader(const TransformStep& step, const std::string& where) : step_(step), where_(where) {}

  [[noreturn]] void fail(const std::string& problem) const { throw std::invalid_argument(where_ + ": " + problem); }

  /// An array that must be there; `size` 0 allows any but an empty one.
  const std::vector<double>& array(const std::string& name, std::size_t size) {
    known_arrays_.insert(name);
    const auto found = step_.arrays.find(name);
    if (found == step_.arrays.end()) fail("lacks its array '" + name + "'");
    const std::vector<double>& values = found->second;
    if (values.empty() || (size != 0 && values.size() != size)) {
      fail("expected " + (size == 0 ? "some" : std::to_string(size)) + " numbers in '" + name + "', found " +
           std::to_string(values.size()));
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!std::isfinite(values[i])) fail("number " + std::to_string(i) + " of '" + name + "' is not finite");
    }
    return values;
  }

  bool has_array(const std::string& name) const { return step_.arrays.contains(name); }

  /// One of two words; the first when the setting is left out.
  bool is_second(const std::string& name, const std::string& first, const std::string& second) {
    known_settings_.insert(name);
    const auto found = step_.settings.find(name);
    if (found == step_.settings.end() || found->second == first) return false;
    if (found->second == second) return true;
    fail("expected '" + first + "' or '" + second + "' for '" + name + "', found '" + found->second + "'");
  }

  /// Complains of what nobody asked for.
  void finish() const {
    for (const auto& [name, values] : step_.arrays) {
      if (!known_arrays_.contains(name)) fail("has an array '" + name + "' that is not known");
    }
    for (const auto& [name, value] : step_.settings) {
      if (!known_settings_.contains(name)) fail("has a setting '" + name + "' that is not known");
    }
  }

 private:
  const TransformStep& step_;
  const std::string& where_;
  std::set<std::string> known_arrays_;
  std::set<std::string> known_settings_;
};

std::vector<double> repeated(const std::vector<double>& values, std::size_t times) {
  std::vector<double> tile;
  tile.reserve(values.size() * times);
  for (std::size_t i = 0; i < times; ++i) tile.insert(tile.end(), values.begin(), values.end());
  return tile;
}

/// Between points `left` and `left` + 1, from the point `from` (one of the two): the operations of numpy.interp.
double interpolated(double x, const double* points, const double* values, std::size_t left, std::size_t from) noexcept {
  const double slope = (values[left + 1] - values[left]) / (points[left + 1] - points[left]);
  return slope * (x - points[from]) + values[from];
}

}  // namespace

TransformChain::TransformChain(std::vector<TransformStep> steps, std::size_t features)
    : steps_(std::move(steps)), features_(features) {
  if (features_ == 0) throw std::invalid_argument("a chain of transforms needs at least one feature");
  tile_rows_ = std::max<std::size_t>(1, tile_numbers / features_);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    compiled_.push_back(compile(steps_[i], "transform " + std::to_string(i) + " '" + steps_[i].type + "'"));
  }
}

TransformChain::Step TransformChain::compile(const TransformStep& step, const std::string& where) const {
  StepReader reader(step, where);
  Step compiled;
  if (step.type == "standard") {
    const auto& mean = reader.array("mean", features_);
    const auto& scale = reader.array("scale", features_);
    for (std::size_t i = 0; i < features_; ++i) {
      if (scale[i] == 0) reader.fail("number " + std::to_string(i) + " of 'scale' is 0");
    }
    compiled = Standard{repeated(mean, tile_rows_), repeated(scale, tile_rows_)};
  } else if (step.type == "minmax") {
    const auto& scale = reader.array("scale", features_);
    const auto& min = reader.array("min", features_);
    MinMax minmax{repeated(scale, tile_rows_), repeated(min, tile_rows_), 0, 1, reader.is_second("clip", "false", "true")};
    if (reader.has_array("range")) {
      const auto& range = reader.array("range", 2);
      if (range[0] >= range[1]) reader.fail("the first number of 'range' is not below the second");
      minmax.low = range[0];
      minmax.high = range[1];
    }
    compiled = std::move(minmax);
  } else if (step.type == "quantile") {
    const auto& references = reader.array("references", 0);
    const auto& quantiles = reader.array("quantiles", references.size() * features_);
    const std::size_t count = references.size();
    Quantile quantile{std::vector<double>(quantiles.size()), references, reader.is_second("output", "uniform", "normal")};
    if (!std::is_sorted(references.begin(), references.end())) reader.fail("'references' do not ascend");
    for (std::size_t feature = 0; feature < features_; ++feature) {
      double* points = &quantile.quantiles[feature * count];
      for (std::size_t i = 0; i < count; ++i) points[i] = quantiles[i * features_ + feature];
      if (!std::is_sorted(points, points + count)) {
        reader.fail("the 'quantiles' of feature " + std::to_string(feature) + " do not ascend");
      }
    }
    compiled = std::move(quantile);
  } else if (step.type == "impute") {
    compiled = Impute{repeated(reader.array("value", features_), tile_rows_)};
  } else {
    reader.fail("expected the type 'standard', 'minmax', 'quantile' or 'impute'");
  }
  reader.finish();
  return compiled;
}

/// QuantileTransformer.transform for one number. Where quantiles repeat, the mean of the two ends of the repetition:
/// scikit-learn gets it by interpolating once upwards and once over the mirrored points.
double TransformChain::Quantile::transform(const double* points, double x) const noexcept {
  constexpr double bounds_threshold = 1e-7;  // sklearn.preprocessing._data.BOUNDS_THRESHOLD
  static const double clip_low = normal_quantile(bounds_threshold - std::numeric_limits<double>::epsilon());
  static const double clip_high = normal_quantile(1 - (bounds_threshold - std::numeric_limits<double>::epsilon()));
  if (std::isnan(x)) return x;
  const std::size_t last = references.size() - 1;
  const double* values = references.data();
  double result;
  if (normal ? x - bounds_threshold < points[0] : x == points[0]) {
    result = 0;
  } else if (normal ? x + bounds_threshold > points[last] : x == points[last]) {
    result = 1;
  } else if (x < points[0]) {
    result = values[0];
  } else if (x > points[last]) {
    result = values[last];
  } else {
    // points[upper] is the last one that is not above x, points[lower] the first one that is not below it.
    const auto upper = static_cast<std::size_t>(std::upper_bound(points, points + last + 1, x) - points) - 1;
    if (points[upper] == x) {
      const auto lower = static_cast<std::size_t>(std::lower_bound(points, points + upper, x) - points);
      result = 0.5 * (values[upper] + values[lower]);
    } else {
      result = 0.5 * (interpolated(x, points, values, upper, upper) + interpolated(x, points, values, upper, upper + 1));
    }
  }
  return normal ? std::clamp(normal_quantile(result), clip_low, clip_high) : result;
}

void TransformChain::run(double* tile, std::size_t rows) const {
  const std::size_t numbers = rows * features_;
  for (const Step& step : compiled_) {
    if (const auto* standard = std::get_if<Standard>(&step)) {
      const double* mean = standard->mean.data();
      const double* scale = standard->scale.data();
      for (std::size_t i = 0; i < numbers; ++i) tile[i] = (tile[i] - mean[i]) / scale[i];
    } else if (const auto* minmax = std::get_if<MinMax>(&step)) {
      const double* scale = minmax->scale.data();
      const double* min = minmax->min.data();
      for (std::size_t i = 0; i < numbers; ++i) tile[i] = tile[i] * scale[i] + min[i];
      if (!minmax->clip) continue;
      const double low = minmax->low;
      const double high = minmax->high;
      for (std::size_t i = 0; i < numbers; ++i) {
        const double raised = low > tile[i] ? low : tile[i];
        tile[i] = high < raised ? high : raised;
      }
    } else if (const auto* quantile = std::get_if<Quantile>(&step)) {
      const std::size_t count = quantile->references.size();
      for (std::size_t feature = 0; feature < features_; ++feature) {
        const double* points = &quantile->quantiles[feature * count];
        for (std::size_t i = feature; i < numbers; i += features_) tile[i] = quantile->transform(points, tile[i]);
      }
    } else {
      const double* value = std::get<Impute>(step).value.data();
      for (std::size_t i = 0; i < numbers; ++i) tile[i] = std::fabs(tile[i]) < HUGE_VAL ? tile[i] : value[i];
    }
  }
}

/// The usual chains, one step of plain arithmetic, need no tile between: half the time, since memory is what they wait for.
/// The loops are elementwise, so that `out` may be `in`; ivdep tells the vectoriser, which can't see it. False: not such a chain.
template <class T>
bool TransformChain::run_alone(const T* in, std::size_t numbers, float* out) const noexcept {
  if (compiled_.size() != 1) return false;
  if (const auto* standard = std::get_if<Standard>(&compiled_[0])) {
    const double* mean = standard->mean.data();
    const double* scale = standard->scale.data();
#pragma GCC ivdep
    for (std::size_t i = 0; i < numbers; ++i) out[i] = static_cast<float>((static_cast<double>(in[i]) - mean[i]) / scale[i]);
    return true;
  }
  const auto* minmax = std::get_if<MinMax>(&compiled_[0]);
  if (!minmax || minmax->clip) return false;
  const double* scale = minmax->scale.data();
  const double* min = minmax->min.data();
#pragma GCC ivdep
  for (std::size_t i = 0; i < numbers; ++i) out[i] = static_cast<float>(static_cast<double>(in[i]) * scale[i] + min[i]);
  return true;
}

template <class T>
void TransformChain::apply_to(const T* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows,
                              float* out) const {
  if (features_ == 0) throw std::logic_error("a chain made for no features can't be applied");
  const bool contiguous = column_stride == 1 && row_stride == static_cast<std::ptrdiff_t>(features_);
  std::vector<double> tile(std::min(tile_rows_, rows) * features_);
  for (std::size_t first = 0; first < rows; first += tile_rows_) {
    const std::size_t count = std::min(tile_rows_, rows - first);
    const std::size_t numbers = count * features_;
    const T* from = in + static_cast<std::ptrdiff_t>(first) * row_stride;
    float* to = out + first * features_;
    if (contiguous && run_alone(from, numbers, to)) continue;
    if (contiguous) {
      for (std::size_t i = 0; i < numbers; ++i) tile[i] = static_cast<double>(from[i]);
    } else {
      double* next = tile.data();
      for (std::size_t row = 0; row < count; ++row, from += row_stride) {
        for (std::size_t feature = 0; feature < features_; ++feature) {
          *next++ = static_cast<double>(from[static_cast<std::ptrdiff_t>(feature) * column_stride]);
        }
      }
    }
    run(tile.data(), count);
    for (std::size_t i = 0; i < numbers; ++i) to[i] = static_cast<float>(tile[i]);
  }
}

void TransformChain::apply(const float* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows,
                           float* out) const {
  apply_to(in, row_stride, column_stride, rows, out);
}

void TransformChain::apply(const double* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows,
                           float* out) const {
  apply_to(in, row_stride, column_stride, rows, out);
}

}  // namespace ophion::native
