/// Trees: known answers, missing values, many shapes beside a plain walk, and arrays that can't be.
#include "forest.h"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace ophion::native {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/// x0 <= 1 ? 10 : (x1 <= -2 ? 20 : 30); missing x0 goes left, missing x1 right.
ForestArrays two_splits() {
  ForestArrays arrays;
  arrays.features = 2;
  arrays.outputs = 1;
  arrays.roots = {0};
  arrays.tree_output = {0};
  arrays.feature = {0, -1, 1, -1, -1};
  arrays.threshold = {1.0f, 0, -2.0f, 0, 0};
  arrays.left = {1, 0, 3, 1, 2};
  arrays.right = {2, 0, 4, 0, 0};
  arrays.missing_left = {1, 0, 0, 0, 0};
  arrays.values = {10, 20, 30};
  arrays.base = {0.5};
  return arrays;
}

std::vector<float> scores_of(const Forest& forest, const std::vector<float>& rows) {
  const std::size_t count = rows.size() / forest.features();
  std::vector<float> scores(count * forest.outputs(), -1.0f);
  EXPECT_EQ(forest.score(rows.data(), static_cast<std::ptrdiff_t>(forest.features()), 1, count, scores.data()), count);
  return scores;
}

TEST(Forest, FollowsItsSplits) {
  const Forest forest(two_splits());
  EXPECT_THAT(scores_of(forest, {0, 0, 2, -3, 2, 0}), ElementsAre(10.5f, 20.5f, 30.5f));
  EXPECT_THAT(scores_of(forest, {0, 0}), ElementsAre(10.5f));
}

TEST(Forest, SendsEventsOnTheThresholdToTheLeft) {
  const float above = std::nextafter(1.0f, 2.0f);
  EXPECT_THAT(scores_of(Forest(two_splits()), {1, 0, above, -2, above, std::nextafter(-2.0f, 0.0f)}), ElementsAre(10.5f, 20.5f, 30.5f));
}

TEST(Forest, SendsMissingValuesWhereTheTrainingSentThem) {
  EXPECT_THAT(scores_of(Forest(two_splits()), {nan, 5, 2, nan, 2, -3}), ElementsAre(10.5f, 30.5f, 20.5f));
}

TEST(Forest, SaysWhichRowHasAMissingValueItDoesNotTake) {
  ForestArrays arrays = two_splits();
  arrays.missing_left.clear();
  const std::vector<float> rows{0, 0, 1, 1, 0, nan};
  std::vector<float> scores(3);
  EXPECT_EQ(Forest(arrays).score(rows.data(), 2, 1, 3, scores.data()), 2u);
}

TEST(Forest, TakesInfinities) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  EXPECT_THAT(scores_of(Forest(two_splits()), {-infinity, 0, infinity, -infinity, infinity, infinity}), ElementsAre(10.5f, 20.5f, 30.5f));
}

TEST(Forest, ReadsAnyStrides) {
  const Forest forest(two_splits());
  const std::vector<float> columns{0, 2, 2, /* x1 */ 0, -3, 0};
  std::vector<float> scores(3);
  forest.score(columns.data(), 1, 3, 3, scores.data());
  EXPECT_THAT(scores, ElementsAre(10.5f, 20.5f, 30.5f));
}

/// x0 in {1, 33} ? 10 : 20; NaN goes left, categories beyond 63 or below 0 right.
ForestArrays one_set() {
  ForestArrays arrays;
  arrays.features = 1;
  arrays.outputs = 1;
  arrays.roots = {0};
  arrays.tree_output = {0};
  arrays.feature = {0, -1, -1};
  arrays.threshold = {nan, 0, 0};
  arrays.left = {1, 0, 1};
  arrays.right = {2, 0, 0};
  arrays.missing_left = {1, 0, 0};
  arrays.category_set = {0, -1, -1};
  arrays.set_first = {0, 2};
  arrays.set_words = {2, 2};
  arrays.other_left = {0, 0, 0};
  arrays.values = {10, 20};
  arrays.base = {0};
  return arrays;
}

TEST(Forest, SendsTheCategoriesOfASetToTheLeft) {
  const Forest forest(one_set());
  constexpr float infinity = std::numeric_limits<float>::infinity();
  EXPECT_THAT(scores_of(forest, {1, 33, 0, 2, 32, 34, 64, 65}), ElementsAre(10, 10, 20, 20, 20, 20, 20, 20));
  EXPECT_THAT(scores_of(forest, {1.99f, 33.5f, 0.99f, -0.5f, -1, nan, infinity, -infinity, 3e9f}),
              ElementsAre(10, 10, 20, 20, 20, 10, 20, 20, 20));
}

TEST(Forest, SendsOtherCategoriesWhereTheTrainingSentThem) {
  ForestArrays arrays = one_set();
  arrays.other_left[0] = 1;
  EXPECT_THAT(scores_of(Forest(arrays), {1, 0, 63, 64, -1, -0.5f, 1e30f}), ElementsAre(10, 20, 20, 10, 10, 20, 10));
}

TEST(Forest, PutsSumsThroughItsLink) {
  ForestArrays arrays = two_splits();
  arrays.values = {std::log(3.0), 0, -std::log(3.0)};
  arrays.base = {0};
  arrays.link = Link::logistic;
  EXPECT_THAT(scores_of(Forest(arrays), {0, 0, 2, -3, 2, 0}), ElementsAre(0.75f, 0.5f, 0.25f));
  arrays.link = Link::exponential;
  arrays.scale = 2;
  EXPECT_FLOAT_EQ(scores_of(Forest(arrays), {0, 0})[0], 9.0f);
}

TEST(Forest, DividesTheProbabilitiesOfEachAgainstTheRestByTheSumOfAll) {
  ForestArrays arrays = two_splits();
  arrays.outputs = 2;
  arrays.tree_output.clear();
  arrays.values = {std::log(3.0), 0, 0, 0, -1000, 0};
  arrays.base = {0, 0};
  arrays.link = Link::one_against_rest;
  EXPECT_THAT(scores_of(Forest(arrays), {0, 0, 2, -3, 2, 0}), ElementsAre(0.6f, 0.4f, 0.5f, 0.5f, 0, 1));
}

TEST(Forest, GivesSeveralOutputsByTreesOrByLeaves) {
  ForestArrays by_trees = two_splits();
  by_trees.outputs = 3;
  by_trees.roots = {0, 5};
  by_trees.tree_output = {2, 0};
  by_trees.feature.push_back(-1);
  by_trees.threshold.push_back(0);
  by_trees.left.push_back(3);
  by_trees.right.push_back(0);
  by_trees.missing_left.push_back(0);
  by_trees.values = {10, 20, 30, 7};
  by_trees.base = {0, 1, 0};
  EXPECT_THAT(scores_of(Forest(by_trees), {0, 0, 2, 0}), ElementsAre(7, 1, 10, 7, 1, 30));

  ForestArrays by_leaves = two_splits();
  by_leaves.outputs = 2;
  by_leaves.tree_output.clear();
  by_leaves.values = {1, 2, 3, 4, 5, 6};
  by_leaves.base = {0, 0};
  EXPECT_THAT(scores_of(Forest(by_leaves), {0, 0, 2, -3, 2, 0}), ElementsAre(1, 2, 3, 4, 5, 6));
}

/// One tree of two leaves for each pair: x0 <= 0 gives the first number, x0 > 0 the second.
ForestArrays median_of(const std::vector<std::pair<double, double>>& leaves, const std::vector<double>& weights) {
  ForestArrays arrays;
  arrays.features = 1;
  arrays.outputs = 1;
  for (const auto& [left, right] : leaves) {
    const auto node = static_cast<std::int32_t>(arrays.feature.size()), row = static_cast<std::int32_t>(arrays.values.size());
    arrays.roots.push_back(node);
    arrays.feature.insert(arrays.feature.end(), {0, -1, -1});
    arrays.threshold.insert(arrays.threshold.end(), {0, 0, 0});
    arrays.left.insert(arrays.left.end(), {node + 1, row, row + 1});
    arrays.right.insert(arrays.right.end(), {node + 2, 0, 0});
    arrays.values.insert(arrays.values.end(), {left, right});
  }
  arrays.base = {0};
  arrays.join = Join::weighted_median;
  arrays.tree_weight = weights;
  return arrays;
}

TEST(Forest, GivesTheWeightedMedianOfItsTrees) {
  const std::vector<std::pair<double, double>> leaves{{5, -1}, {1, -2}, {3, -3}};
  EXPECT_THAT(scores_of(Forest(median_of(leaves, {1, 1, 1})), {-1, 1}), ElementsAre(3, -2));
  EXPECT_THAT(scores_of(Forest(median_of(leaves, {5, 1, 1})), {-1, 1}), ElementsAre(5, -1));
  EXPECT_THAT(scores_of(Forest(median_of(leaves, {1, 2.5, 1})), {-1, 1}), ElementsAre(1, -2));
  EXPECT_THAT(scores_of(Forest(median_of({{7, -8}}, {0.25})), {-1, 1}), ElementsAre(7, -8));
}

TEST(Forest, TakesTheLowerOfTwoMedians) {
  EXPECT_THAT(scores_of(Forest(median_of({{4, 1}, {2, 3}}, {1, 1})), {-1, 1}), ElementsAre(2, 1));
  EXPECT_THAT(scores_of(Forest(median_of({{4, 4}, {2, -2}, {3, -2}, {9, 4}}, {1, 1, 1, 1})), {-1, 1}), ElementsAre(3, -2));
}

/// As numpy does: np.argmax(np.cumsum(w) >= 0.5 * np.cumsum(w)[-1]) is 2 of six ones, 3 of six times 0.01, whose sum of three is below half.
TEST(Forest, SumsTheWeightsOfAMedianInDoubleAndInItsOrder) {
  const std::vector<std::pair<double, double>> leaves{{4, -4}, {2, -2}, {6, -6}, {1, -1}, {5, -5}, {3, -3}};
  EXPECT_THAT(scores_of(Forest(median_of(leaves, std::vector<double>(6, 1.0))), {-1, 1}), ElementsAre(3, -4));
  EXPECT_THAT(scores_of(Forest(median_of(leaves, std::vector<double>(6, 0.01))), {-1, 1}), ElementsAre(4, -3));
}

TEST(Forest, GivesTheLeastNumberWhereNoTreeHasAWeight) {
  EXPECT_THAT(scores_of(Forest(median_of({{4, 1}, {2, 3}}, {0, 0})), {-1, 1}), ElementsAre(2, 1));
}

TEST(Forest, PutsAMedianThroughScaleAndLink) {
  ForestArrays arrays = median_of({{1, -1}, {0, 0}, {2, -2}}, {1, 1, 1});
  arrays.base = {1};
  arrays.scale = 2;
  EXPECT_THAT(scores_of(Forest(arrays), {-1, 1}), ElementsAre(3, -1));
  arrays.link = Link::exponential;
  EXPECT_FLOAT_EQ(scores_of(Forest(arrays), {-1})[0], std::exp(3.0f));
}

void take_median(ForestArrays& arrays, const std::vector<double>& weights) {
  arrays.join = Join::weighted_median;
  arrays.tree_weight = weights;
}

struct WrongForest {
  std::string name;
  std::function<void(ForestArrays&)> damage;
  std::string says;
};

class ForestsThatCanNotBe : public testing::TestWithParam<WrongForest> {};

TEST_P(ForestsThatCanNotBe, AreRefused) {
  ForestArrays arrays = two_splits();
  GetParam().damage(arrays);
  EXPECT_THAT([&] { Forest forest(arrays); }, testing::ThrowsMessage<std::invalid_argument>(HasSubstr(GetParam().says)));
}

INSTANTIATE_TEST_SUITE_P(
    With, ForestsThatCanNotBe,
    testing::Values(WrongForest{"ChildBeyond", [](auto& a) { a.right[0] = 5; }, "node 0 leads to node 5"},
                    WrongForest{"ChildBefore", [](auto& a) { a.left[2] = -1; }, "node 2 leads to node -1"},
                    WrongForest{"Cycle", [](auto& a) { a.left[2] = 0; }, "node 2 leads to node 0, where another way leads too"},
                    WrongForest{"TwoWays", [](auto& a) { a.left[2] = 1; }, "where another way leads too"},
                    WrongForest{"NodeWithoutWay", [](auto& a) { a.feature[2] = -1; a.left[2] = 0; }, "nodes to which no way leads"},
                    WrongForest{"Feature", [](auto& a) { a.feature[2] = 2; }, "node 2 asks for feature 2"},
                    WrongForest{"Threshold", [](auto& a) { a.threshold[2] = nan; }, "node 2 has no threshold"},
                    WrongForest{"Value", [](auto& a) { a.left[4] = 3; }, "node 4 has no value"},
                    WrongForest{"ValueBelow", [](auto& a) { a.left[4] = -1; }, "node 4 has no value"},
                    WrongForest{"ValueNaN", [](auto& a) { a.values[1] = std::nan(""); }, "not finite"},
                    WrongForest{"Base", [](auto& a) { a.base = {1, 2}; }, "base is not one number an output"},
                    WrongForest{"Output", [](auto& a) { a.tree_output = {1}; }, "a tree of output 1"},
                    WrongForest{"Lengths", [](auto& a) { a.threshold.pop_back(); }, "different lengths"},
                    WrongForest{"Missing", [](auto& a) { a.missing_left.pop_back(); }, "different lengths"},
                    WrongForest{"ValueTooLarge", [](auto& a) { a.values[1] = 1e39; }, "too large for a float32"},
                    WrongForest{"Root", [](auto& a) { a.roots = {9}; }, "tree 0 leads to node 9"},
                    WrongForest{"WeightsOfASum", [](auto& a) { a.tree_weight = {1}; }, "tree_weight without a weighted median"},
                    WrongForest{"NoWeights", [](auto& a) { take_median(a, {}); }, "tree_weight is not one number a tree"},
                    WrongForest{"TwoWeights", [](auto& a) { take_median(a, {1, 1}); }, "tree_weight is not one number a tree"},
                    WrongForest{"WeightBelow", [](auto& a) { take_median(a, {-1}); }, "a tree of weight -1"},
                    WrongForest{"WeightNaN", [](auto& a) { take_median(a, {std::nan("")}); }, "a tree of weight nan"},
                    WrongForest{"WeightInfinite", [](auto& a) { take_median(a, {HUGE_VAL}); }, "a tree of weight inf"},
                    WrongForest{"MedianOfOutputs", [](auto& a) { take_median(a, {1}); a.outputs = 2; a.base = {0, 0}; }, "a weighted median of 2 outputs"},
                    WrongForest{"Nothing", [](auto& a) { a.roots.clear(); }, "no trees"}),
    [](const auto& test) { return test.param.name; });

class CategoriesThatCanNotBe : public testing::TestWithParam<WrongForest> {};

TEST_P(CategoriesThatCanNotBe, AreRefused) {
  ForestArrays arrays = one_set();
  GetParam().damage(arrays);
  EXPECT_THAT([&] { Forest forest(arrays); }, testing::ThrowsMessage<std::invalid_argument>(HasSubstr(GetParam().says)));
}

INSTANTIATE_TEST_SUITE_P(
    With, CategoriesThatCanNotBe,
    testing::Values(WrongForest{"SetBeyond", [](auto& a) { a.category_set[0] = 1; }, "node 0 asks for set 1 of categories"},
                    WrongForest{"SetBelow", [](auto& a) { a.category_set[0] = -2; }, "node 0 asks for set -2 of categories"},
                    WrongForest{"SetOnALeaf", [](auto& a) { a.category_set[2] = 0; }, "node 2 is a leaf with a set of categories"},
                    WrongForest{"WordsBeyond", [](auto& a) { a.set_first[1] = 3; }, "set_first does not span the 2 words"},
                    WrongForest{"WordsLeft", [](auto& a) { a.set_first[1] = 1; }, "set_first does not span the 2 words"},
                    WrongForest{"FirstBelow", [](auto& a) { a.set_first[0] = -1; }, "set_first does not span the 2 words"},
                    WrongForest{"Descending", [](auto& a) { a.set_first = {0, 3, 2}; }, "set_first descends"},
                    WrongForest{"NoFirst", [](auto& a) { a.set_first.clear(); }, "set_first does not span"},
                    WrongForest{"Lengths", [](auto& a) { a.category_set.pop_back(); }, "different lengths"},
                    WrongForest{"OtherLengths", [](auto& a) { a.other_left.pop_back(); }, "different lengths"},
                    WrongForest{"NoOther", [](auto& a) { a.other_left.clear(); }, "without other_left or missing_left"},
                    WrongForest{"NoMissing", [](auto& a) { a.missing_left.clear(); }, "without other_left or missing_left"},
                    WrongForest{"SetsAlone", [](auto& a) { a.category_set.clear(); }, "sets of categories without category_set"},
                    WrongForest{"NumericWithoutThreshold", [](auto& a) { a.category_set[0] = -1; }, "node 0 has no threshold"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace ophion::native
