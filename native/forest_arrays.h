/// Trees as they lie in a model file, and the check that they can be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "link_function.h"

namespace ophion::native {

/// What becomes of the numbers of an event's leaves, before scale and link.
enum class Join { sum, weighted_median };

inline std::optional<Join> join_named(std::string_view name) noexcept {
  if (name == "sum") return Join::sum;
  if (name == "weighted_median") return Join::weighted_median;
  return std::nullopt;
}

/// Every numeric split reads `x <= threshold ? left : right`, in float32, whatever its trainer's own rule was: the exporter moves the
/// threshold to the float that means the same. A categorical split sends the categories of its set to the left.
struct ForestArrays {
  std::size_t features = 0;
  std::size_t outputs = 0;
  std::vector<std::int32_t> roots;         ///< the first node of each tree
  std::vector<std::int32_t> tree_output;   ///< the output to which a tree adds; empty: each leaf has a number for every output
  std::vector<std::int32_t> feature;       ///< of each node; -1: a leaf
  std::vector<float> threshold;            ///< of each node; of a leaf and of a categorical split: unused
  std::vector<std::int32_t> left, right;   ///< nodes; of a leaf: `left` is its row in `values`
  std::vector<std::int32_t> missing_left;  ///< of each node: 1 when NaN goes left; empty: NaN is refused
  std::vector<std::int32_t> category_set;  ///< of each node: the number of its set, -1: no categorical split; empty: there are none
  std::vector<std::int32_t> set_first;     ///< one more than there are sets: set s has the words from set_first[s] to set_first[s + 1]
  std::vector<std::int32_t> set_words;     ///< bit c % 32 of a set's word c / 32: category c goes left
  std::vector<std::int32_t> other_left;    ///< of each node: 1 when a category beyond the words, or below 0, goes left
  std::vector<double> values;              ///< leaves × (1 or outputs)
  std::vector<double> base;                ///< one an output
  double scale = 1;                        ///< base + scale × (the trees joined) goes into the link
  Join join = Join::sum;
  std::vector<double> tree_weight;         ///< of each tree: its weight in a median, which is of one output
  Link link = Link::identity;

  /// Numbers that a leaf has.
  std::size_t width() const noexcept { return tree_output.empty() ? outputs : 1; }
};

/// What the check of a tree finds out besides.
struct TreeShape {
  std::size_t leaves = 0;
  std::size_t depth = 0;
  bool categories = false;  ///< some split is categorical
  double most = 0;          ///< no number of a leaf is farther from zero
};

/// The shape of each tree. Throws std::invalid_argument for whatever can't be scored: a child, feature or set out of range, a node that
/// two ways or none lead to, a threshold or value that is no number or too large for a float32, arrays that don't fit each other.
std::vector<TreeShape> check_forest(const ForestArrays& arrays);

/// The values in float32, and so that sums of one leaf from each tree, in double, are exact: they are the same in whatever order an
/// engine adds. For that, each is a multiple of a unit of which the largest possible sum has less than 2^53: far below what float32 drops.
std::vector<float> summable_values(const ForestArrays& arrays, const std::vector<TreeShape>& shapes);

}  // namespace ophion::native
