/// Transforms against scikit-learn's own results, bit for bit in float32.
#include "transform.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "transform_reference.h"

namespace ophion::native {
namespace {

constexpr std::size_t features = 3;

TransformStep standard() { return {"standard", {}, {{"mean", reference::mean}, {"scale", reference::scale}}}; }

TransformStep minmax() { return {"minmax", {}, {{"scale", reference::minmax_scale}, {"min", reference::minmax_min}}}; }

TransformStep quantile(const std::string& output) {
  return {"quantile", {{"output", output}}, {{"quantiles", reference::quantiles}, {"references", reference::references}}};
}

std::vector<float> applied(const TransformChain& chain, const std::vector<float>& rows, std::size_t width = features) {
  std::vector<float> out(rows.size() / width * chain.columns());
  chain.apply(rows.data(), static_cast<std::ptrdiff_t>(width), 1, rows.size() / width, out.data());
  return out;
}

void expect_same_bits(const std::vector<float>& found, const std::vector<float>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (std::isnan(expected[i])) {
      EXPECT_TRUE(std::isnan(found[i])) << "number " << i;
    } else {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(found[i]), std::bit_cast<std::uint32_t>(expected[i]))
          << "number " << i << ": " << found[i] << ", scikit-learn has " << expected[i];
    }
  }
}

/// To float's rounding: the order of a sum's terms is not scikit-learn's.
void expect_rounded(const std::vector<float>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(found[i]), expected[i], std::abs(expected[i]) * 0x1.000001p-24 + 1e-11) << "number " << i;
  }
}

TransformStep onehot(std::vector<double> categories, std::vector<double> counts, std::vector<double> columns, std::vector<std::string> names) {
  return {"onehot", {}, {{"categories", std::move(categories)}, {"counts", std::move(counts)}, {"columns", std::move(columns)}}, std::move(names)};
}

std::string transform_refusal(const std::function<void()>& make) {
  try {
    make();
  } catch (const std::invalid_argument& problem) {
    return problem.what();
  }
  return "nothing was refused";
}

std::string transform_refusal(TransformStep step) {
  return transform_refusal([&] { TransformChain({std::move(step)}, features); });
}

TEST(Transform, StandardIsScikitLearns) {
  expect_same_bits(applied(TransformChain({standard()}, features), reference::rows), reference::standard);
}

TEST(Transform, MinMaxIsScikitLearns) {
  expect_same_bits(applied(TransformChain({minmax()}, features), reference::rows), reference::minmax);
}

TEST(Transform, MinMaxHoldsItsRangeWhenAskedTo) {
  TransformStep step = minmax();
  step.settings["clip"] = "true";
  step.arrays["range"] = {-1, 2};
  expect_same_bits(applied(TransformChain({step}, features), reference::rows), reference::minmax_clipped);
}

TEST(Transform, UniformQuantilesAreScikitLearns) {
  expect_same_bits(applied(TransformChain({quantile("uniform")}, features), reference::rows), reference::quantile_uniform);
}

TEST(Transform, NormalQuantilesAreScikitLearns) {
  expect_same_bits(applied(TransformChain({quantile("normal")}, features), reference::rows), reference::quantile_normal);
}

TEST(Transform, RobustIsScikitLearns) {
  const TransformStep step{"robust", {}, {{"center", reference::robust_center}, {"scale", reference::robust_scale}}};
  expect_same_bits(applied(TransformChain({step}, features), reference::rows), reference::robust);
}

TEST(Transform, ClipHoldsBetweenTwoNumbers) {
  const TransformStep step{"clip", {}, {{"low", {85, 0, 4.25}}, {"high", {95, 2, 4.25}}}};
  expect_same_bits(applied(TransformChain({step}, features), reference::rows), reference::clipped);
  const TransformChain above({{"clip", {}, {{"high", {1, 2, 3}}}}}, features);
  expect_same_bits(applied(above, {-1e30f, 2, HUGE_VALF}), {-1e30f, 2, 3});
  const TransformChain below({{"clip", {}, {{"low", {1, 2, 3}}}}}, features);
  expect_same_bits(applied(below, {-1e30f, 2, HUGE_VALF}), {1, 2, HUGE_VALF});
}

TEST(Transform, TheLogarithmIsNumPys) {
  const TransformStep step{"log", {{"form", "plain"}}, {{"offset", {1, 1, 1}}}};
  expect_same_bits(applied(TransformChain({step}, features), reference::rows), reference::logarithm);
  const TransformStep symmetric{"log", {{"form", "symmetric"}}, {}};
  expect_same_bits(applied(TransformChain({symmetric}, features), reference::rows), reference::symmetric_logarithm);
}

TEST(Transform, WhatHasNoLogarithmIsNanOrTheNumberForThat) {
  TransformStep step{"log", {}, {{"offset", {0, 1, 0}}}};
  const TransformChain partial({step}, features);
  EXPECT_TRUE(partial.partial());
  expect_same_bits(applied(partial, {1, 0, HUGE_VALF, 0, -1, -HUGE_VALF, NAN, 0, 1}), {0, 0, HUGE_VALF, NAN, NAN, NAN, NAN, 0, 0});
  step.arrays["outside"] = {7, 8, 9};
  const TransformChain total({step}, features);
  EXPECT_FALSE(total.partial());
  expect_same_bits(applied(total, {1, 0, 1, 0, -1, -HUGE_VALF, NAN, 0, 1}), {0, 0, 0, 7, 8, 9, 7, 0, 0});
  EXPECT_FALSE(TransformChain({{"log", {{"form", "symmetric"}}, {}}}, features).partial());
}

TEST(Transform, FindsWhatHasNoLogarithm) {
  const TransformChain chain({onehot({1}, {1}, {1}, {"b=1"}), {"standard", {}, {{"mean", {5}}, {"scale", {2}}, {"columns", {1}}}},
                              {"log", {}, {{"offset", {0.5, 0}}, {"columns", {1, 0}}}}},
                             features);  // columns: a, c, b=1
  const float good[] = {1, 2, 5}, bad[] = {1, 2, 3}, also_bad[] = {-2, 2, 5}, not_a_number[] = {NAN, 2, 5};
  EXPECT_FALSE(chain.undefined(good));
  EXPECT_FALSE(chain.undefined(not_a_number));
  ASSERT_TRUE(chain.undefined(bad));
  EXPECT_EQ(chain.undefined(bad)->step, 2);
  EXPECT_EQ(chain.undefined(bad)->column, 1);
  EXPECT_EQ(chain.undefined(bad)->number, -1);
  EXPECT_EQ(chain.undefined(also_bad)->column, 0);
  EXPECT_THAT(chain.names({"a", "b", "c"}, 2), testing::ElementsAre("a", "c", "b=1"));
}

TEST(Transform, DecorrelationIsTheProductWithTheRootOfTheInverseCovariance) {
  const TransformStep step{"decorrelate", {}, {{"mean", reference::mixed_mean}, {"matrix", reference::decorrelation}}};
  expect_rounded(applied(TransformChain({step}, features), reference::mixed_rows), reference::decorrelated);
}

TEST(Transform, PrincipalComponentsAreScikitLearns) {
  const TransformStep step{"pca", {}, {{"mean", reference::mixed_mean}, {"components", reference::components}}, {"pca_0", "pca_1"}};
  const TransformChain chain({step}, features);
  EXPECT_EQ(chain.columns(), 2);
  expect_rounded(applied(chain, reference::mixed_rows), reference::projected);
  const TransformStep white{"pca", {}, {{"mean", reference::mixed_mean}, {"components", reference::white_components}}, {"pca_0", "pca_1"}};
  expect_rounded(applied(TransformChain({white}, features), reference::mixed_rows), reference::whitened);
}

TEST(Transform, NewColumnsStandBehindThoseThatPass) {
  const TransformStep scale{"standard", {}, {{"mean", reference::some_mean}, {"scale", reference::some_scale}, {"columns", {0}}}};
  // scikit-learn was asked for: 2, scaled 0, one-hot 1. The pca that only moves is 0 * x + 1 * y in another order.
  const TransformStep move{"pca", {}, {{"mean", {0}}, {"components", {1}}, {"columns", {0}}}, {"moved"}};
  const TransformChain chain({scale, move, onehot({0, 1, 3}, {3}, {0}, {"n=0", "n=1", "n=3"}),
                              {"pca", {}, {{"mean", {0}}, {"components", {1}}, {"columns", {1}}}, {"moved again"}}},
                             features);
  EXPECT_THAT(chain.names({"x", "n", "c"}, 4), testing::ElementsAre("c", "n=0", "n=1", "n=3", "moved again"));
  std::vector<float> expected;
  for (std::size_t row = 0; row < reference::some.size(); row += 5) {
    for (const std::size_t column : {0, 2, 3, 4, 1}) expected.push_back(reference::some[row + column]);
  }
  expect_same_bits(applied(chain, reference::rows), expected);
}

TEST(Transform, EachTypeWorksOnTheColumnsItNames) {
  const std::vector<float> row{4, 5, 6};
  const std::vector<double> columns{2, 0};
  const auto result = [&](TransformStep step) {
    step.arrays["columns"] = columns;
    return applied(TransformChain({std::move(step)}, features), row);
  };
  using testing::ElementsAre;
  EXPECT_THAT(result({"standard", {}, {{"mean", {1, 2}}, {"scale", {5, 2}}}}), ElementsAre(1, 5, 1));
  EXPECT_THAT(result({"robust", {}, {{"center", {1, 2}}, {"scale", {5, 2}}}}), ElementsAre(1, 5, 1));
  EXPECT_THAT(result({"minmax", {{"clip", "true"}}, {{"scale", {0.5, 0.125}}, {"min", {-1, 0}}}}), ElementsAre(0.5, 5, 1));
  EXPECT_THAT(result({"clip", {}, {{"low", {7, 2}}, {"high", {8, 3}}}}), ElementsAre(3, 5, 7));
  EXPECT_THAT(result({"quantile", {}, {{"quantiles", {0, 0, 8, 16}}, {"references", {0, 1}}}}), ElementsAre(0.25, 5, 0.75));
  EXPECT_THAT(result({"log", {}, {{"offset", {-5, -3}}}}), ElementsAre(0, 5, 0));
  EXPECT_THAT(result({"decorrelate", {}, {{"mean", {5, 4}}, {"matrix", {2, 0, 3, 1}}}}), ElementsAre(3, 5, 2));
  EXPECT_THAT(result({"onehot", {}, {{"categories", {6, 3, 4}}, {"counts", {1, 2}}}, {"a", "b", "c"}}), ElementsAre(5, 1, 0, 1));
  EXPECT_THAT(applied(TransformChain({{"impute", {}, {{"value", {9}}, {"columns", {1}}}}}, features), {NAN, NAN, NAN}),
              ElementsAre(testing::IsNan(), 9, testing::IsNan()));
}

TEST(Transform, WhatIsNoKnownCategoryIsAllZeros) {
  TransformStep step = onehot({-1, 2}, {2}, {0}, {"n=-1", "n=2"});
  expect_same_bits(applied(TransformChain({step}, 1), {2, -1, 3, 2.5f, NAN, HUGE_VALF, -0.0f}, 1), {0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
}

TEST(Transform, GivesTheSameForManyRowsAsForEachWhateverTheWidth) {
  const std::size_t width = 40;
  std::vector<double> mean(width / 2), matrix(mean.size() * mean.size()), columns, categories;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < mean.size(); ++i) {
    mean[i] = static_cast<double>(i);
    for (std::size_t j = 0; j < mean.size(); ++j) matrix[i * mean.size() + j] = 1.0 / static_cast<double>(1 + i + 2 * j);
    columns.push_back(static_cast<double>(width - 1 - 2 * i));
    categories.push_back(static_cast<double>(3 * i));
    names.push_back("n=" + std::to_string(3 * i));
  }
  const TransformChain chain({{"decorrelate", {}, {{"mean", mean}, {"matrix", matrix}, {"columns", columns}}},
                              onehot(categories, {static_cast<double>(categories.size())}, {4}, names)},
                             width);
  ASSERT_EQ(chain.columns(), width - 1 + mean.size());
  std::vector<float> rows(width * 103);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i % 61);
  const std::vector<float> together = applied(chain, rows, width);
  for (std::size_t row = 0; row < 103; ++row) {
    const std::vector<float> one(rows.begin() + static_cast<std::ptrdiff_t>(row * width), rows.begin() + static_cast<std::ptrdiff_t>((row + 1) * width));
    const std::vector<float> alone = applied(chain, one, width);
    expect_same_bits({together.begin() + static_cast<std::ptrdiff_t>(row * chain.columns()),
                      together.begin() + static_cast<std::ptrdiff_t>((row + 1) * chain.columns())},
                     alone);
  }
}

TEST(Transform, AChainRoundsOnceAtItsEnd) {
  const TransformStep second{"standard", {}, {{"mean", reference::second_mean}, {"scale", reference::second_scale}}};
  expect_same_bits(applied(TransformChain({minmax(), second}, features), reference::rows), reference::minmax_then_standard);
}

TEST(Transform, ImputeReplacesNanAndInfinitiesOnly) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const TransformChain chain({{"impute", {}, {{"value", {7, 8, 9}}}}}, features);
  expect_same_bits(applied(chain, {1, NAN, 3, infinity, 5, -infinity, -0.0f, 3.4e38f, NAN}),
                   {1, 8, 3, 7, 5, 9, -0.0f, 3.4e38f, 9});
}

TEST(Transform, ReadsAnyStridesAndDoubles) {
  const std::size_t rows = reference::rows.size() / features;
  std::vector<double> columns(reference::rows.size() * 2, -1);  // column by column, every second number
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < features; ++i) columns[2 * (i * rows + row)] = reference::rows[row * features + i];
  }
  std::vector<float> out(reference::rows.size());
  TransformChain({standard()}, features).apply(columns.data(), 2, static_cast<std::ptrdiff_t>(2 * rows), rows, out.data());
  expect_same_bits(out, reference::standard);
}

TEST(Transform, MayWriteOverItsInput) {
  std::vector<float> rows = reference::rows;
  TransformChain({standard()}, features).apply(rows.data(), features, 1, rows.size() / features, rows.data());
  expect_same_bits(rows, reference::standard);
}

TEST(Transform, GivesTheSameForManyRowsAsForEach) {
  // 1,000 features make a tile of one row, one feature a tile of hundreds.
  for (const std::size_t width : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    std::vector<double> mean(width), scale(width);
    for (std::size_t i = 0; i < width; ++i) {
      mean[i] = static_cast<double>(i);
      scale[i] = 1 + static_cast<double>(i % 5);
    }
    const TransformChain chain({{"standard", {}, {{"mean", mean}, {"scale", scale}}}}, width);
    std::vector<float> rows(width * 1030);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i % 1013);
    const std::vector<float> together = applied(chain, rows, width);
    for (const std::size_t row : {std::size_t{0}, std::size_t{511}, std::size_t{512}, std::size_t{1029}}) {
      for (std::size_t i = 0; i < width; ++i) {
        const double x = static_cast<double>((row * width + i) % 1013);
        EXPECT_EQ(together[row * width + i], static_cast<float>((x - mean[i]) / scale[i]));
      }
    }
  }
}

TEST(Transform, AChainWithoutStepsOnlyRoundsToFloat) {
  const TransformChain chain({}, 2);
  EXPECT_TRUE(chain.empty());
  const double row[] = {0.1, 1e300};
  float out[2];
  chain.apply(row, 2, 1, 1, out);
  EXPECT_EQ(out[0], 0.1f);
  EXPECT_EQ(out[1], std::numeric_limits<float>::infinity());
}

TEST(Transform, RefusesWhatIsNoTransform) {
  EXPECT_EQ(transform_refusal({"robusto", {}, {}}), "transform 0 'robusto': is no type of transform that this Ophion knows");
  EXPECT_EQ(transform_refusal([] { TransformChain(std::vector(1001, standard()), features); }), "expected at most 1000 transforms, found 1001");
  EXPECT_EQ(transform_refusal([] { TransformChain({standard()}, 0); }), "a chain of transforms needs at least one feature");
}

TEST(Transform, RefusesArraysOfTheWrongShape) {
  EXPECT_EQ(transform_refusal([] { TransformChain({minmax(), {"standard", {}, {{"mean", {0, 0, 0}}}}}, features); }),
            "transform 1 'standard': lacks its array 'scale'");
  EXPECT_EQ(transform_refusal({"standard", {}, {{"mean", {0, 0}}, {"scale", {1, 1, 1}}}}),
            "transform 0 'standard': expected 3 numbers in 'mean', found 2");
  EXPECT_EQ(transform_refusal({"quantile", {}, {{"quantiles", {1, 2, 3, 4, 5, 6}}, {"references", {0, 0.5, 1}}}}),
            "transform 0 'quantile': expected 9 numbers in 'quantiles', found 6");
  EXPECT_EQ(transform_refusal({"quantile", {}, {{"quantiles", {}}, {"references", {}}}}),
            "transform 0 'quantile': expected some numbers in 'references', found 0");
}

TEST(Transform, RefusesColumnsThatCannotBeRight) {
  TransformStep step{"standard", {}, {{"mean", {0}}, {"scale", {1}}, {"columns", {3}}}};
  EXPECT_EQ(transform_refusal(step), "transform 0 'standard': expected whole numbers from 0 to 2 in 'columns', found 3.000000");
  for (const double column : {-1.0, 0.5, 1e300}) {
    step.arrays["columns"] = {column};
    EXPECT_THAT(transform_refusal(step), testing::HasSubstr("expected whole numbers from 0 to 2 in 'columns', found "));
  }
  step.arrays["columns"] = {NAN};
  EXPECT_EQ(transform_refusal(step), "transform 0 'standard': number 0 of 'columns' is not finite");
  step.arrays["columns"] = {};
  EXPECT_EQ(transform_refusal(step), "transform 0 'standard': expected some numbers in 'columns', found 0");
  step.arrays["columns"] = {1, 2};
  EXPECT_EQ(transform_refusal(step), "transform 0 'standard': expected 2 numbers in 'mean', found 1");
  step.arrays["columns"] = {1, 1};
  EXPECT_EQ(transform_refusal(step), "transform 0 'standard': has column 1 twice in 'columns'");
}

TEST(Transform, RefusesNewColumnsThatCannotBeRight) {
  const auto pca = [](std::vector<double> components, std::vector<std::string> names) {
    return transform_refusal({"pca", {}, {{"mean", {0, 0, 0}}, {"components", std::move(components)}}, std::move(names)});
  };
  EXPECT_EQ(pca({1, 2, 3, 4}, {"a"}), "transform 0 'pca': expected rows of 3 numbers in 'components', found 4 numbers");
  EXPECT_EQ(pca({1, 2, 3, 4, 5, 6}, {"a"}), "transform 0 'pca': expected 2 names of new columns, found 1");
  EXPECT_EQ(pca({}, {}), "transform 0 'pca': expected some numbers in 'components', found 0");
  EXPECT_EQ(pca({1, 2}, {}), "transform 0 'pca': expected rows of 3 numbers in 'components', found 2 numbers");
  TransformStep named = standard();
  named.names = {"a"};
  EXPECT_EQ(transform_refusal(named), "transform 0 'standard': expected 0 names of new columns, found 1");
  EXPECT_EQ(transform_refusal({"decorrelate", {}, {{"mean", {0, 0, 0}}, {"matrix", {1, 2, 3}}}}),
            "transform 0 'decorrelate': expected 9 numbers in 'matrix', found 3");
  EXPECT_EQ(transform_refusal(onehot({1, 2, 3}, {2}, {0}, {"a", "b", "c"})), "transform 0 'onehot': 'counts' do not add up to the 3 numbers of 'categories'");
  EXPECT_EQ(transform_refusal(onehot({1, 2, 3}, {1, 1}, {0}, {"a", "b", "c"})), "transform 0 'onehot': expected 1 numbers in 'counts', found 2");
  EXPECT_EQ(transform_refusal(onehot({1, 2}, {0, 2}, {0, 1}, {"a", "b"})),
            "transform 0 'onehot': expected whole numbers from 1 to 2 in 'counts', found 0.000000");
  EXPECT_EQ(transform_refusal(onehot({1, 3, 3}, {1, 2}, {0, 1}, {"a", "b", "c"})), "transform 0 'onehot': the 'categories' of feature 1 do not ascend");
  std::vector<double> many(100'000);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<double>(i);
  EXPECT_EQ(transform_refusal(onehot(many, {100'000}, {0}, std::vector<std::string>(many.size()))),
            "transform 0 'onehot': expected at most 100000 columns, found 100002");
}

TEST(Transform, RefusesNumbersThatCannotBeRight) {
  EXPECT_EQ(transform_refusal({"robust", {}, {{"center", {0, 0, 0}}, {"scale", {1, 0, 1}}}}), "transform 0 'robust': number 1 of 'scale' is 0");
  EXPECT_EQ(transform_refusal({"clip", {}, {}}), "transform 0 'clip': lacks its arrays 'low' and 'high', of which it needs one");
  EXPECT_EQ(transform_refusal({"clip", {}, {{"low", {0, 2, 0}}, {"high", {1, 1, 1}}}}), "transform 0 'clip': number 1 of 'low' is above that of 'high'");
  EXPECT_EQ(transform_refusal({"log", {{"form", "symmetric"}}, {{"offset", {0, 0, 0}}}}), "transform 0 'log': has an array 'offset' that is not known");
  EXPECT_EQ(transform_refusal({"standard", {}, {{"mean", {0, NAN, 0}}, {"scale", {1, 1, 1}}}}),
            "transform 0 'standard': number 1 of 'mean' is not finite");
  EXPECT_EQ(transform_refusal({"standard", {}, {{"mean", {0, 0, 0}}, {"scale", {1, 1, 0}}}}),
            "transform 0 'standard': number 2 of 'scale' is 0");
  EXPECT_EQ(transform_refusal({"quantile", {}, {{"quantiles", {0, 0, 0, 1, -1, 1}}, {"references", {0, 1}}}}),
            "transform 0 'quantile': the 'quantiles' of feature 1 do not ascend");
  EXPECT_EQ(transform_refusal({"quantile", {}, {{"quantiles", {0, 0, 0, 1, 1, 1}}, {"references", {1, 0}}}}),
            "transform 0 'quantile': 'references' do not ascend");
}

TEST(Transform, RefusesWhatNobodyKnows) {
  TransformStep step = quantile("gauss");
  EXPECT_EQ(transform_refusal(step), "transform 0 'quantile': expected 'uniform' or 'normal' for 'output', found 'gauss'");
  step = standard();
  step.arrays["var"] = {1, 1, 1};
  EXPECT_EQ(transform_refusal(step), "transform 0 'standard': has an array 'var' that is not known");
  step = standard();
  step.settings["clip"] = "true";
  EXPECT_EQ(transform_refusal(step), "transform 0 'standard': has a setting 'clip' that is not known");
  step = minmax();
  step.settings["clip"] = "true";
  step.arrays["range"] = {1, 1};
  EXPECT_EQ(transform_refusal(step), "transform 0 'minmax': the first number of 'range' is not below the second");
}

}  // namespace
}  // namespace ophion::native
