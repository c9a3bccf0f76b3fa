/// Every engine in every build of the kernels that this machine has, beside the plainest walk: the same leaves, the same sums.
#include "forest.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "forest_reference.h"
#include "slow_tests.h"

namespace ophion::native {
namespace {

struct Shape {
  std::string name;
  std::vector<std::size_t> leaves;  // of the trees, by turns
  std::size_t trees;
  ForestPlan plan;
};

void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.name; }

class ForestEngines : public testing::TestWithParam<std::tuple<Isa, Shape>> {
 protected:
  void SetUp() override {
    if (!has_isa(std::get<0>(GetParam()))) GTEST_SKIP() << "not on this machine";
  }

  static ForestMaker made(const Shape& shape, unsigned seed = 1) {
    ForestMaker maker(shape.plan, seed);
    for (std::size_t tree = 0; tree < shape.trees; ++tree) maker.add_tree(shape.leaves[tree % shape.leaves.size()]);
    maker.arrays.scale = 0.5;
    return maker;
  }
};

std::vector<float> expected(const ForestArrays& arrays, const std::vector<float>& events) {
  std::vector<float> scores;
  for (std::size_t i = 0; i < events.size(); i += arrays.features) {
    for (const double sum : plain_sums(arrays, &events[i])) scores.push_back(static_cast<float>(sum));
  }
  return scores;
}

std::vector<float> scores_of(const Forest& forest, const float* events, std::size_t rows) {
  std::vector<float> scores(rows * forest.outputs(), -1.0f);
  EXPECT_EQ(forest.score(events, static_cast<std::ptrdiff_t>(forest.features()), 1, rows, scores.data()), rows);
  return scores;
}

TEST_P(ForestEngines, FindTheLeavesThatAPlainWalkFinds) {
  const auto& [isa, shape] = GetParam();
  ForestMaker maker = made(shape);
  const Forest forest(maker.arrays, isa);
  for (const double missing : {0.0, 0.03, 1.0}) {
    constexpr std::size_t rows = 150;
    const std::vector<float> events = maker.events(rows, missing);
    const std::vector<float> answers = expected(maker.arrays, events);
    ASSERT_EQ(scores_of(forest, events.data(), rows), answers);
    std::vector<float> one_by_one;
    for (std::size_t row = 0; row < rows; ++row) {
      const std::vector<float> alone = scores_of(forest, &events[row * shape.plan.features], 1);
      one_by_one.insert(one_by_one.end(), alone.begin(), alone.end());
    }
    ASSERT_EQ(one_by_one, answers);
    if (!shape.plan.missing) break;
  }
}

TEST(WeightedMedians, AreOfNumbersOfAnySizeWithoutRoundingThemForASum) {
  ForestMaker maker({.median = true}, 11);
  for (int tree = 0; tree < 30; ++tree) maker.add_tree(20);
  std::mt19937 random(12);
  for (double& value : maker.arrays.values) {  // float32 numbers of all sizes, many of them twice
    const double size = std::ldexp(1.0, static_cast<int>(random() % 200) - 100);
    value = size * static_cast<double>(static_cast<int>(random() % 5) - 2);
  }
  maker.arrays.base = {0};
  const Forest forest(maker.arrays);
  const std::vector<float> events = maker.events(200, 0.02);
  EXPECT_EQ(scores_of(forest, events.data(), 200), expected(maker.arrays, events));
}

/// A large forest from `tree_leaves`: batches and single events beside the plain walk.
void expect_plain_scores(std::size_t trees, std::size_t tree_leaves, std::size_t nodes) {
  ForestMaker maker(ForestPlan{.features = 28}, 5);
  for (std::size_t tree = 0; tree < trees; ++tree) maker.add_tree(tree_leaves);
  ASSERT_GT(maker.arrays.feature.size(), nodes);
  const Forest forest(maker.arrays);
  constexpr std::size_t rows = 200;
  const std::vector<float> events = maker.events(rows, 0.01);
  const std::vector<float> answers = expected(maker.arrays, events);
  EXPECT_EQ(scores_of(forest, events.data(), rows), answers);
  EXPECT_EQ(scores_of(forest, events.data(), 1).front(), answers.front());
}

TEST(LargeForests, TakeFiveMillionNodes) {
  const auto trees = static_cast<std::size_t>(times_in_a_moment(40));
  expect_plain_scores(trees, 65'000, trees * 125'000);
}

TEST(LargeForests, TakeMoreNodesThanTheShortOnesCanNumber) {
  if (!slow_tests()) GTEST_SKIP() << "slow: needs OPHION_SLOW_TESTS and gigabytes";
  expect_plain_scores(10, 850'000, std::size_t{1} << 24);
}

TEST(LargeForests, HaveNoMedianOverMoreLeavesThanFloatsCount) {
#ifdef OPHION_SANITIZE
  GTEST_SKIP() << "a sanitizer takes minutes for one tree of 16 million leaves";
#endif
  if (!slow_tests()) GTEST_SKIP() << "slow: needs OPHION_SLOW_TESTS and gigabytes";
  ForestMaker maker({.median = true}, 5);
  maker.add_tree((std::size_t{1} << 24) + 1);
  try {
    const Forest forest(std::move(maker.arrays));
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "forest: a weighted median over 16777217 leaves, of which there can be 16777216");
  }
}

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (const std::size_t leaves : {1, 2, 8, 9, 16, 17, 31, 32, 33, 63, 64, 65, 1000}) {
    all.push_back({"Leaves" + std::to_string(leaves), {leaves}, leaves > 100 ? 9u : 37u, {}});
  }
  for (const std::size_t features : {1, 2, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 255, 256, 400}) {
    ForestPlan plan;
    plan.features = features;
    all.push_back({"Features" + std::to_string(features), {30, 60, 100}, 51, plan});
  }
  for (const std::size_t trees : {1, 4, 7, 8, 15, 16, 17, 33, 300}) {
    all.push_back({"Trees" + std::to_string(trees), {7, 31, 50, 80}, trees, {}});
  }
  const std::vector<std::size_t> mixed{3, 8, 13, 25, 32, 40, 64, 70, 200};
  all.push_back({"Outputs3", {31, 12, 64, 90}, 60, {.outputs = 3}});
  all.push_back({"Outputs40", mixed, 100, {.outputs = 40}});
  all.push_back({"Outputs200", mixed, 250, {.outputs = 200}});
  all.push_back({"Rows2", mixed, 60, {.outputs = 2, .leaf_rows = true}});
  all.push_back({"Rows1", mixed, 60, {.outputs = 1, .leaf_rows = true}});
  all.push_back({"Rows26", mixed, 45, {.outputs = 26, .leaf_rows = true}});
  all.push_back({"Rows200", {20, 60, 100}, 10, {.outputs = 200, .leaf_rows = true}});
  all.push_back({"NoMissing", mixed, 60, {.missing = false}});
  all.push_back({"AllInfinite", mixed, 60, {.infinite = 1.0}});
  all.push_back({"Categories", mixed, 60, {.categories = true}});
  for (const std::size_t trees : {1, 2, 7, 50, 300}) all.push_back({"Median" + std::to_string(trees), mixed, trees, {.median = true}});
  all.push_back({"MedianRow", mixed, 40, {.leaf_rows = true, .median = true}});
  all.push_back({"MedianNoMissing", {4, 8}, 50, {.missing = false, .median = true}});
  all.push_back({"MedianCategories", mixed, 60, {.categories = true, .median = true}});
  all.push_back({"CategoriesRows", {2, 20, 90}, 30, {.features = 300, .outputs = 3, .leaf_rows = true, .categories = true}});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Of, ForestEngines,
                         testing::Combine(testing::Values(Isa::generic, Isa::avx2, Isa::avx512), testing::ValuesIn(shapes())),
                         [](const auto& test) { return std::string(name_of(std::get<0>(test.param))) + std::get<1>(test.param).name; });

class ForestIn : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!has_isa(GetParam())) GTEST_SKIP() << "not on this machine";
  }
};

TEST_P(ForestIn, BatchesOfAnySizeGiveTheSameScores) {
  ForestMaker maker({.features = 7}, 5);
  for (const std::size_t leaves : {6, 15, 31, 64, 90}) {
    for (int tree = 0; tree < 5; ++tree) maker.add_tree(leaves);
  }
  const Forest forest(maker.arrays, GetParam());
  const std::vector<float> events = maker.events(300, 0.02);
  const std::vector<float> answers = expected(maker.arrays, events);
  for (std::size_t rows = 1; rows <= 300; ++rows) {
    ASSERT_EQ(scores_of(forest, events.data(), rows), std::vector<float>(answers.begin(), answers.begin() + static_cast<std::ptrdiff_t>(rows)));
  }
}

TEST_P(ForestIn, StridesChangeNothing) {
  ForestMaker maker({.features = 6}, 6);
  for (const std::size_t leaves : {8, 40, 80}) {
    for (int tree = 0; tree < 17; ++tree) maker.add_tree(leaves);
  }
  const Forest forest(maker.arrays, GetParam());
  for (const std::size_t rows : {1, 3, 20, 200}) {
    const std::vector<float> events = maker.events(rows, 0.02);
    const std::vector<float> answers = expected(maker.arrays, events);
    std::vector<float> columns(rows * 6), apart(rows * 40), backwards(rows * 6), scores(rows);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < 6; ++j) {
        columns[j * rows + i] = apart[i * 40 + j * 5] = backwards[(rows - 1 - i) * 6 + j] = events[i * 6 + j];
      }
    }
    forest.score(columns.data(), 1, static_cast<std::ptrdiff_t>(rows), rows, scores.data());
    ASSERT_EQ(scores, answers);
    forest.score(apart.data(), 40, 5, rows, scores.data());
    ASSERT_EQ(scores, answers);
    forest.score(backwards.data() + (rows - 1) * 6, -6, 1, rows, scores.data());
    ASSERT_EQ(scores, answers);
  }
}

TEST_P(ForestIn, NamesTheFirstRowWithAMissingValueItDoesNotTake) {
  for (const std::vector<std::size_t>& trees : {std::vector<std::size_t>{20}, {100}, {20, 100}}) {
    ForestMaker maker({.missing = false}, 7);
    for (const std::size_t leaves : trees) maker.add_tree(leaves);
    const Forest forest(maker.arrays, GetParam());
    for (const std::size_t rows : {1, 5, 60, 1000}) {
      std::vector<float> events = maker.events(rows, 0);
      std::vector<float> scores(rows);
      for (const std::size_t row : {rows - 1, rows / 2, std::size_t{0}}) {
        events[row * 5 + 4] = std::nanf("");
        EXPECT_EQ(forest.score(events.data(), 5, 1, rows, scores.data()), row);
      }
    }
  }
}

TEST_P(ForestIn, SumsOfFiveHundredTreesStayWithinAMillionthOfTheTrainersProbability) {
  ForestMaker maker({.features = 28}, 8);
  for (int tree = 0; tree < 500; ++tree) maker.add_tree(31);
  std::mt19937 random(9);
  for (double& value : maker.arrays.values) value = 0.1 * std::normal_distribution<double>()(random);  // no float32 among them
  maker.arrays.link = Link::logistic;
  maker.arrays.scale = 1;
  const Forest forest(maker.arrays, GetParam());
  const std::vector<float> events = maker.events(300, 0.02);
  const std::vector<float> scores = scores_of(forest, events.data(), 300);
  for (std::size_t row = 0; row < 300; ++row) {
    EXPECT_NEAR(static_cast<double>(scores[row]), 1 / (1 + std::exp(-plain_sums(maker.arrays, &events[row * 28])[0])), 2e-7);
  }
}

INSTANTIATE_TEST_SUITE_P(Build, ForestIn, testing::Values(Isa::generic, Isa::avx2, Isa::avx512), [](const auto& test) { return name_of(test.param); });

TEST(SummableValues, GiveTheSameSumInAnyOrder) {
  ForestMaker maker({}, 3);
  for (int tree = 0; tree < 200; ++tree) maker.add_tree(3);
  std::mt19937 random(4);
  for (double& value : maker.arrays.values) value = std::normal_distribution<double>()(random) * std::pow(10.0, static_cast<int>(random() % 12) - 6);
  const std::vector<float> values = summable_values(maker.arrays, check_forest(maker.arrays));
  double forth = 0, back = 0;
  for (std::size_t tree = 0; tree < 200; ++tree) {
    forth += static_cast<double>(values[3 * tree]);
    back += static_cast<double>(values[3 * (199 - tree)]);
  }
  EXPECT_EQ(forth, back);
  double most = 0;
  for (const double value : maker.arrays.values) most += std::fabs(value);
  for (std::size_t i = 0; i < values.size(); ++i) {  // as exact as float32 is, or as a double sum of all
    EXPECT_NEAR(static_cast<double>(values[i]), maker.arrays.values[i], 6e-8 * std::fabs(maker.arrays.values[i]) + 2e-16 * most);
  }
}

TEST(SummableValues, TakeTheSmallestAndTheLargest) {
  ForestMaker maker({}, 3);
  maker.add_tree(4);
  maker.arrays.values = {1e-45, -1e-40, 0, 3e-39};
  EXPECT_EQ(summable_values(maker.arrays, check_forest(maker.arrays)), (std::vector<float>{1e-45f, -1e-40f, 0, 3e-39f}));
  maker.arrays.values = {3.4e38, -3.4e38, 0, 1};
  EXPECT_EQ(summable_values(maker.arrays, check_forest(maker.arrays))[0], 3.4e38f);
}

}  // namespace
}  // namespace ophion::native
