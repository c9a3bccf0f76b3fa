/// The check of a forest's arrays: whatever passes it is walked without another look.
#include "forest_arrays.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace ophion::native {
namespace {

[[noreturn]] void refuse(const std::string& problem) { throw std::invalid_argument("forest: " + problem); }

std::string node_name(std::size_t node) { return "node " + std::to_string(node); }

void demand_sizes(const ForestArrays& arrays) {
  const std::size_t nodes = arrays.feature.size();
  const auto wrong = [nodes](const std::vector<std::int32_t>& optional) { return !optional.empty() && optional.size() != nodes; };
  if (arrays.features == 0 || arrays.outputs == 0) refuse("no features or no outputs");
  if (arrays.roots.empty()) refuse("no trees");
  if (nodes == 0 || nodes > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) refuse("no nodes, or too many");
  if (arrays.threshold.size() != nodes || arrays.left.size() != nodes || arrays.right.size() != nodes || wrong(arrays.missing_left) ||
      wrong(arrays.category_set) || wrong(arrays.other_left)) {
    refuse("arrays of nodes of different lengths");
  }
  if (!arrays.tree_output.empty() && arrays.tree_output.size() != arrays.roots.size()) refuse("tree_output is not one number a tree");
  for (const std::int32_t output : arrays.tree_output) {
    if (output < 0 || static_cast<std::size_t>(output) >= arrays.outputs) refuse("a tree of output " + std::to_string(output));
  }
  if (arrays.base.size() != arrays.outputs) refuse("base is not one number an output");
  const auto finite = [](double number) { return std::isfinite(number); };
  if (!std::all_of(arrays.base.begin(), arrays.base.end(), finite) || !finite(arrays.scale) ||
      !std::all_of(arrays.values.begin(), arrays.values.end(), finite)) {
    refuse("a value that is not finite");
  }
  const auto too_large = [](double number) { return std::fabs(number) > static_cast<double>(std::numeric_limits<float>::max()); };
  if (std::any_of(arrays.values.begin(), arrays.values.end(), too_large)) refuse("a value that is too large for a float32");
  if (arrays.values.size() % arrays.width() != 0) refuse("values are not whole rows");
}

/// The weights of a median, where there is one.
void demand_weights(const ForestArrays& arrays) {
  if (arrays.join != Join::weighted_median) {
    if (!arrays.tree_weight.empty()) refuse("tree_weight without a weighted median");
    return;
  }
  if (arrays.outputs != 1) refuse("a weighted median of " + std::to_string(arrays.outputs) + " outputs");
  if (arrays.tree_weight.size() != arrays.roots.size()) refuse("tree_weight is not one number a tree");
  for (const double weight : arrays.tree_weight) {
    if (!std::isfinite(weight) || weight < 0) refuse("a tree of weight " + std::to_string(weight));
  }
}

/// The sets of categories, all or none.
void demand_sets(const ForestArrays& arrays) {
  if (arrays.category_set.empty()) {
    if (!arrays.set_first.empty() || !arrays.set_words.empty() || !arrays.other_left.empty()) refuse("sets of categories without category_set");
    return;
  }
  if (arrays.other_left.empty() || arrays.missing_left.empty()) refuse("category_set without other_left or missing_left");
  const auto words = static_cast<std::int64_t>(arrays.set_words.size());
  if (arrays.set_first.empty() || arrays.set_first.front() != 0 || arrays.set_first.back() != words) {
    refuse("set_first does not span the " + std::to_string(words) + " words of sets");
  }
  if (!std::is_sorted(arrays.set_first.begin(), arrays.set_first.end())) refuse("set_first descends");
}

class Check {
 public:
  explicit Check(const ForestArrays& arrays)
      : arrays_(arrays), rows_(arrays.values.size() / arrays.width()), seen_(arrays.feature.size(), false) {}

  TreeShape tree(std::size_t number) {
    TreeShape shape;
    open_.push_back({visit(arrays_.roots[number], "tree " + std::to_string(number)), 0});
    while (!open_.empty()) {
      const auto [node, depth] = open_.back();
      open_.pop_back();
      shape.depth = std::max(shape.depth, depth);
      if (arrays_.feature[node] < 0) {
        leaf(node, shape);
        continue;
      }
      split(node, shape);
      open_.push_back({visit(arrays_.right[node], node_name(node)), depth + 1});
      open_.push_back({visit(arrays_.left[node], node_name(node)), depth + 1});
    }
    return shape;
  }

  bool seen_all() const noexcept { return visited_ == seen_.size(); }

 private:
  std::size_t visit(std::int32_t node, const std::string& by) {
    if (node < 0 || static_cast<std::size_t>(node) >= seen_.size()) refuse(by + " leads to node " + std::to_string(node));
    if (seen_[static_cast<std::size_t>(node)]) refuse(by + " leads to node " + std::to_string(node) + ", where another way leads too");
    seen_[static_cast<std::size_t>(node)] = true;
    ++visited_;
    return static_cast<std::size_t>(node);
  }

  bool categorical(std::size_t node) const { return !arrays_.category_set.empty() && arrays_.category_set[node] != -1; }

  void leaf(std::size_t node, TreeShape& shape) const {
    const std::int32_t row = arrays_.left[node];
    if (row < 0 || static_cast<std::size_t>(row) >= rows_) refuse(node_name(node) + " has no value");
    if (categorical(node)) refuse(node_name(node) + " is a leaf with a set of categories");
    ++shape.leaves;
    for (std::size_t i = 0; i < arrays_.width(); ++i) {
      shape.most = std::max(shape.most, std::fabs(arrays_.values[static_cast<std::size_t>(row) * arrays_.width() + i]));
    }
  }

  void split(std::size_t node, TreeShape& shape) const {
    const std::int32_t feature = arrays_.feature[node];
    if (static_cast<std::size_t>(feature) >= arrays_.features) refuse(node_name(node) + " asks for feature " + std::to_string(feature));
    if (!categorical(node)) {
      if (std::isnan(arrays_.threshold[node])) refuse(node_name(node) + " has no threshold");
      return;
    }
    const std::int32_t set = arrays_.category_set[node];
    if (set < 0 || static_cast<std::size_t>(set) + 1 >= arrays_.set_first.size()) {
      refuse(node_name(node) + " asks for set " + std::to_string(set) + " of categories");
    }
    shape.categories = true;
  }

  struct Step {
    std::size_t node;
    std::size_t depth;
  };
  const ForestArrays& arrays_;
  std::size_t rows_;
  std::vector<bool> seen_;
  std::size_t visited_ = 0;
  std::vector<Step> open_;
};

}  // namespace

std::vector<TreeShape> check_forest(const ForestArrays& arrays) {
  demand_sizes(arrays);
  demand_weights(arrays);
  demand_sets(arrays);
  Check check(arrays);
  std::vector<TreeShape> shapes;
  shapes.reserve(arrays.roots.size());
  for (std::size_t tree = 0; tree < arrays.roots.size(); ++tree) shapes.push_back(check.tree(tree));
  if (!check.seen_all()) refuse("nodes to which no way leads");
  return shapes;
}

std::vector<float> summable_values(const ForestArrays& arrays, const std::vector<TreeShape>& shapes) {
  double most = 0;  // at which a sum can't arrive
  for (const TreeShape& shape : shapes) most += 1.001 * shape.most;
  constexpr int smallest = std::numeric_limits<float>::min_exponent - std::numeric_limits<float>::digits;  // every float32 is a multiple
  const int unit = std::max(smallest, std::ilogb(std::max(most, std::numeric_limits<double>::min())) + 1 - std::numeric_limits<double>::digits);
  const double up = std::ldexp(1.0, -unit), down = std::ldexp(1.0, unit);
  std::vector<float> values;
  values.reserve(arrays.values.size());
  for (const double value : arrays.values) {
    const auto rounded = static_cast<double>(static_cast<float>(value));
    values.push_back(static_cast<float>(std::nearbyint(rounded * up) * down));
  }
  return values;
}

}  // namespace ophion::native
