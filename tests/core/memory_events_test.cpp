/// Events from the program's own memory, and weights for the loss.
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "core/error_of.h"
#include "core/events_from_files.h"
#include "events.h"

namespace ophion {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::StartsWith;

EventPlan plan_for(std::vector<NamedExpression> features) {
  EventPlan plan;
  plan.task = "classification";
  plan.seed = 1;
  plan.data.features = std::move(features);
  plan.data.split.validation = 0;
  plan.data.split.test = 0;
  return plan;
}

TEST(EventsFromMemory, AreTakenAtTheirStridesFromFloatOrDouble) {
  const std::vector<double> by_columns = {1, 2, 3, 10, 20, 30};                  // a, then b
  const std::vector<float> padded = {4, 40, -1, 5, 50, -1};                      // a row ends with something else
  const std::vector<float> backwards = {60, 6, 70, 7};                           // from the end: a, b, a, b
  Dataset data({"a", "b"});
  data.add("signal", MatrixView(by_columns.data(), 3, 2, 1, 3));
  data.add("background", MatrixView(padded.data(), 2, 2, 3, 1));
  data.add("background", MatrixView(backwards.data() + 3, 2, 2, -2, -1));
  const Events events = take_events(plan_for({{"b", "b", ""}, {"a", "a", ""}, {"sum", "a + b", ""}}), data);
  const Part& train = events[PartName::train];
  EXPECT_THAT(column(train.features, 0), ElementsAre(10, 20, 30, 40, 50, 70, 60));
  EXPECT_THAT(column(train.features, 1), ElementsAre(1, 2, 3, 4, 5, 7, 6));
  EXPECT_THAT(column(train.features, 2), ElementsAre(11, 22, 33, 44, 55, 77, 66));
  EXPECT_THAT(train.labels, ElementsAre(1, 1, 1, 0, 0, 0, 0));
  EXPECT_THAT(train.sample, ElementsAre(0u, 0u, 0u, 1u, 1u, 2u, 2u));
  EXPECT_THAT(train.weights, ElementsAre(1, 1, 1, 1, 1, 1, 1));
}

TEST(EventsFromMemory, BringWeightsSpectatorsAndInputsOfTheSplit) {
  const std::vector<float> x = {1, 2, 3, 4};
  const std::vector<double> weights = {0.1, 0.2, 0.3, 0.4};
  const std::vector<std::uint64_t> event = {18446744073709551615u, 18446744073709551614u, 2, 3};
  const std::vector<std::int8_t> fold = {0, 1, 0, 1};
  Dataset data({"x"});
  const auto others = [&](std::size_t first) {
    return Columns{Column("event", std::span(event).subspan(first, 2)), Column("fold", std::span(fold).subspan(first, 2))};
  };
  data.add("signal", MatrixView(x.data(), 2, 1), std::span(weights).first(2), others(0));
  data.add("background", MatrixView(x.data() + 2, 2, 1), std::span(weights).last(2), others(2));
  EventPlan plan = plan_for({{"x", "x", ""}});
  plan.data.spectators = {"event"};
  plan.data.split.by = "fold";
  plan.data.split.test_values = {1};
  const Events events = take_events(plan, data);
  EXPECT_THAT(events[PartName::train].weights, ElementsAre(0.1, 0.3));
  EXPECT_THAT(events[PartName::test].weights, ElementsAre(0.2, 0.4));
  const Column& kept = events[PartName::test].spectators[0];
  ASSERT_EQ(kept.type, DType::uint64);
  EXPECT_EQ(*static_cast<const std::uint64_t*>(kept.data), 18446744073709551614u);
}

TEST(EventsFromMemory, DoNotChangeWhenTheProgramsMemoryGoesAway) {
  auto x = std::make_unique<std::vector<float>>(std::vector<float>{1, 2, 3, 4});
  Dataset data({"x"});
  data.add("a", MatrixView(x->data(), 2, 1)).add("b", MatrixView(x->data() + 2, 2, 1));
  const Part train = take_events(plan_for({{"x", "x", ""}}), data)[PartName::train];
  x.reset();
  EXPECT_THAT(column(train.features, 0), ElementsAre(1, 2, 3, 4));
}

TEST(EventsFromMemory, LogTheBytesOfTheirCopy) {
  const std::vector<float> x(10);
  Dataset data({"x", "y"});
  data.add("a", MatrixView(x.data(), 2, 2)).add("b", MatrixView(x.data(), 3, 2));
  std::vector<std::string> lines;
  const RuntimeOptions before = runtime_options();
  RuntimeOptions options = before;
  options.log_sink = [&](LogLevel, std::string_view line) { lines.emplace_back(line); };
  configure(options);
  take_events(plan_for({{"x", "x", ""}, {"y", "y", ""}}), data);
  configure(before);
  // 5 rows of two features, label, weight, sample and entry: 8 + 4 + 8 + 4 + 8 bytes
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines.back(), "copied 5 events from the program's memory into the parts of the run: 160 bytes");
}

TEST(EventsFromMemory, TakeTargetsFromTheMatrixOrByExpression) {
  const std::vector<double> x = {1, 2, 3};
  const std::vector<float> y = {7, 8, 9};
  EventPlan plan = plan_for({{"x", "x", ""}});
  plan.task = "regression";
  plan.data.targets = {{"y", "5 * x", ""}};
  Dataset given({"x"});
  given.add("", MatrixView(x.data(), 3, 1)).targets(MatrixView(y.data(), 3, 1));
  EXPECT_THAT(column(take_events(plan, given)[PartName::train].targets, 0), ElementsAre(7, 8, 9));
  Dataset computed({"x"});
  computed.add("", MatrixView(x.data(), 3, 1));
  EXPECT_THAT(column(take_events(plan, computed)[PartName::train].targets, 0), ElementsAre(5, 10, 15));
  plan.data.targets.push_back({"z", "x", ""});
  EXPECT_EQ(error_of<DataError>([&] { take_events(plan, given); }),
            "sample 0 in memory: expected 2 columns of targets, as in data.targets, found 1");
}

TEST(EventsFromMemory, AreRefusedByNameOfTheirSample) {
  const std::vector<double> x = {1, 1e300, 3};
  const std::vector<double> weights = {1, 1, -1};
  Dataset data({"pt"});
  data.add("a", MatrixView(x.data(), 1, 1)).add("b", MatrixView(x.data(), 3, 1), weights);
  EXPECT_THAT(error_of<DataError>([&] { take_events(plan_for({{"p", "pT", ""}}), data); }),
              StartsWith("sample 0 ('a') in memory: no column 'pT', which feature 'p' needs; did you mean 'pt'"));
  EXPECT_EQ(error_of<DataError>([&] { take_events(plan_for({{"p", "pt", ""}}), data); }),
            "sample 1 ('b') in memory: weight of sample 1 ('b') is negative in 1 of 3 selected events (first: -1 at entry 2); "
            "data.weights.negative can be keep, zero_in_training or abs");
  EventPlan plan = plan_for({{"p", "pt", ""}});
  plan.data.negative = NegativeWeights::keep;
  EXPECT_EQ(error_of<DataError>([&] { take_events(plan, data); }),
            "sample 1 ('b') in memory: feature 'p' is too large for float32 in 1 of 3 selected events (first: 1e+300 at entry 1)");
  Dataset empty({"pt"});
  empty.add("a", MatrixView(x.data(), 1, 1)).add("b", MatrixView(x.data(), 0, 1));
  EXPECT_EQ(error_of<DataError>([&] { take_events(plan, empty); }), "sample 1 ('b'): there are no events");
}

TEST(EventsFromMemory, SplitInTheFractionsOfTheConfig) {
  std::vector<float> x(200'000);
  std::iota(x.begin(), x.end(), 0.f);
  Dataset data({"x"});
  data.add("a", MatrixView(x.data(), 100'000, 1)).add("b", MatrixView(x.data() + 100'000, 100'000, 1));
  EventPlan plan = plan_for({{"x", "x", ""}});
  plan.data.split.validation = 0.1;
  plan.data.split.test = 0.25;
  const Events events = take_events(plan, data);
  // Binomial: within five standard errors.
  EXPECT_NEAR(static_cast<double>(events.samples[0].parts[2]), 25'000, 5 * std::sqrt(100'000 * 0.25 * 0.75));
  EXPECT_NEAR(static_cast<double>(events.samples[1].parts[1]), 10'000, 5 * std::sqrt(100'000 * 0.1 * 0.9));
  std::vector<float> all;
  for (const Part& part : events.parts)
    for (std::size_t row = 0; row < part.rows(); ++row) all.push_back(part.features.at(row, 0));
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, x) << "each row is in one part, once";
  EXPECT_NE(events.samples[0].parts, events.samples[1].parts);
}

/// A part of two classes with these weights.
struct WeightedPart {
  std::vector<double> weights;
  std::vector<std::int32_t> labels;
  std::vector<float> features = std::vector<float>(weights.size());
  Part part() const {
    Part result;
    result.weights = weights;
    result.labels = labels;
    result.features = MatrixView(features.data(), features.size(), 1);
    return result;
  }
};

TEST(TrainingWeights, GiveEachClassTheSameSum) {
  const WeightedPart rows{{1, 3, 2, 2, 2}, {0, 0, 1, 1, 1}};
  // Five rows, two classes: each sums to 2.5, so class 0 is scaled by 2.5/4 and class 1 by 2.5/6.
  EXPECT_THAT(training_weights(DataConfig(), rows.part(), 2),
              ElementsAre(DoubleNear(0.625, 1e-15), DoubleNear(1.875, 1e-15), DoubleNear(2.5 / 3, 1e-15),
                          DoubleNear(2.5 / 3, 1e-15), DoubleNear(2.5 / 3, 1e-15)));
}

TEST(TrainingWeights, HaveMeanOneOrStayAsAsked) {
  const WeightedPart rows{{1, 3, 2, 2, 2}, {0, 0, 1, 1, 1}};
  DataConfig data;
  data.normalise = Normalisation::mean_one;
  EXPECT_THAT(training_weights(data, rows.part(), 2), ElementsAre(0.5, 1.5, 1, 1, 1));
  data.normalise = Normalisation::none;
  EXPECT_THAT(training_weights(data, rows.part(), 2), ElementsAre(1, 3, 2, 2, 2));
  data.normalise = Normalisation::equal_class;
  EXPECT_THAT(training_weights(data, rows.part(), 0), ElementsAre(0.5, 1.5, 1, 1, 1)) << "regression has no classes";
}

TEST(TrainingWeights, FollowThePolicyForNegativeOnesFirst) {
  const WeightedPart rows{{-1, 3, 2, 2}, {0, 0, 1, 1}};
  DataConfig data;
  data.normalise = Normalisation::none;
  data.negative = NegativeWeights::keep;
  EXPECT_THAT(training_weights(data, rows.part(), 2), ElementsAre(-1, 3, 2, 2));
  data.negative = NegativeWeights::zero_in_training;
  EXPECT_THAT(training_weights(data, rows.part(), 2), ElementsAre(0, 3, 2, 2));
  data.negative = NegativeWeights::abs;
  EXPECT_THAT(training_weights(data, rows.part(), 2), ElementsAre(1, 3, 2, 2));
  data.normalise = Normalisation::equal_class;
  EXPECT_THAT(training_weights(data, rows.part(), 2), ElementsAre(0.5, 1.5, 1, 1));
}

TEST(TrainingWeights, LeaveOutAClassThatThePartHasNot) {
  const WeightedPart rows{{2, 6}, {2, 2}};
  EXPECT_THAT(training_weights(DataConfig(), rows.part(), 3), ElementsAre(0.5, 1.5));
  EXPECT_TRUE(training_weights(DataConfig(), Part(), 3).empty());
}

TEST(TrainingWeights, RefuseASumThatIsNotPositive) {
  const WeightedPart rows{{-1, 1, 2}, {0, 0, 1}};
  DataConfig data;
  data.negative = NegativeWeights::keep;
  EXPECT_EQ(error_of<DataError>([&] { training_weights(data, rows.part(), 2); }),
            "the weights of 2 events of class 0 sum to 0: data.weights.normalise needs a positive sum");
}

}  // namespace
}  // namespace ophion
