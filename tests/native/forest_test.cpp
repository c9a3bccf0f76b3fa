/// Trees: known answers, missing values, many shapes beside a plain walk, and arrays that can't be.
#include "forest.h"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
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

/// A random tree in arrays; the depth of its branches differs widely.
void grow(ForestArrays& arrays, std::mt19937& random, int depth) {
  const std::size_t node = arrays.feature.size();
  arrays.feature.push_back(-1);
  arrays.threshold.push_back(0);
  arrays.left.push_back(static_cast<std::int32_t>(arrays.values.size()));
  arrays.right.push_back(0);
  arrays.missing_left.push_back(0);
  if (depth == 0 || random() % 5 == 0) {
    arrays.values.push_back(std::normal_distribution<double>()(random));
    return;
  }
  arrays.feature[node] = static_cast<std::int32_t>(random() % arrays.features);
  arrays.threshold[node] = std::normal_distribution<float>()(random);
  arrays.missing_left[node] = static_cast<std::int32_t>(random() % 2);
  arrays.left[node] = static_cast<std::int32_t>(arrays.feature.size());
  grow(arrays, random, depth - 1);
  arrays.right[node] = static_cast<std::int32_t>(arrays.feature.size());
  grow(arrays, random, depth - 1);
}

/// The plainest walk there is.
double plain(const ForestArrays& arrays, const float* event) {
  double sum = 0;
  for (const std::int32_t root : arrays.roots) {
    auto node = static_cast<std::size_t>(root);
    while (arrays.feature[node] >= 0) {
      const float x = event[arrays.feature[node]];
      const bool left = std::isnan(x) ? arrays.missing_left[node] != 0 : x <= arrays.threshold[node];
      node = static_cast<std::size_t>(left ? arrays.left[node] : arrays.right[node]);
    }
    sum += arrays.values[static_cast<std::size_t>(arrays.left[node])];
  }
  return arrays.base[0] + arrays.scale * sum;
}

class ForestShapes : public testing::TestWithParam<std::tuple<int, int, int>> {};

TEST_P(ForestShapes, ScoreAsAPlainWalkDoes) {
  const auto [trees, depth, features] = GetParam();
  std::mt19937 random(static_cast<unsigned>(trees * 1000 + depth * 10 + features));
  ForestArrays arrays;
  arrays.features = static_cast<std::size_t>(features);
  arrays.outputs = 1;
  arrays.base = {0.25};
  for (int tree = 0; tree < trees; ++tree) {
    arrays.roots.push_back(static_cast<std::int32_t>(arrays.feature.size()));
    arrays.tree_output.push_back(0);
    grow(arrays, random, depth);
  }
  const Forest forest(arrays);
  constexpr std::size_t rows = 301;
  std::vector<float> events(rows * arrays.features);
  std::normal_distribution<float> normal;
  for (float& number : events) number = normal(random);
  for (std::size_t i = 0; i < arrays.features; ++i) {  // events on thresholds
    events[i] = arrays.threshold[0];
  }
  for (const bool holes : {false, true}) {
    if (holes) {
      for (std::size_t i = 0; i < events.size(); i += 37) events[i] = nan;
    }
    const std::vector<float> together = scores_of(forest, events);
    for (std::size_t row = 0; row < rows; ++row) {
      const float* const event = &events[row * arrays.features];
      ASSERT_NEAR(together[row], plain(arrays, event), 1e-6 * trees) << row;
      ASSERT_EQ(scores_of(forest, {event, event + arrays.features})[0], together[row]) << row;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Of, ForestShapes,
                         testing::Values(std::tuple{1, 0, 1}, std::tuple{1, 3, 1}, std::tuple{7, 4, 3}, std::tuple{8, 6, 28},
                                         std::tuple{50, 10, 40}, std::tuple{3, 14, 100}));

struct Wrong {
  std::string name;
  std::function<void(ForestArrays&)> damage;
  std::string says;
};

class ForestsThatCanNotBe : public testing::TestWithParam<Wrong> {};

TEST_P(ForestsThatCanNotBe, AreRefused) {
  ForestArrays arrays = two_splits();
  GetParam().damage(arrays);
  EXPECT_THAT([&] { Forest forest(arrays); }, testing::ThrowsMessage<std::invalid_argument>(HasSubstr(GetParam().says)));
}

INSTANTIATE_TEST_SUITE_P(
    With, ForestsThatCanNotBe,
    testing::Values(Wrong{"ChildBeyond", [](auto& a) { a.right[0] = 5; }, "node 0 leads to node 5"},
                    Wrong{"ChildBefore", [](auto& a) { a.left[2] = -1; }, "node 2 leads to node -1"},
                    Wrong{"Cycle", [](auto& a) { a.left[2] = 0; }, "node 2 leads to node 0, where another way leads too"},
                    Wrong{"TwoWays", [](auto& a) { a.left[2] = 1; }, "where another way leads too"},
                    Wrong{"NodeWithoutWay", [](auto& a) { a.feature[2] = -1; a.left[2] = 0; }, "nodes to which no way leads"},
                    Wrong{"Feature", [](auto& a) { a.feature[2] = 2; }, "node 2 asks for feature 2"},
                    Wrong{"Threshold", [](auto& a) { a.threshold[2] = nan; }, "node 2 has no threshold"},
                    Wrong{"Value", [](auto& a) { a.left[4] = 3; }, "node 4 has no value"},
                    Wrong{"ValueBelow", [](auto& a) { a.left[4] = -1; }, "node 4 has no value"},
                    Wrong{"ValueNaN", [](auto& a) { a.values[1] = std::nan(""); }, "not finite"},
                    Wrong{"Base", [](auto& a) { a.base = {1, 2}; }, "base is not one number an output"},
                    Wrong{"Output", [](auto& a) { a.tree_output = {1}; }, "a tree of output 1"},
                    Wrong{"Lengths", [](auto& a) { a.threshold.pop_back(); }, "different lengths"},
                    Wrong{"Missing", [](auto& a) { a.missing_left.pop_back(); }, "different lengths"},
                    Wrong{"Root", [](auto& a) { a.roots = {9}; }, "tree 0 leads to node 9"},
                    Wrong{"Nothing", [](auto& a) { a.roots.clear(); }, "no trees"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace ophion::native
