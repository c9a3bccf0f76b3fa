/// Trees of any size, walked from the root: the engine of deep trees and of categorical splits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "aligned.h"
#include "forest_arrays.h"

namespace ophion::native {

/// An event to walk: `features` numbers and one more, minus infinity, to which leaves look.
struct WalkedEvent {
  const float* features;
  double* sums;  ///< one an output, to which its leaves are added
};

/// A node in 8 bytes: for up to 255 features and 2^24 nodes.
class SmallNode {
 public:
  static constexpr std::size_t most_features = 255, most_nodes = std::size_t{1} << 24;
  SmallNode() = default;
  SmallNode(float threshold, std::uint32_t left, std::uint32_t feature) noexcept
      : bits_(std::uint64_t{left} << 40 | std::uint64_t{feature} << 32 | std::bit_cast<std::uint32_t>(threshold)) {}
  float threshold() const noexcept { return std::bit_cast<float>(static_cast<std::uint32_t>(bits_)); }
  std::uint32_t left() const noexcept { return static_cast<std::uint32_t>(bits_ >> 40); }
  std::uint32_t feature() const noexcept { return static_cast<std::uint32_t>(bits_ >> 32) & 255u; }

 private:
  std::uint64_t bits_ = 0;  // of the left child, the feature and the threshold: fetched at once
};

class LargeNode {
 public:
  LargeNode() = default;
  LargeNode(float threshold, std::uint32_t left, std::uint32_t feature) noexcept : threshold_(threshold), left_(left), feature_(feature) {}
  float threshold() const noexcept { return threshold_; }
  std::uint32_t left() const noexcept { return left_; }
  std::uint32_t feature() const noexcept { return feature_; }

 private:
  float threshold_ = 0;
  std::uint32_t left_ = 0;
  std::uint32_t feature_ = 0;
};

class WalkedTrees {
 public:
  /// Events walked side by side: add_all() takes multiples of it.
  static constexpr std::size_t side_by_side = 8;

  WalkedTrees() = default;
  /// Of a checked forest the trees `which`; `values` are its summable_values().
  WalkedTrees(const ForestArrays& arrays, const std::vector<TreeShape>& shapes, const std::vector<float>& values,
              const std::vector<std::size_t>& which);

  bool empty() const noexcept { return roots_.empty(); }
  /// How many events are best walked together, so that each tree is fetched once for many and events stay in the cache.
  std::size_t block_rows() const noexcept { return block_rows_; }

  /// Adds the leaves of one event, which has no NaN.
  void add_one(const WalkedEvent& event) const noexcept;
  /// Adds the leaves of events without NaN.
  void add_all(std::span<const WalkedEvent> events) const noexcept;
  /// Adds the leaves of an event that may have NaN.
  void add_missing(const WalkedEvent& event) const noexcept;

 private:
  struct Root {
    std::uint32_t node;
    std::uint32_t depth;
    std::uint32_t output;
  };
  template <class Node>
  void place(AlignedVector<Node>& nodes, const ForestArrays& arrays, const std::vector<TreeShape>& shapes,
             const std::vector<float>& values, const std::vector<std::size_t>& which);
  void add(float leaf, std::uint32_t output, double* sums) const noexcept;
  template <class Node, std::size_t width>
  void walk(const Node* nodes, std::uint32_t depth, const float* const (&events)[width], std::uint32_t (&at)[width]) const noexcept;
  template <class Node>
  void walk_slowly(const Node* nodes, const Root& root, const WalkedEvent& event) const noexcept;

  std::size_t features_ = 0;
  std::size_t width_ = 0;       ///< numbers of a leaf
  std::size_t block_rows_ = 0;
  std::size_t numeric_ = 0;     ///< so many of roots_ have no categorical splits: they come first
  std::vector<Root> roots_;     ///< by depth, so that trees walked side by side are equally deep
  /// Children lie side by side: right = left + 1. A leaf leads to itself, since minus infinity is not greater than whatever its
  /// threshold says: walks of different length need no branch. A leaf's threshold is its value, or the bits of its row in values_.
  std::variant<AlignedVector<SmallNode>, AlignedVector<LargeNode>> nodes_;
  std::vector<float> values_;   ///< of leaves with more than one number
  std::vector<std::uint8_t> missing_left_;
  std::vector<std::int32_t> category_set_;  ///< of each node; empty: no categorical splits
  std::vector<std::uint8_t> other_left_;
  std::vector<std::int32_t> set_first_;
  std::vector<std::uint32_t> set_words_;
};

}  // namespace ophion::native
