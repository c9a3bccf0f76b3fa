/// Trees of at most 64 leaves without a walk: each split whose event goes right strikes out the leaves on its left, from a set of bits; the
/// first leaf that is left is the event's (QuickScorer, doi 10.1145/2766462.2767733). No step depends on the one before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "aligned.h"
#include "forest_arrays.h"

namespace ophion::native {

/// What the kernels read, laid out twice: for events side by side (batches), and for trees side by side (one event). A set of
/// more than 32 leaves lies in two words, and each word has a list of splits of its own: few splits have leaves of both on their left.
struct LeafSetTrees {
  /// A split; NaN goes left or right according to where in its list it stands.
  struct Split {
    std::uint32_t feature;
    float threshold;
    std::uint32_t kept;  ///< the leaves that are not on its left
  };
  /// A word of a tree's set: at first the leaves `all`; then splits up to `left_end`, which send NaN left, and up to `end`.
  struct Word {
    std::uint32_t all;
    std::uint32_t left_end;
    std::uint32_t end;
  };
  /// As many trees as a register has lanes, their splits row by row: a row has one split of each. Rows of one word whose
  /// features lie in the same block of the event, which fits into a register, follow each other.
  struct Group {
    std::uint32_t first_run;
    std::uint32_t end_run[2];  ///< of the first and of the second word: the second comes first
    std::uint32_t first_tree;
    std::uint32_t trees;       ///< fewer than lanes in the last group
    bool one_output;           ///< all add to the same
  };
  struct Run {
    std::uint32_t block;    ///< its first feature
    std::uint32_t end_row;  ///< it begins where the run before it ends
  };

  std::size_t outputs;
  std::size_t width;   ///< numbers a leaf has
  std::size_t words;   ///< of a tree: 1 or 2
  std::size_t leaves;  ///< a tree has room for: 8, 16, 32 or 64
  std::size_t trees;
  const std::uint32_t* output;  ///< of each tree
  const float* values;          ///< trees (up to whole groups) × leaves × width
  const Word* word;             ///< trees × words
  const Split* splits;
  std::size_t groups;
  const Group* group;
  const Run* runs;
  const std::uint32_t* row_all;        ///< groups × words × lanes: the leaves at first
  const std::uint8_t* row_feature;     ///< rows × lanes: within its block; bit 7: NaN goes right
  const float* row_threshold;
  const std::uint32_t* row_kept;
};

/// The loops, built for each instruction set.
struct LeafSetKernels {
  std::size_t lanes;          ///< of a register
  std::size_t many, few;      ///< events that all() takes at once: either
  std::size_t block;          ///< features among which one() picks
  bool high_first;            ///< a word's first leaf is its highest bit; else its lowest
  std::size_t rows_a_level;   ///< one() does so many rows while a walk goes down one level of `lanes` trees, about; 0: there is no one()
  /// Adds the leaves of `many` or `few` events to sums (events × outputs); `columns` is features × events, `missing`: there are NaN.
  void (*all_of_many)(const LeafSetTrees& trees, const float* columns, bool missing, double* sums);
  void (*all_of_few)(const LeafSetTrees& trees, const float* columns, bool missing, double* sums);
  /// Whether there is a NaN among `many` or `few` times some numbers.
  bool (*any_missing)(const float* numbers, std::size_t count);
  /// Adds the leaves of one event; `event` has room for whole blocks, `missing`: it has NaN.
  void (*one)(const LeafSetTrees& trees, const float* event, bool missing, double* sums);
};

/// Owns the layout of trees of about the same size.
class LeafSets {
 public:
  static constexpr std::size_t most_leaves = 64;

  /// Of a checked forest the trees `which`, none with more than 64 leaves or categorical splits; `values` are its
  /// summable_values(). Trees are laid out side by side only if that is faster than to walk.
  LeafSets(const ForestArrays& arrays, const std::vector<TreeShape>& shapes, const std::vector<float>& values,
           std::vector<std::size_t> which, const LeafSetKernels& kernels);
  LeafSets(LeafSets&&) = default;
  LeafSets& operator=(LeafSets&&) = default;

  const LeafSetTrees& trees() const noexcept { return trees_; }
  bool scores_one() const noexcept { return !groups_.empty(); }

 private:
  struct Tree;
  Tree read(std::size_t root, std::size_t leaves) const;
  void place(const std::vector<Tree>& trees, const LeafSetKernels& kernels);
  void place_side_by_side(const std::vector<Tree>& trees, const LeafSetKernels& kernels);
  void add_run(std::span<const Tree> trees, std::size_t word, std::size_t block, const LeafSetKernels& kernels);

  const ForestArrays* arrays_;  ///< while it is made
  std::size_t outputs_;
  std::size_t width_;
  std::size_t words_ = 1;
  std::size_t leaves_ = 8;
  std::vector<std::uint32_t> output_;
  AlignedVector<float> values_;
  std::vector<LeafSetTrees::Word> word_;
  AlignedVector<LeafSetTrees::Split> splits_;
  std::vector<LeafSetTrees::Group> groups_;
  std::vector<LeafSetTrees::Run> runs_;
  AlignedVector<std::uint32_t> row_all_;
  AlignedVector<std::uint8_t> row_feature_;
  AlignedVector<float> row_threshold_;
  AlignedVector<std::uint32_t> row_kept_;
  LeafSetTrees trees_;  ///< points into the arrays above, which stay where they are when this is moved
};

/// Trees that fit into sets, by the size of their sets; a size that only few trees have is left out, its trees go with the next larger.
std::vector<std::vector<std::size_t>> trees_by_size(const std::vector<TreeShape>& shapes);

}  // namespace ophion::native
