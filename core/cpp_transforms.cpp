/// From the steps of a chain to declarations and statements.
#include "cpp_transforms.h"

#include <cstdint>
#include <vector>

#include <ophion/error.h>

#include "cpp_text.h"

namespace ophion {
using namespace cpp_text;
namespace {

const std::vector<double>& numbers_of(const native::TransformStep& step, const std::string& name) { return step.arrays.at(name); }

bool is_set(const native::TransformStep& step, const std::string& setting, const std::string& value) {
  const auto found = step.settings.find(setting);
  return found != step.settings.end() && found->second == value;
}

constexpr const char* quantile_function = R"(
// Where quantiles repeat, the mean of the two ends of the repetition, as scikit-learn has it.
inline double quantile(const double* points, const double* values, std::size_t count, std::size_t stride, double x) {
  const std::size_t last = count - 1;
  const auto point = [&](std::size_t i) { return points[i * stride]; };
  if (x != x) return x;
  if (x == point(0)) return 0;
  if (x == point(last)) return 1;
  if (x < point(0)) return values[0];
  if (x > point(last)) return values[last];
  std::size_t upper = 0;
  while (upper < last && point(upper + 1) <= x) ++upper;
  if (point(upper) == x) {
    std::size_t lower = upper;
    while (lower > 0 && point(lower - 1) == x) --lower;
    return 0.5 * (values[upper] + values[lower]);
  }
  const double slope = (values[upper + 1] - values[upper]) / (point(upper + 1) - point(upper));
  return 0.5 * ((slope * (x - point(upper)) + values[upper]) + (slope * (x - point(upper + 1)) + values[upper + 1]));
}
)";

/// What a step does to each number v, the i-th that it works on; empty for those that make new ones of several. `own` begins its arrays' names.
std::string change_of(const native::TransformStep& step, const std::string& own, std::size_t count) {
  const auto held = [](const std::string& low, const std::string& high) {
    return (low.empty() ? "" : "if (v < " + low + ") v = " + low + "; ") + (high.empty() ? "" : "if (v > " + high + ") v = " + high + "; ");
  };
  const auto has = [&](const char* name) { return step.arrays.contains(name); };
  if (step.type == "standard") return "v = (v - " + own + "mean[i]) / " + own + "scale[i]; ";
  if (step.type == "robust") return "v = (v - " + own + "center[i]) / " + own + "scale[i]; ";
  if (step.type == "minmax") {
    const std::string scaled = "v = v * " + own + "scale[i] + " + own + "min[i]; ";
    if (!is_set(step, "clip", "true")) return scaled;
    return scaled + (has("range") ? held(number(numbers_of(step, "range")[0]), number(numbers_of(step, "range")[1])) : held("0.0", "1.0"));
  }
  if (step.type == "clip") return held(has("low") ? own + "low[i]" : "", has("high") ? own + "high[i]" : "");
  if (step.type == "quantile") {
    return "v = detail::quantile(" + own + "quantiles + i, " + own + "references, " + std::to_string(numbers_of(step, "references").size()) + ", " +
           std::to_string(count) + ", v); ";
  }
  if (step.type == "log") {
    if (is_set(step, "form", "symmetric")) return "v = std::copysign(std::log1p(std::fabs(v)), v); ";
    const std::string outside = has("outside") ? own + "outside[i]" : "std::numeric_limits<double>::quiet_NaN()";
    return "v += " + own + "offset[i]; v = v > 0 ? std::log(v) : " + outside + "; ";
  }
  if (step.type == "impute") return "if (!std::isfinite(v)) v = " + own + "value[i]; ";
  return "";
}

std::vector<std::int32_t> indices(const std::vector<double>& numbers) { return {numbers.begin(), numbers.end()}; }

/// The columns of `width` that are not in `columns`.
std::vector<std::int32_t> others(const std::vector<std::int32_t>& columns, std::size_t width) {
  std::vector<bool> taken(width);
  for (const std::int32_t column : columns) taken[static_cast<std::size_t>(column)] = true;
  std::vector<std::int32_t> rest;
  for (std::size_t column = 0; column < width; ++column) {
    if (!taken[column]) rest.push_back(static_cast<std::int32_t>(column));
  }
  return rest;
}

}  // namespace

CppPreparation cpp_preparation(const native::TransformChain& chain) {
  CppPreparation text;
  text.width = chain.features();
  for (std::size_t i = 0; i < chain.steps().size(); ++i) {
    const native::TransformStep& step = chain.steps()[i];
    const std::string number_of_step = std::to_string(i), name = "t" + number_of_step + "_", own = "detail::" + name;
    if (step.type == "quantile") {
      if (is_set(step, "output", "normal")) throw ModelError("a quantile transform to a normal distribution can't be written as a C++ header");
      if (text.declarations.find(quantile_function) == std::string::npos) text.declarations += quantile_function;
    }
    const bool picks = step.arrays.contains("columns");
    const std::vector<std::int32_t> columns = picks ? indices(numbers_of(step, "columns")) : std::vector<std::int32_t>();
    const std::size_t count = picks ? columns.size() : text.width;
    for (const auto& [array_name, values] : step.arrays) {
      const bool whole = array_name == "columns" || array_name == "counts";
      text.declarations += whole ? array(name + array_name, indices(values)) : array(name + array_name, values);
    }
    const std::string column = picks ? own + "columns[i]" : "i";
    if (const std::string change = change_of(step, own, count); !change.empty()) {
      text.statements += loop(count, "{ double& v = " + text.result + "[" + column + "]; " + change + "}");
      continue;
    }
    // The others first, then the new columns; decorrelation's take the places of the old ones.
    const std::string before = text.result, from = "q" + number_of_step;
    std::string to = before + "[" + column + "]";
    std::size_t made = count;
    if (!step.names.empty()) {
      made = step.names.size();
      const std::vector<std::int32_t> rest = picks ? others(columns, text.width) : std::vector<std::int32_t>();
      text.width = rest.size() + made;
      text.result = "p" + std::to_string(i + 1);
      text.statements += "  double " + text.result + "[" + std::to_string(text.width) + "];\n";
      if (!rest.empty()) {
        text.declarations += array(name + "others", rest);
        text.statements += loop(rest.size(), text.result + "[i] = " + before + "[" + own + "others[i]];");
      }
      to = text.result + "[" + std::to_string(rest.size()) + " + i]";
    }
    if (step.type == "onehot") {
      std::vector<std::int32_t> source;
      for (std::size_t k = 0; k < count; ++k) {
        source.insert(source.end(), static_cast<std::size_t>(numbers_of(step, "counts")[k]), picks ? columns[k] : static_cast<std::int32_t>(k));
      }
      text.declarations += array(name + "source", source);
      text.statements += loop(made, to + " = " + before + "[" + own + "source[i]] == " + own + "categories[i] ? 1 : 0;");
    } else if (step.type == "decorrelate" || step.type == "pca") {
      const std::string width = std::to_string(count), matrix = own + (step.type == "pca" ? "components" : "matrix");
      text.statements += "  double " + from + "[" + width + "];\n" + loop(count, from + "[i] = " + before + "[" + column + "] - " + own + "mean[i];");
      text.statements += loop(made, "{\n    double sum = 0;\n    for (std::size_t k = 0; k < " + width + "; ++k) sum += " + from + "[k] * " + matrix +
                                        "[i * " + width + " + k];\n    " + to + " = sum;\n  }");
    } else {
      throw ModelError("the transform '" + step.type + "' can't be written as a C++ header");
    }
  }
  return text;
}

}  // namespace ophion
