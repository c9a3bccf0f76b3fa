/// Leaf sets, built once for each instruction set into a namespace of its own; like dense_kernel.cpp, it uses nothing of the standard
/// library that the linker could take from another build.
#include "lanes.h"
#include "leaf_sets.h"

namespace ophion::native::OPHION_ISA_NAME {
namespace {

using std::size_t;
using std::uint32_t;
using Floats = Lanes::Floats;
using Words = Lanes::Words;

constexpr uint32_t word_leaves = 32;

/// Adds the numbers of a leaf to an event's sums.
inline void add_row(const LeafSetTrees& trees, size_t tree, size_t leaf, double* sums) {
  const float* const row = trees.values + (tree * trees.leaves + leaf) * trees.width;
  for (size_t i = 0; i < trees.width; ++i) sums[i] += static_cast<double>(row[i]);
}

/// The leaves of one tree for `wide` registers of events. Words are looked at from the last to the first, which has the last say.
template <size_t words, size_t wide>
inline __attribute__((always_inline)) void find_leaves(const LeafSetTrees& trees, size_t tree, const float* columns, Words (&leaf)[wide]) {
  constexpr size_t events = wide * Lanes::count;
  for (size_t w = words; w-- > 0;) {
    const LeafSetTrees::Word& word = trees.word[tree * words + w];
    Words set[wide];
#pragma GCC unroll 8
    for (size_t i = 0; i < wide; ++i) set[i] = Lanes::all(word.all);
    const LeafSetTrees::Split* split = trees.splits + (tree + w == 0 ? 0 : (&word - 1)->end);
    for (const auto* const end = trees.splits + word.left_end; split != end; ++split) {
      const float* const x = columns + split->feature * events;
      const Floats threshold = Lanes::all(split->threshold);
      const Words kept = Lanes::all(split->kept);
#pragma GCC unroll 8
      for (size_t i = 0; i < wide; ++i) {
        set[i] = Lanes::keep(set[i], Lanes::missing_left(Lanes::load(x + i * Lanes::count), threshold), kept);
      }
    }
    for (const auto* const end = trees.splits + word.end; split != end; ++split) {
      const float* const x = columns + split->feature * events;
      const Floats threshold = Lanes::all(split->threshold);
      const Words kept = Lanes::all(split->kept);
#pragma GCC unroll 8
      for (size_t i = 0; i < wide; ++i) {
        set[i] = Lanes::keep(set[i], Lanes::missing_right(Lanes::load(x + i * Lanes::count), threshold), kept);
      }
    }
#pragma GCC unroll 8
    for (size_t i = 0; i < wide; ++i) {
      const Words found = Lanes::first(set[i]);
      if (words == 1) {
        leaf[i] = found;
      } else if (w + 1 == words) {
        leaf[i] = Lanes::sum(found, Lanes::all(word_leaves));
      } else {
        leaf[i] = Lanes::where_any(set[i], found, leaf[i]);
      }
    }
  }
}

template <size_t wide>
inline void put_away(const Lanes::Sum (&total)[wide], size_t outputs, double* sums) {
  double numbers[wide * Lanes::count];
  for (size_t i = 0; i < wide; ++i) total[i].store(numbers + i * Lanes::count);
  for (size_t event = 0; event < wide * Lanes::count; ++event) sums[event * outputs] += numbers[event];
}

/// Events side by side, trees that add one number each. The sums of an output stay in registers until its last tree.
template <size_t leaves, size_t wide>
void add_numbers(const LeafSetTrees& trees, const float* columns, double* sums) {
  size_t tree = 0;
  while (tree < trees.trees) {
    const uint32_t output = trees.output[tree];
    Lanes::Sum total[wide];
    for (; tree < trees.trees && trees.output[tree] == output; ++tree) {
      Words leaf[wide];
      find_leaves<(leaves + word_leaves - 1) / word_leaves>(trees, tree, columns, leaf);
      const float* const values = trees.values + tree * leaves;
#pragma GCC unroll 8
      for (size_t i = 0; i < wide; ++i) total[i].add(Lanes::look_up<leaves>(values, leaf[i]));
    }
    put_away(total, trees.outputs, sums + output);
  }
}

/// Events side by side, leaves with a number for every output.
template <size_t words, size_t wide>
void add_rows(const LeafSetTrees& trees, const float* columns, double* sums) {
  for (size_t tree = 0; tree < trees.trees; ++tree) {
    Words leaf[wide];
    find_leaves<words>(trees, tree, columns, leaf);
    uint32_t numbers[wide * Lanes::count];
    for (size_t i = 0; i < wide; ++i) Lanes::store(numbers + i * Lanes::count, leaf[i]);
    for (size_t event = 0; event < wide * Lanes::count; ++event) add_row(trees, tree, numbers[event], sums + event * trees.outputs);
  }
}

template <size_t wide>
void all_of(const LeafSetTrees& trees, const float* columns, double* sums) {
  if (trees.width > 1) return trees.words == 1 ? add_rows<1, wide>(trees, columns, sums) : add_rows<2, wide>(trees, columns, sums);
  switch (trees.leaves) {
    case 8: return add_numbers<8, wide>(trees, columns, sums);
    case 16: return add_numbers<16, wide>(trees, columns, sums);
    case 32: return add_numbers<32, wide>(trees, columns, sums);
    default: return add_numbers<64, wide>(trees, columns, sums);
  }
}

#if defined(__AVX2__)

template <bool missing>
inline __attribute__((always_inline)) Words keep_of_row(const LeafSetTrees& trees, size_t row, const Lanes::Block& block, Words set) {
  const size_t place = row * Lanes::count;
  const Words features = Lanes::features(trees.row_feature + place);
  const Floats x = block.pick(features);
  const Floats threshold = Lanes::load(trees.row_threshold + place);
  const Lanes::Way way = missing ? Lanes::missing_flagged(x, threshold, features) : Lanes::missing_left(x, threshold);
  return Lanes::keep(set, way, Lanes::load(trees.row_kept + place));
}

/// The leaves of one event in the trees of a group.
template <size_t words, bool missing>
inline __attribute__((always_inline)) Words leaves_of_group(const LeafSetTrees& trees, size_t number, const float* event) {
  const LeafSetTrees::Group& group = trees.group[number];
  Words leaf = Lanes::all(uint32_t{0});
  size_t run = group.first_run;
  size_t row = run == 0 ? 0 : trees.runs[run - 1].end_row;
  for (size_t w = words; w-- > 0;) {
    Words set = Lanes::load(trees.row_all + (number * words + w) * Lanes::count);
    Words other = Lanes::all(~uint32_t{0});  // a chain of its own: rows go on two at a time
    for (; run < group.end_run[w]; ++run) {
      const Lanes::Block block(event + trees.runs[run].block);
      const size_t end = trees.runs[run].end_row;
      for (; row + 2 <= end; row += 2) {
        set = keep_of_row<missing>(trees, row, block, set);
        other = keep_of_row<missing>(trees, row + 1, block, other);
      }
      if (row < end) set = keep_of_row<missing>(trees, row++, block, set);
    }
    set = Lanes::both(set, other);
    const Words found = Lanes::first(set);
    if (w + 1 == words) {
      leaf = words == 1 ? found : Lanes::sum(found, Lanes::all(word_leaves));
    } else {
      leaf = Lanes::where_any(set, found, leaf);
    }
  }
  return leaf;
}

template <size_t words, bool missing>
void one_of(const LeafSetTrees& trees, const float* event, double* sums) {
  const Words places = Lanes::product(Lanes::counted(), Lanes::all(static_cast<uint32_t>(trees.leaves)));
  Lanes::Sum total;
  uint32_t output = trees.output[0];
  for (size_t g = 0; g < trees.groups; ++g) {
    const Words leaf = leaves_of_group<words, missing>(trees, g, event);
    const LeafSetTrees::Group& group = trees.group[g];
    if (group.one_output && trees.width == 1) {
      if (trees.output[group.first_tree] != output) {
        sums[output] += total.total();
        total = Lanes::Sum();
        output = trees.output[group.first_tree];
      }
      total.add(Lanes::gather(trees.values + group.first_tree * trees.leaves, Lanes::sum(places, leaf)));
      continue;
    }
    uint32_t leaves[Lanes::count];
    Lanes::store(leaves, leaf);
    for (size_t lane = 0; lane < group.trees; ++lane) {
      const size_t tree = group.first_tree + lane;
      add_row(trees, tree, leaves[lane], trees.width == 1 ? sums + trees.output[tree] : sums);
    }
  }
  sums[output] += total.total();
}

void one(const LeafSetTrees& trees, const float* event, bool missing, double* sums) {
  if (trees.words == 1) return missing ? one_of<1, true>(trees, event, sums) : one_of<1, false>(trees, event, sums);
  return missing ? one_of<2, true>(trees, event, sums) : one_of<2, false>(trees, event, sums);
}

#else
constexpr decltype(LeafSetKernels::one) one = nullptr;
#endif

}  // namespace

extern const LeafSetKernels leaf_set_kernels;
const LeafSetKernels leaf_set_kernels{Lanes::count,       Lanes::wide * Lanes::count, Lanes::count, Lanes::block, Lanes::rows_a_level,
                                      all_of<Lanes::wide>, all_of<1>,                 one};

}  // namespace ophion::native::OPHION_ISA_NAME
