/// The layout for walks, and the walks: side by side, so that one waits for memory while others go on.
#include "walked_trees.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>

namespace ophion::native {
namespace {

constexpr std::size_t small_forest = std::size_t{1} << 20;  // bytes: what stays in a processor's second cache
constexpr std::size_t small_block = 256;                    // events, which stay in the first cache
constexpr std::size_t large_block = 16384;                  // for forests of which one tree at a time fits into a cache
constexpr std::size_t block_bytes = std::size_t{4} << 20;   // of events, at most

}  // namespace

WalkedTrees::WalkedTrees(const ForestArrays& arrays, const std::vector<TreeShape>& shapes, const std::vector<float>& values,
                         const std::vector<std::size_t>& which)
    : features_(arrays.features), width_(arrays.width()) {
  if (which.empty()) return;
  std::size_t count = 0;
  bool categories = false;
  for (const std::size_t tree : which) {
    count += 2 * shapes[tree].leaves - 1;
    categories = categories || shapes[tree].categories;
  }
  if (!arrays.missing_left.empty()) missing_left_.resize(count);
  if (categories) {
    category_set_.assign(count, -1);
    other_left_.resize(count);
    set_first_ = arrays.set_first;
    set_words_.assign(arrays.set_words.begin(), arrays.set_words.end());
  }
  if (width_ > 1) values_ = values;
  if (features_ <= SmallNode::most_features && count <= SmallNode::most_nodes) {
    place(nodes_.emplace<AlignedVector<SmallNode>>(count), arrays, shapes, values, which);
  } else {
    place(nodes_.emplace<AlignedVector<LargeNode>>(count), arrays, shapes, values, which);
  }
  const std::size_t fitting = block_bytes / (sizeof(float) * (features_ + 1)) / side_by_side * side_by_side;
  block_rows_ = count * sizeof(SmallNode) <= small_forest ? small_block : std::clamp(fitting, small_block, large_block);
}

template <class Node>
void WalkedTrees::place(AlignedVector<Node>& nodes, const ForestArrays& arrays, const std::vector<TreeShape>& shapes,
                        const std::vector<float>& values, const std::vector<std::size_t>& which) {
  struct Step {
    std::size_t from;  // in the arrays
    std::uint32_t to;  // in nodes
  };
  std::vector<Step> open;
  std::uint32_t next = 0;
  std::vector<std::size_t> order = which;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return shapes[a].categories != shapes[b].categories ? shapes[b].categories : shapes[a].depth < shapes[b].depth;
  });
  for (const std::size_t tree : order) {
    roots_.push_back({next, static_cast<std::uint32_t>(shapes[tree].depth),
                      arrays.tree_output.empty() ? 0 : static_cast<std::uint32_t>(arrays.tree_output[tree])});
    if (!shapes[tree].categories) ++numeric_;
    open.push_back({static_cast<std::size_t>(arrays.roots[tree]), next++});
    while (!open.empty()) {  // depth first, so that the nodes of a way lie near each other
      const Step step = open.back();
      open.pop_back();
      const std::int32_t feature = arrays.feature[step.from];
      const auto left = static_cast<std::size_t>(arrays.left[step.from]);
      if (feature < 0) {
        const float leaf = width_ == 1 ? values[left] : std::bit_cast<float>(static_cast<std::uint32_t>(left));
        nodes[step.to] = Node(leaf, step.to, static_cast<std::uint32_t>(features_));
        continue;
      }
      nodes[step.to] = Node(arrays.threshold[step.from], next, static_cast<std::uint32_t>(feature));
      if (!missing_left_.empty()) missing_left_[step.to] = arrays.missing_left[step.from] != 0;
      if (!category_set_.empty()) {
        category_set_[step.to] = arrays.category_set[step.from];
        other_left_[step.to] = arrays.other_left[step.from] != 0;
      }
      open.push_back({static_cast<std::size_t>(arrays.right[step.from]), next + 1});
      open.push_back({left, next});
      next += 2;
    }
  }
}

void WalkedTrees::add(float leaf, std::uint32_t output, double* sums) const noexcept {
  if (width_ == 1) {
    sums[output] += static_cast<double>(leaf);
    return;
  }
  const float* const value = &values_[std::bit_cast<std::uint32_t>(leaf) * width_];
  for (std::size_t i = 0; i < width_; ++i) sums[i] += static_cast<double>(value[i]);
}

/// `width` walks at once, from `at` to their leaves.
template <class Node, std::size_t width>
void WalkedTrees::walk(const Node* nodes, std::uint32_t depth, const float* const (&events)[width], std::uint32_t (&at)[width]) const noexcept {
  constexpr std::uint32_t steps = 4;  // between two looks at whether all have arrived
  for (std::uint32_t done = 0; done < depth; done += steps) {
    for (std::uint32_t step = 0; step < steps; ++step) {
#pragma GCC unroll 16
      for (std::size_t k = 0; k < width; ++k) {
        const Node node = nodes[at[k]];
        at[k] = node.left() + static_cast<std::uint32_t>(events[k][node.feature()] > node.threshold());
      }
    }
    if (depth <= 2 * steps) continue;
    std::uint32_t walking = 0;
#pragma GCC unroll 16
    for (std::size_t k = 0; k < width; ++k) walking |= nodes[at[k]].left() ^ at[k];
    if (walking == 0) return;
  }
}

/// With a look at what each node is and at missing values.
template <class Node>
void WalkedTrees::walk_slowly(const Node* nodes, const Root& root, const WalkedEvent& event) const noexcept {
  std::uint32_t at = root.node;
  while (nodes[at].left() != at) {
    const float x = event.features[nodes[at].feature()];
    bool left = x <= nodes[at].threshold();
    if (std::isnan(x)) {
      left = missing_left_[at] != 0;
    } else if (!category_set_.empty() && category_set_[at] >= 0) {
      const auto set = static_cast<std::size_t>(category_set_[at]);
      const auto first = static_cast<std::size_t>(set_first_[set]);
      const auto words = static_cast<std::size_t>(set_first_[set + 1]) - first;
      constexpr float beyond_all = 2147483648.0f;  // of any 32-bit number
      left = other_left_[at] != 0;
      if (x > -1 && x < beyond_all) {
        const auto category = static_cast<std::uint32_t>(x);  // toward zero
        if (category / 32 < words) left = (set_words_[first + category / 32] >> category % 32 & 1u) != 0;
      }
    }
    at = nodes[at].left() + (left ? 0 : 1);
  }
  add(nodes[at].threshold(), root.output, event.sums);
}

void WalkedTrees::add_one(const WalkedEvent& event) const noexcept {
  std::visit([&](const auto& all) {
    const auto* const nodes = all.data();
    const float* events[side_by_side];
    std::fill(std::begin(events), std::end(events), event.features);
    std::size_t tree = 0;
    for (; tree + side_by_side <= numeric_; tree += side_by_side) {
      std::uint32_t at[side_by_side];
      for (std::size_t k = 0; k < side_by_side; ++k) at[k] = roots_[tree + k].node;
      walk(nodes, roots_[tree + side_by_side - 1].depth, events, at);
      for (std::size_t k = 0; k < side_by_side; ++k) add(nodes[at[k]].threshold(), roots_[tree + k].output, event.sums);
    }
    for (; tree < numeric_; ++tree) {
      const float* const only[1] = {event.features};
      std::uint32_t at[1] = {roots_[tree].node};
      walk(nodes, roots_[tree].depth, only, at);
      add(nodes[at[0]].threshold(), roots_[tree].output, event.sums);
    }
    for (; tree < roots_.size(); ++tree) walk_slowly(nodes, roots_[tree], event);
  }, nodes_);
}

/// One tree after another, its events side by side.
void WalkedTrees::add_all(std::span<const WalkedEvent> events) const noexcept {
  std::visit([&](const auto& all) {
    const auto* const nodes = all.data();
    for (std::size_t tree = 0; tree < roots_.size(); ++tree) {
      const Root& root = roots_[tree];
      if (tree >= numeric_) {
        for (const WalkedEvent& event : events) walk_slowly(nodes, root, event);
        continue;
      }
      for (std::size_t i = 0; i < events.size(); i += side_by_side) {
        const float* some[side_by_side];
        std::uint32_t at[side_by_side];
        for (std::size_t k = 0; k < side_by_side; ++k) {
          some[k] = events[i + k].features;
          at[k] = root.node;
        }
        walk(nodes, root.depth, some, at);
        for (std::size_t k = 0; k < side_by_side; ++k) add(nodes[at[k]].threshold(), root.output, events[i + k].sums);
      }
    }
  }, nodes_);
}

void WalkedTrees::add_missing(const WalkedEvent& event) const noexcept {
  std::visit([&](const auto& all) {
    for (const Root& root : roots_) walk_slowly(all.data(), root, event);
  }, nodes_);
}

}  // namespace ophion::native
