/// The steps, each computing as scikit-learn 1.9 does: the same operations in the same order.
#include "transform_step.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <set>
#include <stdexcept>
#include <utility>

#include "normal_quantile.h"
#include "transform.h"

namespace ophion::native {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

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

  /// An array of whole numbers from `least` to `most`.
  std::vector<std::size_t> whole_numbers(const std::string& name, std::size_t size, std::size_t least, std::size_t most) {
    std::vector<std::size_t> numbers;
    for (const double number : array(name, size)) {
      if (!(number >= static_cast<double>(least) && number <= static_cast<double>(most)) || number != std::floor(number)) {
        fail("expected whole numbers from " + std::to_string(least) + " to " + std::to_string(most) + " in '" + name + "', found " +
             std::to_string(number));
      }
      numbers.push_back(static_cast<std::size_t>(number));
    }
    return numbers;
  }

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

// --- reading: `n` is the number of columns a step works on --------------------------------------------------------------------------

Scaling scaling(StepReader& reader, std::size_t n, const std::string& middle) {
  Scaling scaling{reader.array(middle, n), reader.array("scale", n)};
  for (std::size_t i = 0; i < n; ++i) {
    if (scaling.scale[i] == 0) reader.fail("number " + std::to_string(i) + " of 'scale' is 0");
  }
  return scaling;
}

RangeScaling range_scaling(StepReader& reader, std::size_t n) {
  RangeScaling scaling{reader.array("scale", n), reader.array("min", n), 0, 1, reader.is_second("clip", "false", "true")};
  if (reader.has_array("range")) {
    const auto& range = reader.array("range", 2);
    if (range[0] >= range[1]) reader.fail("the first number of 'range' is not below the second");
    scaling.low = range[0];
    scaling.high = range[1];
  }
  return scaling;
}

Clip clip(StepReader& reader, std::size_t n) {
  const bool below = reader.has_array("low"), above = reader.has_array("high");
  if (!below && !above) reader.fail("lacks its arrays 'low' and 'high', of which it needs one");
  Clip clip{below ? reader.array("low", n) : std::vector<double>(n, -infinity), above ? reader.array("high", n) : std::vector<double>(n, infinity)};
  for (std::size_t i = 0; i < n; ++i) {
    if (clip.low[i] > clip.high[i]) reader.fail("number " + std::to_string(i) + " of 'low' is above that of 'high'");
  }
  return clip;
}

Quantile quantile(StepReader& reader, std::size_t n) {
  const auto& references = reader.array("references", 0);
  const auto& quantiles = reader.array("quantiles", references.size() * n);
  const std::size_t count = references.size();
  Quantile quantile{std::vector<double>(quantiles.size()), references, reader.is_second("output", "uniform", "normal")};
  if (!std::is_sorted(references.begin(), references.end())) reader.fail("'references' do not ascend");
  for (std::size_t column = 0; column < n; ++column) {
    double* points = &quantile.quantiles[column * count];
    for (std::size_t i = 0; i < count; ++i) points[i] = quantiles[i * n + column];
    if (!std::is_sorted(points, points + count)) reader.fail("the 'quantiles' of feature " + std::to_string(column) + " do not ascend");
  }
  return quantile;
}

Logarithm logarithm(StepReader& reader, std::size_t n) {
  const bool total = reader.has_array("outside");
  return {reader.array("offset", n), total ? reader.array("outside", n) : std::vector<double>(n, nan), !total};
}

Linear linear(StepReader& reader, std::size_t n, const std::string& matrix, std::size_t outputs) {
  const auto& rows = reader.array(matrix, outputs * n);
  const std::size_t m = outputs == 0 ? rows.size() / n : outputs;
  if (m * n != rows.size()) {
    reader.fail("expected rows of " + std::to_string(n) + " numbers in '" + matrix + "', found " + std::to_string(rows.size()) + " numbers");
  }
  Linear linear{reader.array("mean", n), std::vector<double>(rows.size())};
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < n; ++j) linear.matrix[j * m + i] = rows[i * n + j];
  }
  return linear;
}

OneHot one_hot(StepReader& reader, std::size_t n) {
  const auto& categories = reader.array("categories", 0);
  const auto counts = reader.whole_numbers("counts", n, 1, categories.size());
  if (std::accumulate(counts.begin(), counts.end(), std::size_t{0}) != categories.size()) {
    reader.fail("'counts' do not add up to the " + std::to_string(categories.size()) + " numbers of 'categories'");
  }
  OneHot encoder{n, {}, categories};
  for (std::size_t column = 0; column < n; ++column) {
    const auto first = categories.begin() + static_cast<std::ptrdiff_t>(encoder.column.size());
    const auto last = first + static_cast<std::ptrdiff_t>(counts[column]);
    if (std::adjacent_find(first, last, std::greater_equal<>()) != last) {
      reader.fail("the 'categories' of feature " + std::to_string(column) + " do not ascend");
    }
    encoder.column.insert(encoder.column.end(), counts[column], column);
  }
  return encoder;
}

void repeat(std::vector<double>& values, std::size_t times) {
  const std::size_t count = values.size();
  values.reserve(count * times);
  for (std::size_t i = count; i < count * times; ++i) values.push_back(values[i - count]);
}

/// Between points `left` and `left` + 1, from the point `from` (one of the two): the operations of numpy.interp.
double interpolated(double x, const double* points, const double* values, std::size_t left, std::size_t from) noexcept {
  const double slope = (values[left + 1] - values[left]) / (points[left + 1] - points[left]);
  return slope * (x - points[from]) + values[from];
}

/// QuantileTransformer.transform for one number. Where quantiles repeat, the mean of the two ends of the repetition:
/// scikit-learn gets it by interpolating once upwards and once over the mirrored points.
double ranked(double x, const double* points, const std::vector<double>& references, bool normal) noexcept {
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

}  // namespace

CompiledStep compile(const TransformStep& step, std::size_t width, const std::string& where) {
  StepReader reader(step, where);
  CompiledStep compiled;
  compiled.width_in = width;
  std::size_t n = width;
  if (reader.has_array("columns")) {
    compiled.columns = reader.whole_numbers("columns", 0, 0, width - 1);
    n = compiled.columns.size();
    std::vector<bool> taken(width);
    for (const std::size_t column : compiled.columns) {
      if (taken[column]) reader.fail("has column " + std::to_string(column) + " twice in 'columns'");
      taken[column] = true;
    }
    for (std::size_t column = 0; column < width; ++column) {
      if (!taken[column]) compiled.others.push_back(column);
    }
  }
  std::size_t made = 0;
  if (step.type == "standard") {
    compiled.kernel = scaling(reader, n, "mean");
  } else if (step.type == "robust") {
    compiled.kernel = scaling(reader, n, "center");
  } else if (step.type == "minmax") {
    compiled.kernel = range_scaling(reader, n);
  } else if (step.type == "clip") {
    compiled.kernel = clip(reader, n);
  } else if (step.type == "quantile") {
    compiled.kernel = quantile(reader, n);
  } else if (step.type == "log") {
    if (reader.is_second("form", "plain", "symmetric")) {
      compiled.kernel = SymmetricLogarithm();
    } else {
      compiled.kernel = logarithm(reader, n);
    }
  } else if (step.type == "impute") {
    compiled.kernel = Impute{reader.array("value", n)};
  } else if (step.type == "decorrelate") {
    compiled.kernel = linear(reader, n, "matrix", n);
  } else if (step.type == "pca") {
    compiled.kernel = linear(reader, n, "components", 0);
    made = std::get<Linear>(compiled.kernel).matrix.size() / n;
  } else if (step.type == "onehot") {
    compiled.kernel = one_hot(reader, n);
    made = std::get<OneHot>(compiled.kernel).category.size();
  } else {
    reader.fail("is no type of transform that this Ophion knows");
  }
  if (step.names.size() != made) {
    reader.fail("expected " + std::to_string(made) + " names of new columns, found " + std::to_string(step.names.size()));
  }
  compiled.makes_columns = made != 0;
  compiled.width_out = made == 0 ? width : width - n + made;
  reader.finish();
  return compiled;
}

// --- the loops ----------------------------------------------------------------------------------------------------------------------

void Scaling::repeat(std::size_t rows) {
  native::repeat(mean, rows);
  native::repeat(scale, rows);
}

void Scaling::run(double* tile, std::size_t rows, std::size_t columns) const noexcept {
  const double* const middle = mean.data();
  const double* const unit = scale.data();
  for (std::size_t i = 0; i < rows * columns; ++i) tile[i] = (tile[i] - middle[i]) / unit[i];
}

void RangeScaling::repeat(std::size_t rows) {
  native::repeat(scale, rows);
  native::repeat(min, rows);
}

void RangeScaling::run(double* tile, std::size_t rows, std::size_t columns) const noexcept {
  const double* const factor = scale.data();
  const double* const added = min.data();
  for (std::size_t i = 0; i < rows * columns; ++i) tile[i] = tile[i] * factor[i] + added[i];
  if (!clip) return;
  const double least = low, most = high;
  for (std::size_t i = 0; i < rows * columns; ++i) {
    const double raised = least > tile[i] ? least : tile[i];
    tile[i] = most < raised ? most : raised;
  }
}

void Clip::repeat(std::size_t rows) {
  native::repeat(low, rows);
  native::repeat(high, rows);
}

void Clip::run(double* tile, std::size_t rows, std::size_t columns) const noexcept {
  const double* const least = low.data();
  const double* const most = high.data();
  for (std::size_t i = 0; i < rows * columns; ++i) {
    const double raised = least[i] > tile[i] ? least[i] : tile[i];
    tile[i] = most[i] < raised ? most[i] : raised;
  }
}

void Quantile::run(double* tile, std::size_t rows, std::size_t columns) const noexcept {
  for (std::size_t column = 0; column < columns; ++column) {
    const double* const points = &quantiles[column * references.size()];
    for (std::size_t i = column; i < rows * columns; i += columns) tile[i] = ranked(tile[i], points, references, normal);
  }
}

void Logarithm::repeat(std::size_t rows) {
  native::repeat(offset, rows);
  native::repeat(outside, rows);
}

void Logarithm::run(double* tile, std::size_t rows, std::size_t columns) const noexcept {
  for (std::size_t i = 0; i < rows * columns; ++i) {
    const double number = tile[i] + offset[i];
    tile[i] = number > 0 ? std::log(number) : outside[i];
  }
}

void SymmetricLogarithm::run(double* tile, std::size_t rows, std::size_t columns) const noexcept {
  for (std::size_t i = 0; i < rows * columns; ++i) tile[i] = std::copysign(std::log1p(std::fabs(tile[i])), tile[i]);
}

void Impute::repeat(std::size_t rows) { native::repeat(value, rows); }

void Impute::run(double* tile, std::size_t rows, std::size_t columns) const noexcept {
  const double* const instead = value.data();
  for (std::size_t i = 0; i < rows * columns; ++i) tile[i] = std::fabs(tile[i]) < HUGE_VAL ? tile[i] : instead[i];
}

void Linear::run(const double* in, std::size_t rows, double* out, std::size_t row_stride) const noexcept {
  const std::size_t inputs = mean.size(), outputs = matrix.size() / inputs;
  for (std::size_t row = 0; row < rows; ++row, in += inputs, out += row_stride) {
    std::fill_n(out, outputs, 0.0);
    for (std::size_t j = 0; j < inputs; ++j) {
      const double apart = in[j] - mean[j];
      const double* const factors = &matrix[j * outputs];
#pragma GCC ivdep
      for (std::size_t i = 0; i < outputs; ++i) out[i] += apart * factors[i];
    }
  }
}

void OneHot::run(const double* in, std::size_t rows, double* out, std::size_t row_stride) const noexcept {
  for (std::size_t row = 0; row < rows; ++row, in += inputs, out += row_stride) {
    for (std::size_t i = 0; i < category.size(); ++i) out[i] = in[column[i]] == category[i] ? 1.0 : 0.0;
  }
}

}  // namespace ophion::native
