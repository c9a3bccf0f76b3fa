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
  std::vector<float> out(rows.size());
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

std::string refusal(const std::function<void()>& make) {
  try {
    make();
  } catch (const std::invalid_argument& problem) {
    return problem.what();
  }
  return "nothing was refused";
}

std::string refusal(TransformStep step) {
  return refusal([&] { TransformChain({std::move(step)}, features); });
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
  EXPECT_EQ(refusal({"robust", {}, {}}),
            "transform 0 'robust': expected the type 'standard', 'minmax', 'quantile' or 'impute'");
  EXPECT_EQ(refusal([] { TransformChain({standard()}, 0); }), "a chain of transforms needs at least one feature");
}

TEST(Transform, RefusesArraysOfTheWrongShape) {
  EXPECT_EQ(refusal([] { TransformChain({minmax(), {"standard", {}, {{"mean", {0, 0, 0}}}}}, features); }),
            "transform 1 'standard': lacks its array 'scale'");
  EXPECT_EQ(refusal({"standard", {}, {{"mean", {0, 0}}, {"scale", {1, 1, 1}}}}),
            "transform 0 'standard': expected 3 numbers in 'mean', found 2");
  EXPECT_EQ(refusal({"quantile", {}, {{"quantiles", {1, 2, 3, 4, 5, 6}}, {"references", {0, 0.5, 1}}}}),
            "transform 0 'quantile': expected 9 numbers in 'quantiles', found 6");
  EXPECT_EQ(refusal({"quantile", {}, {{"quantiles", {}}, {"references", {}}}}),
            "transform 0 'quantile': expected some numbers in 'references', found 0");
}

TEST(Transform, RefusesNumbersThatCannotBeRight) {
  EXPECT_EQ(refusal({"standard", {}, {{"mean", {0, NAN, 0}}, {"scale", {1, 1, 1}}}}),
            "transform 0 'standard': number 1 of 'mean' is not finite");
  EXPECT_EQ(refusal({"standard", {}, {{"mean", {0, 0, 0}}, {"scale", {1, 1, 0}}}}),
            "transform 0 'standard': number 2 of 'scale' is 0");
  EXPECT_EQ(refusal({"quantile", {}, {{"quantiles", {0, 0, 0, 1, -1, 1}}, {"references", {0, 1}}}}),
            "transform 0 'quantile': the 'quantiles' of feature 1 do not ascend");
  EXPECT_EQ(refusal({"quantile", {}, {{"quantiles", {0, 0, 0, 1, 1, 1}}, {"references", {1, 0}}}}),
            "transform 0 'quantile': 'references' do not ascend");
}

TEST(Transform, RefusesWhatNobodyKnows) {
  TransformStep step = quantile("gauss");
  EXPECT_EQ(refusal(step), "transform 0 'quantile': expected 'uniform' or 'normal' for 'output', found 'gauss'");
  step = standard();
  step.arrays["var"] = {1, 1, 1};
  EXPECT_EQ(refusal(step), "transform 0 'standard': has an array 'var' that is not known");
  step = standard();
  step.settings["clip"] = "true";
  EXPECT_EQ(refusal(step), "transform 0 'standard': has a setting 'clip' that is not known");
  step = minmax();
  step.settings["clip"] = "true";
  step.arrays["range"] = {1, 1};
  EXPECT_EQ(refusal(step), "transform 0 'minmax': the first number of 'range' is not below the second");
}

}  // namespace
}  // namespace ophion::native
