/// The order of a forest's leaves, and the median by it.
#include "weighted_median.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

namespace ophion::native {
namespace {

constexpr std::size_t word_bits = 64;
constexpr std::size_t most_leaves = std::size_t{1} << std::numeric_limits<float>::digits;  // each place is a leaf's value, in float32

struct Leaf {
  float number;
  std::size_t tree;
  std::size_t node;
};

constexpr std::uint64_t bit(std::size_t number) noexcept { return std::uint64_t{1} << number % word_bits; }

/// Calls with the number of each bit that is set in a word, from the lowest on, and clears it.
template <class Function>
void take_bits(std::uint64_t& word, Function function) {
  for (std::uint64_t bits = std::exchange(word, 0); bits != 0; bits &= bits - 1) {
    function(static_cast<std::size_t>(std::countr_zero(bits)));
  }
}

std::vector<Leaf> leaves_of(const ForestArrays& arrays) {
  std::vector<Leaf> leaves;
  std::vector<std::size_t> open;
  for (std::size_t tree = 0; tree < arrays.roots.size(); ++tree) {
    open.push_back(static_cast<std::size_t>(arrays.roots[tree]));
    while (!open.empty()) {
      const std::size_t node = open.back();
      open.pop_back();
      const auto left = static_cast<std::size_t>(arrays.left[node]);
      if (arrays.feature[node] < 0) {
        leaves.push_back({static_cast<float>(arrays.values[left]), tree, node});
        continue;
      }
      open.push_back(left);
      open.push_back(static_cast<std::size_t>(arrays.right[node]));
    }
  }
  return leaves;
}

}  // namespace

WeightedMedian::WeightedMedian(ForestArrays& arrays) : trees_(arrays.roots.size()) {
  std::vector<Leaf> leaves = leaves_of(arrays);
  if (leaves.size() > most_leaves) {
    throw std::invalid_argument("forest: a weighted median over " + std::to_string(leaves.size()) + " leaves, of which there can be " +
                                std::to_string(most_leaves));
  }
  std::sort(leaves.begin(), leaves.end(),
            [](const Leaf& a, const Leaf& b) { return std::pair{a.number, a.tree} < std::pair{b.number, b.tree}; });
  for (const Leaf& leaf : leaves) {
    arrays.left[leaf.node] = static_cast<std::int32_t>(numbers_.size());
    numbers_.push_back(leaf.number);
    weights_.push_back(arrays.tree_weight[leaf.tree]);
  }
  arrays.values.resize(leaves.size());
  std::iota(arrays.values.begin(), arrays.values.end(), 0.0);
  arrays.outputs = trees_;
  arrays.tree_output.resize(trees_);
  std::iota(arrays.tree_output.begin(), arrays.tree_output.end(), 0);
  arrays.base.assign(trees_, 0.0);
  arrays.join = Join::sum;
  arrays.tree_weight.clear();
}

double WeightedMedian::operator()(const double* places, Room& room) const {
  const std::size_t words = numbers_.size() / word_bits + 1, words_of_words = words / word_bits + 1;
  if (room.places.size() < words) room.places.resize(words);
  if (room.words.size() < words_of_words) room.words.resize(words_of_words);
  if (room.steps.size() < trees_) room.steps.resize(trees_);
  for (std::size_t tree = 0; tree < trees_; ++tree) {
    const auto place = static_cast<std::size_t>(places[tree]);
    const std::size_t word = place / word_bits;
    room.places[word] |= bit(place);
    room.words[word / word_bits] |= bit(word);
  }
  Room::Step* step = room.steps.data();
  double weights = 0;
  for (std::size_t i = 0; i < words_of_words; ++i) {
    take_bits(room.words[i], [&](std::size_t j) {
      const std::size_t word = i * word_bits + j;
      take_bits(room.places[word], [&](std::size_t k) {
        const std::size_t place = word * word_bits + k;
        weights += weights_[place];
        *step++ = {weights, numbers_[place]};
      });
    });
  }
  const auto below = [half = 0.5 * weights](const Room::Step& one) { return one.weights < half; };
  return static_cast<double>(std::partition_point(room.steps.data(), step, below)->number);
}

}  // namespace ophion::native
