/// Made-up forests, and the plainest walk through them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "forest_arrays.h"

namespace ophion::native {

/// What a made-up forest looks like.
struct ForestPlan {
  std::size_t features = 5;
  std::size_t outputs = 1;
  bool leaf_rows = false;    ///< each leaf has a number for every output
  bool missing = true;       ///< NaN is taken
  bool categories = false;   ///< a third of the splits
  double infinite = 0.05;    ///< share of thresholds that are infinite
  bool median = false;       ///< the weighted median stands in the place of the sum
};

class ForestMaker {
 public:
  ForestMaker(const ForestPlan& plan, unsigned seed) : plan_(plan), random_(seed) {
    arrays.features = plan.features;
    arrays.outputs = plan.outputs;
    for (std::size_t i = 0; i < plan.outputs; ++i) arrays.base.push_back(normal());
    if (plan.categories) arrays.set_first = {0};
    if (plan.median) arrays.join = Join::weighted_median;
  }

  /// Adds a tree: of each split's leaves a random share lies left.
  void add_tree(std::size_t leaves) {
    if (!plan_.leaf_rows) arrays.tree_output.push_back(static_cast<std::int32_t>(random_() % plan_.outputs));
    arrays.roots.push_back(static_cast<std::int32_t>(arrays.feature.size()));
    if (plan_.median) arrays.tree_weight.push_back(std::fabs(normal()));
    add_node();
    struct Step {
      std::size_t node, leaves;
    };
    std::vector<Step> open{{arrays.feature.size() - 1, leaves}};
    while (!open.empty()) {
      const Step step = open.back();
      open.pop_back();
      if (step.leaves == 1) {
        arrays.left[step.node] = static_cast<std::int32_t>(arrays.values.size() / arrays.width());
        for (std::size_t i = 0; i < arrays.width(); ++i) arrays.values.push_back(std::round(4096 * normal()) / 4096);  // sums are exact
        continue;
      }
      split(step.node);
      const std::size_t left = 1 + random_() % (step.leaves - 1);
      arrays.left[step.node] = static_cast<std::int32_t>(arrays.feature.size());
      add_node();
      arrays.right[step.node] = static_cast<std::int32_t>(arrays.feature.size());
      add_node();
      open.push_back({static_cast<std::size_t>(arrays.left[step.node]), left});
      open.push_back({static_cast<std::size_t>(arrays.right[step.node]), step.leaves - left});
    }
  }

  /// Events among the thresholds: on them, right beside them, far away, infinite, and NaN where the forest takes it.
  std::vector<float> events(std::size_t count, double missing_share) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    std::vector<float> numbers;
    for (std::size_t i = 0; i < count * plan_.features; ++i) {
      const float threshold = arrays.threshold[random_() % arrays.threshold.size()];
      switch (random_() % 8) {
        case 0: numbers.push_back(threshold); break;
        case 1: numbers.push_back(std::nextafter(threshold, infinity)); break;
        case 2: numbers.push_back(std::nextafter(threshold, -infinity)); break;
        case 3: numbers.push_back(random_() % 2 == 0 ? infinity : -infinity); break;
        case 4: numbers.push_back(static_cast<float>(random_() % 90) - 10.5f); break;
        default: numbers.push_back(static_cast<float>(normal()));
      }
      if (plan_.missing && share() < missing_share) numbers.back() = std::numeric_limits<float>::quiet_NaN();
    }
    return numbers;
  }

  ForestArrays arrays;

 private:
  double normal() { return std::normal_distribution<double>()(random_); }
  double share() { return std::uniform_real_distribution<double>()(random_); }

  void add_node() {
    arrays.feature.push_back(-1);
    arrays.threshold.push_back(0);
    arrays.left.push_back(0);
    arrays.right.push_back(0);
    if (plan_.missing || plan_.categories) arrays.missing_left.push_back(0);
    if (plan_.categories) {
      arrays.category_set.push_back(-1);
      arrays.other_left.push_back(0);
    }
  }

  void split(std::size_t node) {
    arrays.feature[node] = static_cast<std::int32_t>(random_() % plan_.features);
    arrays.threshold[node] = static_cast<float>(normal());
    if (share() < plan_.infinite) arrays.threshold[node] = (random_() % 2 == 0 ? 1.0f : -1.0f) * std::numeric_limits<float>::infinity();
    if (!arrays.missing_left.empty()) arrays.missing_left[node] = static_cast<std::int32_t>(random_() % 2);
    if (!plan_.categories || random_() % 3 != 0) return;
    arrays.category_set[node] = static_cast<std::int32_t>(arrays.set_first.size() - 1);
    arrays.other_left[node] = static_cast<std::int32_t>(random_() % 2);
    for (std::size_t words = random_() % 4; words > 0; --words) arrays.set_words.push_back(static_cast<std::int32_t>(random_()));
    arrays.set_first.push_back(static_cast<std::int32_t>(arrays.set_words.size()));
  }

  ForestPlan plan_;
  std::mt19937 random_;
};

/// Whether an event goes left, as docs/native.md has it.
inline bool plain_left(const ForestArrays& arrays, std::size_t node, float x) {
  if (std::isnan(x)) return arrays.missing_left[node] != 0;
  if (arrays.category_set.empty() || arrays.category_set[node] < 0) return x <= arrays.threshold[node];
  const auto set = static_cast<std::size_t>(arrays.category_set[node]);
  const std::int32_t first = arrays.set_first[set];
  const std::int32_t words = arrays.set_first[set + 1] - first;
  const double category = std::trunc(static_cast<double>(x));
  if (category < 0 || category >= 32.0 * words) return arrays.other_left[node] != 0;
  const auto whole = static_cast<std::uint32_t>(category);
  return (static_cast<std::uint32_t>(arrays.set_words[static_cast<std::size_t>(first) + whole / 32]) >> whole % 32 & 1u) != 0;
}

/// As docs/native.md has it; a sort with weights beside the numbers.
inline double plain_median(std::vector<std::pair<double, double>> numbers) {
  std::stable_sort(numbers.begin(), numbers.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<double> below;
  for (const auto& [number, weight] : numbers) below.push_back((below.empty() ? 0.0 : below.back()) + weight);
  std::size_t first = 0;
  while (below[first] < below.back() / 2) ++first;
  return numbers[first].first;
}

/// Sums in double of the values as they are, or their median, before the link.
inline std::vector<double> plain_sums(const ForestArrays& arrays, const float* event) {
  std::vector<double> sums(arrays.outputs, 0.0);
  std::vector<std::pair<double, double>> weighted;
  for (std::size_t tree = 0; tree < arrays.roots.size(); ++tree) {
    auto node = static_cast<std::size_t>(arrays.roots[tree]);
    while (arrays.feature[node] >= 0) {
      const bool left = plain_left(arrays, node, event[arrays.feature[node]]);
      node = static_cast<std::size_t>(left ? arrays.left[node] : arrays.right[node]);
    }
    const auto row = static_cast<std::size_t>(arrays.left[node]);
    if (arrays.join == Join::weighted_median) {
      weighted.emplace_back(arrays.values[row], arrays.tree_weight[tree]);
    } else if (!arrays.tree_output.empty()) {
      sums[static_cast<std::size_t>(arrays.tree_output[tree])] += arrays.values[row];
    } else {
      for (std::size_t i = 0; i < arrays.outputs; ++i) sums[i] += arrays.values[row * arrays.outputs + i];
    }
  }
  if (!weighted.empty()) sums[0] = plain_median(weighted);
  for (std::size_t i = 0; i < arrays.outputs; ++i) sums[i] = arrays.base[i] + arrays.scale * sums[i];
  return sums;
}

}  // namespace ophion::native
