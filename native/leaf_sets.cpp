/// From trees in arrays to lists of splits with the leaves they strike out.
#include "leaf_sets.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <utility>

namespace ophion::native {
namespace {

constexpr std::size_t word_leaves = 32;
constexpr std::array<std::size_t, 4> sizes{8, 16, 32, LeafSets::most_leaves};
constexpr std::size_t few_trees = 16;
constexpr std::uint8_t missing_right = 0x80;
constexpr std::uint32_t all_bits = ~std::uint32_t{0};

std::uint32_t first_bits(std::size_t count) { return count >= word_leaves ? all_bits : (std::uint32_t{1} << count) - 1; }

/// A set of leaves, the first of which is bit 0, as the kernels want it.
std::uint32_t in_order(std::uint32_t leaves, const LeafSetKernels& kernels) {
  if (!kernels.high_first) return leaves;
  leaves = leaves << 16 | leaves >> 16;
  leaves = (leaves & 0x00ff00ffu) << 8 | (leaves >> 8 & 0x00ff00ffu);
  leaves = (leaves & 0x0f0f0f0fu) << 4 | (leaves >> 4 & 0x0f0f0f0fu);
  leaves = (leaves & 0x33333333u) << 2 | (leaves >> 2 & 0x33333333u);
  return (leaves & 0x55555555u) << 1 | (leaves >> 1 & 0x55555555u);
}

}  // namespace

std::vector<std::vector<std::size_t>> trees_by_size(const std::vector<TreeShape>& shapes) {
  std::vector<std::vector<std::size_t>> by_size(sizes.size());
  for (std::size_t tree = 0; tree < shapes.size(); ++tree) {
    if (shapes[tree].categories || shapes[tree].leaves > LeafSets::most_leaves) continue;
    std::size_t size = 0;
    while (shapes[tree].leaves > sizes[size]) ++size;
    by_size[size].push_back(tree);
  }
  for (std::size_t i = 0; i + 1 < by_size.size(); ++i) {
    if (by_size[i].size() >= few_trees) continue;
    const auto larger = std::find_if(by_size.begin() + static_cast<std::ptrdiff_t>(i) + 1, by_size.end(), [](const auto& some) { return !some.empty(); });
    if (larger == by_size.end()) continue;
    larger->insert(larger->end(), by_size[i].begin(), by_size[i].end());
    by_size[i].clear();
  }
  std::erase_if(by_size, [](const auto& some) { return some.empty(); });
  return by_size;
}

/// A tree, its leaves numbered from left to right.
struct LeafSets::Tree {
  struct Split {
    std::uint32_t feature;
    float threshold;
    bool missing_left;
    std::size_t begin, end;  // the leaves on its left
  };
  std::vector<Split> splits;
  std::vector<std::size_t> rows;  // of each leaf: its row in the arrays' values
  std::size_t cut = 0;            // leaves before it are in the first word
  std::uint32_t output = 0;

  /// The splits of a word: those with leaves of it on their left, which NaN sends left first; and what they keep of it.
  std::vector<std::pair<const Split*, std::uint32_t>> of_word(std::size_t word) const {
    const std::size_t first = word == 0 ? 0 : cut;
    const std::size_t last = word == 0 ? cut : rows.size();
    std::vector<std::pair<const Split*, std::uint32_t>> found;
    for (const bool left : {true, false}) {
      for (const Split& split : splits) {
        const std::size_t begin = std::max(split.begin, first);
        const std::size_t end = std::min(split.end, last);
        if (split.missing_left != left || begin >= end) continue;
        found.emplace_back(&split, ~(first_bits(end - first) & ~first_bits(begin - first)));
      }
    }
    return found;
  }

  /// Cuts the leaves in two where the fewest splits have leaves of both words on their left.
  void cut_in_words(std::size_t words) {
    cut = rows.size();
    if (words == 1) return;
    std::pair<std::size_t, std::size_t> best{std::numeric_limits<std::size_t>::max(), 0};
    const std::size_t leaves = rows.size();
    for (std::size_t at = leaves > word_leaves ? leaves - word_leaves : 0; at <= std::min(leaves, word_leaves); ++at) {
      const auto across = static_cast<std::size_t>(
          std::count_if(splits.begin(), splits.end(), [at](const Split& split) { return split.begin < at && at < split.end; }));
      const std::size_t aside = at > leaves / 2 ? at - leaves / 2 : leaves / 2 - at;
      if (std::pair{across, aside} < best) {
        best = {across, aside};
        cut = at;
      }
    }
  }
};

LeafSets::Tree LeafSets::read(std::size_t root, std::size_t leaves) const {
  struct Step {
    std::size_t node;
    std::size_t split;  // of which `node` is the right child: its left leaves end here
  };
  constexpr auto none = std::numeric_limits<std::size_t>::max();
  Tree tree;
  tree.rows.reserve(leaves);
  std::vector<Step> open{{root, none}};
  while (!open.empty()) {
    const Step step = open.back();
    open.pop_back();
    if (step.split != none) tree.splits[step.split].end = tree.rows.size();
    const std::size_t node = step.node;
    if (arrays_->feature[node] < 0) {
      tree.rows.push_back(static_cast<std::size_t>(arrays_->left[node]));
      continue;
    }
    tree.splits.push_back({static_cast<std::uint32_t>(arrays_->feature[node]), arrays_->threshold[node],
                           arrays_->missing_left.empty() || arrays_->missing_left[node] != 0, tree.rows.size(), 0});
    open.push_back({static_cast<std::size_t>(arrays_->right[node]), tree.splits.size() - 1});
    open.push_back({static_cast<std::size_t>(arrays_->left[node]), none});
  }
  return tree;
}

LeafSets::LeafSets(const ForestArrays& arrays, const std::vector<TreeShape>& shapes, const std::vector<float>& values,
                   std::vector<std::size_t> which, const LeafSetKernels& kernels)
    : arrays_(&arrays), outputs_(arrays.outputs), width_(arrays.width()) {
  for (const std::size_t tree : which) {
    while (shapes[tree].leaves > leaves_) leaves_ *= 2;
  }
  words_ = leaves_ > word_leaves ? 2 : 1;
  // Trees side by side are best of one output and alike in size; sums in a batch are put away when the output changes.
  std::stable_sort(which.begin(), which.end(), [&](std::size_t a, std::size_t b) {
    const auto output = [&](std::size_t tree) { return arrays.tree_output.empty() ? 0 : arrays.tree_output[tree]; };
    return std::pair{output(a), shapes[a].leaves} < std::pair{output(b), shapes[b].leaves};
  });
  std::vector<Tree> trees;
  trees.reserve(which.size());
  for (const std::size_t number : which) {
    Tree tree = read(static_cast<std::size_t>(arrays.roots[number]), shapes[number].leaves);
    tree.cut_in_words(words_);
    tree.output = arrays.tree_output.empty() ? 0 : static_cast<std::uint32_t>(arrays.tree_output[number]);
    output_.push_back(tree.output);
    trees.push_back(std::move(tree));
  }
  // Zeros for lanes without a tree, and behind the last, where kernels read whole registers.
  const std::size_t whole = (trees.size() + kernels.lanes - 1) / kernels.lanes * kernels.lanes;
  values_.assign(whole * leaves_ * width_ + word_leaves, 0.0f);
  for (std::size_t t = 0; t < trees.size(); ++t) {
    for (std::size_t leaf = 0; leaf < trees[t].rows.size(); ++leaf) {
      // In the second of two words, leaves begin at the first bit anew.
      const std::size_t place = leaf < trees[t].cut ? leaf : word_leaves + leaf - trees[t].cut;
      const float* const from = &values[trees[t].rows[leaf] * width_];
      std::copy_n(from, width_, &values_[(t * leaves_ + place) * width_]);
    }
  }
  place(trees, kernels);
  std::size_t levels = 0;
  for (const std::size_t tree : which) levels += shapes[tree].depth;
  if (kernels.rows_a_level > 0) place_side_by_side(trees, kernels);
  if (row_feature_.size() > kernels.rows_a_level * levels) {
    groups_.clear();
    runs_.clear();
    row_all_ = {};
    row_feature_ = {};
    row_threshold_ = {};
    row_kept_ = {};
  }
  arrays_ = nullptr;
  trees_ = {outputs_,       width_,         words_,         leaves_,        output_.size(), output_.data(),        values_.data(),        word_.data(),
            splits_.data(), groups_.size(), groups_.data(), runs_.data(),    row_all_.data(), row_feature_.data(), row_threshold_.data(), row_kept_.data()};
}

void LeafSets::place(const std::vector<Tree>& trees, const LeafSetKernels& kernels) {
  for (const Tree& tree : trees) {
    for (std::size_t word = 0; word < words_; ++word) {
      LeafSetTrees::Word placed{in_order(first_bits(word == 0 ? tree.cut : tree.rows.size() - tree.cut), kernels), 0, 0};
      placed.left_end = static_cast<std::uint32_t>(splits_.size());
      for (const auto& [split, kept] : tree.of_word(word)) {
        splits_.push_back({split->feature, split->threshold, in_order(kept, kernels)});
        if (split->missing_left) ++placed.left_end;
      }
      placed.end = static_cast<std::uint32_t>(splits_.size());
      word_.push_back(placed);
    }
  }
}

/// The rows of a group's trees for one word and one block of features.
void LeafSets::add_run(std::span<const Tree> trees, std::size_t word, std::size_t block, const LeafSetKernels& kernels) {
  const std::size_t first = runs_.empty() ? 0 : runs_.back().end_row;
  std::size_t end = first;
  for (std::size_t lane = 0; lane < trees.size(); ++lane) {
    std::size_t row = first;
    for (const auto& [split, kept] : trees[lane].of_word(word)) {
      if (split->feature / kernels.block != block) continue;
      if (row == end) {  // a lane without a split keeps all
        ++end;
        row_feature_.resize(end * kernels.lanes, 0);
        row_threshold_.resize(end * kernels.lanes, std::numeric_limits<float>::infinity());
        row_kept_.resize(end * kernels.lanes, all_bits);
      }
      const std::size_t place = row++ * kernels.lanes + lane;
      row_feature_[place] = static_cast<std::uint8_t>(split->feature % kernels.block | (split->missing_left ? 0 : missing_right));
      row_threshold_[place] = split->threshold;
      row_kept_[place] = in_order(kept, kernels);
    }
  }
  if (end > first) runs_.push_back({static_cast<std::uint32_t>(block * kernels.block), static_cast<std::uint32_t>(end)});
}

void LeafSets::place_side_by_side(const std::vector<Tree>& trees, const LeafSetKernels& kernels) {
  const std::size_t blocks = (arrays_->features + kernels.block - 1) / kernels.block;
  for (std::size_t first = 0; first < trees.size(); first += kernels.lanes) {
    const std::span<const Tree> some = std::span(trees).subspan(first, std::min(kernels.lanes, trees.size() - first));
    LeafSetTrees::Group group{static_cast<std::uint32_t>(runs_.size()), {0, 0}, static_cast<std::uint32_t>(first),
                              static_cast<std::uint32_t>(some.size()), some.front().output == some.back().output};
    for (std::size_t word = words_; word-- > 0;) {
      for (std::size_t block = 0; block < blocks; ++block) add_run(some, word, block, kernels);
      group.end_run[word] = static_cast<std::uint32_t>(runs_.size());
    }
    for (std::size_t word = 0; word < words_; ++word) {
      for (std::size_t lane = 0; lane < kernels.lanes; ++lane) {
        const std::uint32_t all = lane >= some.size() ? all_bits : first_bits(word == 0 ? some[lane].cut : some[lane].rows.size() - some[lane].cut);
        row_all_.push_back(in_order(all, kernels));
      }
    }
    groups_.push_back(group);
  }
}

}  // namespace ophion::native
