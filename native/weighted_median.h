/// The weighted median of what trees give: how AdaBoost.R2 joins its trees (H. Drucker, Improving Regressors using Boosting Techniques,
/// ICML 1997).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "forest_arrays.h"

namespace ophion::native {

/// Of an event's numbers in ascending order (of equal ones, the earlier tree's first) the first at which the weights, added in that order
/// and in double, come to half of the sum of all: scikit-learn's rule to the bit (sklearn/ensemble/_weight_boosting.py,
/// _get_median_predict). Nothing is sorted for an event: all leaves of a forest have their places in that order from the start.
class WeightedMedian {
 public:
  /// A thread's own memory, kept for its next call.
  struct Room {
    struct Step {
      double weights;  ///< summed up to here
      float number;
    };
    std::vector<std::uint64_t> places;  ///< a bit for each leaf; none is set between calls
    std::vector<std::uint64_t> words;   ///< a bit for each word of places that has some
    std::vector<Step> steps;
  };

  WeightedMedian() = default;
  /// Makes of checked arrays with a median such that only sum: each tree then has an output of its own, and its leaves have their places
  /// in the order of all. Throws std::invalid_argument where a float32 can't count the leaves.
  explicit WeightedMedian(ForestArrays& arrays);

  bool empty() const noexcept { return numbers_.empty(); }

  /// The median, from the place of each tree's leaf.
  double operator()(const double* places, Room& room) const;

 private:
  std::size_t trees_ = 0;
  std::vector<float> numbers_;   ///< of each place
  std::vector<double> weights_;  ///< of each place: its tree's
};

}  // namespace ophion::native
