/// Ensembles of decision trees: checked once, then scored from any number of threads by whichever engine suits each tree.
#pragma once

#include <cstddef>
#include <vector>

#include "forest_arrays.h"
#include "isa.h"
#include "leaf_sets.h"
#include "walked_trees.h"
#include "weighted_median.h"

namespace ophion::native {

class Forest {
 public:
  /// `isa`: the build of the kernels to use. Throws std::invalid_argument for what check_forest() refuses.
  explicit Forest(ForestArrays arrays, Isa isa = best_isa());

  std::size_t features() const noexcept { return features_; }
  std::size_t outputs() const noexcept { return base_.size(); }

  /// Scores rows (strides in elements): `out` gets rows × outputs, the same for a row alone as for one among many. Allocates nothing
  /// after a thread's first call with as many rows. Returns the first row with a NaN where the trees take none (what is in `out` then
  /// means nothing), else `rows`.
  std::size_t score(const float* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows, float* out) const;

 private:
  struct Scratch;
  struct Rows;

  bool one(const Rows& row, float* out) const;
  std::size_t block(const Rows& rows, float* out) const;
  std::size_t add_sets(const Rows& rows, Scratch& scratch) const;
  std::size_t add_walked(const Rows& rows, Scratch& scratch) const;
  void finish(double* sums, std::size_t events, float* out) const;

  std::size_t features_;
  bool takes_missing_;
  const LeafSetKernels* kernels_;
  std::vector<LeafSets> sets_;
  WalkedTrees walked_;  ///< trees too large for sets, or with categorical splits
  WalkedTrees alone_;   ///< those of the trees in sets_ that are walked where an event comes alone
  std::size_t block_rows_;
  std::size_t sums_;       ///< that trees add to, of an event: one an output, or, where a median is taken, one a tree
  WeightedMedian median_;
  std::vector<double> base_;
  double scale_;
  Link link_;
};

}  // namespace ophion::native
