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

/// Strikes out leaves in `wide` registers of events by the splits up to `end`; NaN goes left or right at all of them.
template <bool missing_left, size_t wide>
inline __attribute__((always_inline)) const LeafSetTrees::Split* strike_out(const LeafSetTrees::Split* split, const LeafSetTrees::Split* end,
                                                                            const float* columns, Words (&set)[wide]) {
  for (; split != end; ++split) {
    const float* const x = columns + split->feature * (wide * Lanes::count);
    const Floats threshold = Lanes::all(split->threshold);
    const Words kept = Lanes::all(split->kept);
#pragma GCC unroll 8
    for (size_t i = 0; i < wide; ++i) {
      const Floats numbers = Lanes::load(x + i * Lanes::count);
      set[i] = Lanes::keep(set[i], missing_left ? Lanes::missing_left(numbers, threshold) : Lanes::missing_right(numbers, threshold), kept);
    }
  }
  return split;
}

/// Ends a chain of steps on a register, whatever is done with it next: GCC would copy registers at each step of the loop before, two copies a
/// step, which takes a fifth of the time on a core that is shared.
inline void settle([[maybe_unused]] Words& words) {
#if defined(__x86_64__)
  __asm__("" : "+v"(words));
#endif
}

/// The leaves of one tree for `wide` registers of events. Words are looked at from the last to the first, which has the last say.
/// Without NaN (not `missing`) all splits are one list: its length changes from tree to tree less than those of its two parts.
template <size_t words, bool missing, size_t wide>
inline __attribute__((always_inline)) void find_leaves(const LeafSetTrees& trees, size_t tree, const float* columns, Words (&leaf)[wide]) {
  for (size_t w = words; w-- > 0;) {
    const LeafSetTrees::Word& word = trees.word[tree * words + w];
    Words set[wide];
#pragma GCC unroll 8
    for (size_t i = 0; i < wide; ++i) set[i] = Lanes::all(word.all);
    const LeafSetTrees::Split* split = trees.splits + (tree + w == 0 ? 0 : (&word - 1)->end);
    if (missing) split = strike_out<true>(split, trees.splits + word.left_end, columns, set);
    strike_out<!missing>(split, trees.splits + word.end, columns, set);
#pragma GCC unroll 8
    for (size_t i = 0; i < wide; ++i) {
      settle(set[i]);
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
template <size_t leaves, bool missing, size_t wide>
void add_numbers(const LeafSetTrees& trees, const float* columns, double* sums) {
  size_t tree = 0;
  while (tree < trees.trees) {
    const uint32_t output = trees.output[tree];
    Lanes::Sum total[wide];
    for (; tree < trees.trees && trees.output[tree] == output; ++tree) {
      Words leaf[wide];
      find_leaves<(leaves + word_leaves - 1) / word_leaves, missing>(trees, tree, columns, leaf);
      const float* const values = trees.values + tree * leaves;
#pragma GCC unroll 8
      for (size_t i = 0; i < wide; ++i) total[i].add(Lanes::look_up<leaves>(values, leaf[i]));
    }
    put_away(total, trees.outputs, sums + output);
  }
}

/// Events side by side, leaves with a number for every output.
template <size_t words, bool missing, size_t wide>
void add_rows(const LeafSetTrees& trees, const float* columns, double* sums) {
  for (size_t tree = 0; tree < trees.trees; ++tree) {
    Words leaf[wide];
    find_leaves<words, missing>(trees, tree, columns, leaf);
    uint32_t numbers[wide * Lanes::count];
    for (size_t i = 0; i < wide; ++i) Lanes::store(numbers + i * Lanes::count, leaf[i]);
    for (size_t event = 0; event < wide * Lanes::count; ++event) add_row(trees, tree, numbers[event], sums + event * trees.outputs);
  }
}

template <bool missing, size_t wide>
void add_all(const LeafSetTrees& trees, const float* columns, double* sums) {
  if (trees.width > 1) return trees.words == 1 ? add_rows<1, missing, wide>(trees, columns, sums) : add_rows<2, missing, wide>(trees, columns, sums);
  switch (trees.leaves) {
    case 8: return add_numbers<8, missing, wide>(trees, columns, sums);
    case 16: return add_numbers<16, missing, wide>(trees, columns, sums);
    case 32: return add_numbers<32, missing, wide>(trees, columns, sums);
    default: return add_numbers<64, missing, wide>(trees, columns, sums);
  }
}

bool any_missing(const float* numbers, size_t count) {
  Lanes::Missing any;
  for (size_t i = 0; i < count; i += Lanes::count) any.look_at(Lanes::load(numbers + i));
  return any.found();
}

template <size_t wide>
void all_of(const LeafSetTrees& trees, const float* columns, bool missing, double* sums) {
  return missing ? add_all<true, wide>(trees, columns, sums) : add_all<false, wide>(trees, columns, sums);
}

#if defined(__AVX2__)

/// The rows of trees side by side, and how far they are done.
struct Rows {
  const LeafSetTrees::Run* run;
  size_t done;
  const std::uint8_t* feature;
  const float* threshold;
  const uint32_t* kept;

  /// What is left of the set after one more row.
  template <bool missing>
  inline __attribute__((always_inline)) Words strike_out(const Lanes::Block& block, size_t row, Words set) const {
    const size_t place = row * Lanes::count;
    const Words features = Lanes::features(feature + place);
    const Floats x = block.pick(features);
    const Floats numbers = Lanes::load(threshold + place);
    const Lanes::Way way = missing ? Lanes::missing_flagged(x, numbers, features) : Lanes::missing_left(x, numbers);
    return Lanes::keep(set, way, Lanes::load(kept + place));
  }
};

/// The leaves of one event in the next group of trees, with runs up to `end_run` of each word.
template <size_t words, bool missing>
inline __attribute__((always_inline)) Words next_leaves(Rows& rows, const uint32_t* all, const LeafSetTrees::Run* const (&end_run)[2],
                                                        const float* event) {
  Words leaf = Lanes::all(uint32_t{0});
  for (size_t w = words; w-- > 0;) {
    Words set = Lanes::load(all + w * Lanes::count);
    Words other = Lanes::all(~uint32_t{0});  // a chain of its own: rows go on two at a time
    size_t row = rows.done;
    for (; rows.run != end_run[w]; ++rows.run) {
      const Lanes::Block block(event + rows.run->block);
      const size_t end = rows.run->end_row;
      for (; row + 2 <= end; row += 2) {
        set = rows.strike_out<missing>(block, row, set);
        other = rows.strike_out<missing>(block, row + 1, other);
      }
      if (row < end) set = rows.strike_out<missing>(block, row++, set);
    }
    rows.done = row;
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

/// Adds the leaves of a group one by one: trees of several outputs, or with several numbers a leaf. Out of the way of the others.
__attribute__((noinline)) void add_each(const LeafSetTrees& trees, const LeafSetTrees::Group& group, Words leaf, double* sums) {
  uint32_t leaves[Lanes::count];
  Lanes::store(leaves, leaf);
  for (size_t lane = 0; lane < group.trees; ++lane) {
    const size_t tree = group.first_tree + lane;
    add_row(trees, tree, leaves[lane], trees.width == 1 ? sums + trees.output[tree] : sums);
  }
}

template <size_t words, bool missing>
void one_of(const LeafSetTrees& trees, const float* event, double* sums) {
  const Words places = Lanes::product(Lanes::counted(), Lanes::all(static_cast<uint32_t>(trees.leaves)));
  Rows rows{trees.runs, 0, trees.row_feature, trees.row_threshold, trees.row_kept};
  const LeafSetTrees::Run* const runs = trees.runs;
  const uint32_t* all = trees.row_all;
  Lanes::Sum total;
  uint32_t output = trees.output[0];
  for (const LeafSetTrees::Group *group = trees.group, *const end = group + trees.groups; group != end; ++group, all += words * Lanes::count) {
    const Words leaf = next_leaves<words, missing>(rows, all, {runs + group->end_run[0], runs + group->end_run[1]}, event);
    if (!group->one_output || trees.width > 1) {
      add_each(trees, *group, leaf, sums);
      continue;
    }
    if (trees.output[group->first_tree] != output) {
      sums[output] += total.total();
      total = Lanes::Sum();
      output = trees.output[group->first_tree];
    }
    total.add(Lanes::gather(trees.values + group->first_tree * trees.leaves, Lanes::sum(places, leaf)));
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
const LeafSetKernels leaf_set_kernels{Lanes::count,        Lanes::wide * Lanes::count, Lanes::count, Lanes::block, Lanes::high_first,
                                      Lanes::rows_a_level, all_of<Lanes::wide>,        all_of<1>,    any_missing,  one};

}  // namespace ophion::native::OPHION_ISA_NAME
