/// Comparing scores of one model by two ways.
#include "form_check.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <vector>

#include <ophion/error.h>

namespace ophion {
namespace {

constexpr std::size_t most_rows = 10'000;  // of each part
constexpr double tolerance = 1e-5;         // sums of float32 in another order; that trees take the same turns was proved at the export
constexpr std::size_t one_in = 7;          // number is missing, in the events made to have some

/// Empty when the scores agree.
std::string compare(const Model& form, const Model& own, const MatrixView& rows, const std::string& which) {
  return score_difference(form.predict(rows), own.predict(rows), own.outputs(), which);
}

}  // namespace

std::string score_difference(std::span<const float> ours, std::span<const float> theirs, std::size_t outputs,
                             const std::string& which) {
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const double a = double{ours[i]}, b = double{theirs[i]};
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    if (std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b))) continue;
    std::ostringstream text;
    text.precision(9);
    text << which << " " << i / outputs << " scores " << a << " in this form and " << b << " by its trainer";
    return text.str();
  }
  return "";
}

std::string form_difference(const Model& form, const Model& own, const Events& events) {
  constexpr std::pair<PartName, const char*> looked_at[] = {{PartName::train, "training event"}, {PartName::validation, "validation event"}};
  for (const auto& [name, which] : looked_at) {
    const MatrixView& all = events[name].features;
    const std::size_t rows = std::min(most_rows, all.rows());
    if (rows == 0) continue;
    if (const std::string difference = compare(form, own, all.slice(0, rows), which); !difference.empty()) return difference;
  }
  if (own.manifest().at("missing").as_text() != "keep") return "";
  const MatrixView& some = events[PartName::train].features;
  const std::size_t rows = std::min(most_rows / 10, some.rows());
  std::vector<float> holes(rows * some.columns());
  for (std::size_t i = 0; i < holes.size(); ++i) {
    holes[i] = i % one_in == 0 ? std::numeric_limits<float>::quiet_NaN() : some.at(i / some.columns(), i % some.columns());
  }
  const MatrixView with_holes(holes.data(), rows, some.columns());
  try {
    static_cast<void>(own.predict(with_holes));
  } catch (const PythonError&) {
    return "";  // its trainer takes no missing values: the native form refuses them too
  }
  return compare(form, own, with_holes, "with missing values, training event");
}

}  // namespace ophion
