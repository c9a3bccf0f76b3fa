/// Trees laid out for walking, and the walks.
#include "forest.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace ophion::native {
namespace {

constexpr std::size_t side_by_side = 8;  // walks at once: enough to hide the wait for memory
constexpr std::size_t small_block = 256;  // events for which one tree after another is walked; they stay in the cache
constexpr std::size_t large_block = 4096;  // for forests that don't fit into the cache themselves
constexpr std::size_t large_forest = std::size_t{1} << 17;  // nodes

[[noreturn]] void refuse(const std::string& problem) { throw std::invalid_argument("forest: " + problem); }

std::string node_name(std::size_t node) { return "node " + std::to_string(node); }

void demand_sizes(const ForestArrays& arrays) {
  const std::size_t nodes = arrays.feature.size();
  if (arrays.features == 0 || arrays.outputs == 0) refuse("no features or no outputs");
  if (arrays.roots.empty()) refuse("no trees");
  if (nodes == 0 || nodes > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) refuse("no nodes, or too many");
  if (arrays.threshold.size() != nodes || arrays.left.size() != nodes || arrays.right.size() != nodes ||
      (!arrays.missing_left.empty() && arrays.missing_left.size() != nodes)) {
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
  const std::size_t width = arrays.tree_output.empty() ? arrays.outputs : 1;
  if (arrays.values.size() % width != 0) refuse("values are not whole rows");
}

}  // namespace

Forest::Forest(const ForestArrays& arrays)
    : features_(arrays.features),
      takes_missing_(!arrays.missing_left.empty()),
      leaf_rows_(arrays.tree_output.empty()),
      values_(arrays.values),
      base_(arrays.base),
      scale_(arrays.scale),
      link_(arrays.link) {
  demand_sizes(arrays);
  const std::size_t count = arrays.feature.size();
  const std::size_t rows = arrays.values.size() / (leaf_rows_ ? arrays.outputs : 1);
  constexpr float never_greater = std::numeric_limits<float>::quiet_NaN();
  std::vector<bool> seen(count, false);
  nodes_.reserve(count);
  leaf_.reserve(count);
  struct Step {
    std::size_t from;  // in the arrays
    std::uint32_t to;  // in nodes_
    std::uint32_t depth;
  };
  std::vector<Step> open;
  const auto visit = [&](std::int32_t node, const std::string& by) {
    if (node < 0 || static_cast<std::size_t>(node) >= count) refuse(by + " leads to node " + std::to_string(node));
    if (seen[static_cast<std::size_t>(node)]) refuse(by + " leads to node " + std::to_string(node) + ", where another way leads too");
    seen[static_cast<std::size_t>(node)] = true;
    return static_cast<std::size_t>(node);
  };
  const auto place = [&](std::size_t how_many) {
    const auto first = static_cast<std::uint32_t>(nodes_.size());
    nodes_.resize(nodes_.size() + how_many);
    leaf_.resize(nodes_.size());
    missing_left_.resize(nodes_.size());
    return first;
  };
  for (std::size_t tree = 0; tree < arrays.roots.size(); ++tree) {
    Root root{place(1), 0, leaf_rows_ ? 0 : static_cast<std::uint32_t>(arrays.tree_output[tree])};
    open.push_back({visit(arrays.roots[tree], "tree " + std::to_string(tree)), root.node, 0});
    while (!open.empty()) {  // depth first, so that the nodes of a way lie near each other
      const Step step = open.back();
      open.pop_back();
      root.depth = std::max(root.depth, step.depth);
      const std::int32_t feature = arrays.feature[step.from];
      if (feature < 0) {
        const std::int32_t row = arrays.left[step.from];
        if (row < 0 || static_cast<std::size_t>(row) >= rows) refuse(node_name(step.from) + " has no value");
        nodes_[step.to] = {never_greater, step.to, 0};
        leaf_[step.to] = static_cast<std::uint32_t>(row);
        continue;
      }
      if (static_cast<std::size_t>(feature) >= features_) refuse(node_name(step.from) + " asks for feature " + std::to_string(feature));
      if (std::isnan(arrays.threshold[step.from])) refuse(node_name(step.from) + " has no threshold");
      const std::size_t left = visit(arrays.left[step.from], node_name(step.from));
      const std::size_t right = visit(arrays.right[step.from], node_name(step.from));
      const std::uint32_t children = place(2);
      nodes_[step.to] = {arrays.threshold[step.from], children, static_cast<std::uint32_t>(feature)};
      if (takes_missing_) missing_left_[step.to] = arrays.missing_left[step.from] != 0;
      open.push_back({right, children + 1, step.depth + 1});
      open.push_back({left, children, step.depth + 1});
    }
    roots_.push_back(root);
  }
  if (nodes_.size() != count) refuse("nodes to which no way leads");
  std::stable_sort(roots_.begin(), roots_.end(), [](const Root& a, const Root& b) { return a.depth < b.depth; });
}

/// `width` walks at once, from `at` to their leaves.
template <std::size_t width>
void Forest::walk(std::uint32_t depth, const float* const (&events)[width], std::uint32_t (&at)[width]) const noexcept {
  constexpr std::uint32_t steps = 4;  // between two looks at whether all have arrived
  const Node* const nodes = nodes_.data();
  for (std::uint32_t done = 0; done < depth; done += steps) {
    for (std::uint32_t step = 0; step < steps; ++step) {
#pragma GCC unroll 16
      for (std::size_t k = 0; k < width; ++k) {
        const Node node = nodes[at[k]];
        at[k] = node.left + static_cast<std::uint32_t>(events[k][node.feature] > node.threshold);
      }
    }
    bool walking = false;
#pragma GCC unroll 16
    for (std::size_t k = 0; k < width; ++k) walking |= nodes[at[k]].left != at[k];
    if (!walking) return;
  }
}

std::uint32_t Forest::walk_with_missing(std::uint32_t node, const float* event) const noexcept {
  while (nodes_[node].left != node) {
    const float x = event[nodes_[node].feature];
    const bool left = std::isnan(x) ? missing_left_[node] != 0 : x <= nodes_[node].threshold;
    node = nodes_[node].left + (left ? 0 : 1);
  }
  return node;
}

void Forest::add(std::uint32_t node, std::uint32_t output, double* sums) const noexcept {
  const double* const value = &values_[leaf_[node] * (leaf_rows_ ? base_.size() : 1)];
  if (!leaf_rows_) {
    sums[output] += *value;
    return;
  }
  for (std::size_t i = 0; i < base_.size(); ++i) sums[i] += value[i];
}

/// The trees side by side.
void Forest::one_event(const float* event, double* sums) const noexcept {
  const float* events[side_by_side];
  std::fill(std::begin(events), std::end(events), event);
  std::size_t tree = 0;
  for (; tree + side_by_side <= roots_.size(); tree += side_by_side) {
    std::uint32_t at[side_by_side];
    for (std::size_t k = 0; k < side_by_side; ++k) at[k] = roots_[tree + k].node;
    walk(roots_[tree + side_by_side - 1].depth, events, at);
    for (std::size_t k = 0; k < side_by_side; ++k) add(at[k], roots_[tree + k].output, sums);
  }
  for (; tree < roots_.size(); ++tree) {
    const float* const only[1] = {event};
    std::uint32_t at[1] = {roots_[tree].node};
    walk(roots_[tree].depth, only, at);
    add(at[0], roots_[tree].output, sums);
  }
}

/// One tree after another, its events side by side.
void Forest::block(const float* const* events, std::size_t count, double* sums) const noexcept {
  const std::size_t outputs = base_.size();
  for (const Root& root : roots_) {
    std::size_t i = 0;
    for (; i + side_by_side <= count; i += side_by_side) {
      const float* some[side_by_side];
      std::uint32_t at[side_by_side];
      for (std::size_t k = 0; k < side_by_side; ++k) {
        some[k] = events[i + k];
        at[k] = root.node;
      }
      walk(root.depth, some, at);
      for (std::size_t k = 0; k < side_by_side; ++k) add(at[k], root.output, sums + (i + k) * outputs);
    }
    for (; i < count; ++i) {
      const float* const only[1] = {events[i]};
      std::uint32_t at[1] = {root.node};
      walk(root.depth, only, at);
      add(at[0], root.output, sums + i * outputs);
    }
  }
}

void Forest::finish(const double* sums, float* out) const noexcept {
  constexpr std::size_t few = 16;
  double some[few];
  thread_local std::vector<double> many;
  double* total = some;
  if (base_.size() > few) {
    if (many.size() < base_.size()) many.resize(base_.size());
    total = many.data();
  }
  for (std::size_t i = 0; i < base_.size(); ++i) total[i] = base_[i] + scale_ * sums[i];
  apply_link(link_, total, base_.size(), out);
}

/// A thread's own memory, kept for its next call.
struct Forest::Scratch {
  std::vector<float> rows;  // of events whose features are not side by side
  std::vector<const float*> events;
  std::vector<double> sums;
};

std::size_t Forest::score(const float* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows,
                          float* out) const {
  thread_local Scratch scratch;
  const std::size_t outputs = base_.size();
  const std::size_t most = std::min(rows, nodes_.size() > large_forest ? large_block : small_block);
  if (scratch.events.size() < most) scratch.events.resize(most);
  if (scratch.sums.size() < most * outputs) scratch.sums.resize(most * outputs);
  if (column_stride != 1 && scratch.rows.size() < most * features_) scratch.rows.resize(most * features_);
  for (std::size_t first = 0; first < rows; first += most) {
    const std::size_t count = std::min(most, rows - first);
    std::size_t whole = 0;  // events without NaN
    std::fill_n(scratch.sums.begin(), count * outputs, 0.0);
    for (std::size_t i = 0; i < count; ++i) {
      const float* event = in + static_cast<std::ptrdiff_t>(first + i) * row_stride;
      if (column_stride != 1) {
        float* const copy = &scratch.rows[i * features_];
        for (std::size_t j = 0; j < features_; ++j) copy[j] = event[static_cast<std::ptrdiff_t>(j) * column_stride];
        event = copy;
      }
      scratch.events[i] = event;
      bool missing = false;
      for (std::size_t j = 0; j < features_; ++j) missing |= event[j] != event[j];
      if (!missing) {
        ++whole;
        continue;
      }
      if (!takes_missing_) return first + i;
    }
    if (whole == count) {
      if (count == 1) {
        one_event(scratch.events[0], scratch.sums.data());
      } else {
        block(scratch.events.data(), count, scratch.sums.data());
      }
    } else {
      for (std::size_t i = 0; i < count; ++i) {
        for (const Root& root : roots_) {
          add(walk_with_missing(root.node, scratch.events[i]), root.output, &scratch.sums[i * outputs]);
        }
      }
    }
    for (std::size_t i = 0; i < count; ++i) finish(&scratch.sums[i * outputs], out + (first + i) * outputs);
  }
  return rows;
}

}  // namespace ophion::native
