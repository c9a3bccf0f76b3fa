/// Ensembles of decision trees: checked once, then scored from any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "link_function.h"

namespace ophion::native {

/// Trees as they lie in a model file. Every split reads `x <= threshold ? left : right`, in float32, whatever its trainer's own
/// rule was: the exporter moves the threshold to the float that means the same.
struct ForestArrays {
  std::size_t features = 0;
  std::size_t outputs = 0;
  std::vector<std::int32_t> roots;         ///< the first node of each tree
  std::vector<std::int32_t> tree_output;   ///< the output to which a tree adds; empty: each leaf has a number for every output
  std::vector<std::int32_t> feature;       ///< of each node; -1: a leaf
  std::vector<float> threshold;            ///< of each node; of a leaf: unused
  std::vector<std::int32_t> left, right;   ///< nodes; of a leaf: `left` is its row in `values`
  std::vector<std::int32_t> missing_left;  ///< of each node: 1 when NaN goes left; empty: NaN is refused
  std::vector<double> values;              ///< leaves × (1 or outputs)
  std::vector<double> base;                ///< one an output
  double scale = 1;                        ///< base + scale × (sum over the trees) goes into the link
  Link link = Link::identity;
};

class Forest {
 public:
  /// Throws std::invalid_argument for whatever can't be scored: a child or feature out of range, a node that two ways or none lead
  /// to, a threshold or value that is no number, arrays that don't fit each other.
  explicit Forest(const ForestArrays& arrays);

  std::size_t features() const noexcept { return features_; }
  std::size_t outputs() const noexcept { return base_.size(); }

  /// Scores rows (strides in elements): `out` gets rows × outputs. Allocates nothing after a thread's first call with as many
  /// rows. Returns the first row with a NaN where the trees take none (what is in `out` then means nothing), else `rows`.
  std::size_t score(const float* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows, float* out) const;

 private:
  /// Children lie side by side: right = left + 1. A leaf leads to itself, since no number is greater than its NaN threshold: walks
  /// of different length need no branch.
  struct Node {
    float threshold;
    std::uint32_t left;
    std::uint32_t feature;
  };
  /// A tree's place in the order of scoring, and its depth, up to which walks go on.
  struct Root {
    std::uint32_t node;
    std::uint32_t depth;
    std::uint32_t output;
  };
  struct Scratch;

  template <std::size_t width>
  void walk(std::uint32_t depth, const float* const (&events)[width], std::uint32_t (&at)[width]) const noexcept;
  std::uint32_t walk_with_missing(std::uint32_t node, const float* event) const noexcept;
  void add(std::uint32_t node, std::uint32_t output, double* sums) const noexcept;
  void one_event(const float* event, double* sums) const noexcept;
  void block(const float* const* events, std::size_t count, double* sums) const noexcept;
  void finish(const double* sums, float* out) const noexcept;

  std::size_t features_;
  bool takes_missing_;
  bool leaf_rows_;  ///< each leaf has a number for every output
  std::vector<Node> nodes_;
  std::vector<std::uint8_t> missing_left_;
  std::vector<std::uint32_t> leaf_;  ///< of each node: its row in values_
  std::vector<Root> roots_;          ///< by depth, so that trees walked side by side are equally deep
  std::vector<double> values_;
  std::vector<double> base_;
  double scale_;
  Link link_;
};

}  // namespace ophion::native
