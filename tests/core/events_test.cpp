/// Events from files: the loop over chunks, its policies and counts.
#include "events.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "core/events_from_files.h"

namespace ophion {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

TEST_F(EventsFromFiles, GoThroughSelectionWeightAndFeaturesToRowMajorParts) {
  file("s.fake", {made_column<float>("a", {1, 2, 3, 4}), made_column<std::int32_t>("n", {5, -6, 7, -8}),
                  made_column<double>("w", {0.5, 0.25, 2, 4}), made_column<bool>("unused", {true, true, true, true})});
  file("b.fake", {made_column<double>("a", {10, 20}), made_column<std::int64_t>("n", {1, -2}), made_column<float>("w", {1, 1})});
  plan_.data.features = {{"a", "a", ""}, {"abs_n", "abs(n) + 0.5", ""}};
  plan_.data.samples = {sample("signal", "s.fake"), sample("background", "b.fake")};
  plan_.data.samples[0].selection = "a > 1.5";
  plan_.data.samples[0].weight = "w * 2";
  plan_.data.samples[1].weight = "w";
  const Events events = read();
  const Part& train = events[PartName::train];
  EXPECT_THAT(events.classes, ElementsAre("background", "signal"));
  EXPECT_EQ(train.features.type(), DType::float32);
  EXPECT_TRUE(train.features.contiguous());
  EXPECT_THAT(column(train.features, 0), ElementsAre(2, 3, 4, 10, 20));
  EXPECT_THAT(column(train.features, 1), ElementsAre(6.5, 7.5, 8.5, 1.5, 2.5));
  EXPECT_THAT(train.labels, ElementsAre(1, 1, 1, 0, 0));
  EXPECT_THAT(train.weights, ElementsAre(0.5, 4, 8, 1, 1));
  EXPECT_THAT(train.sample, ElementsAre(0u, 0u, 0u, 1u, 1u));
  EXPECT_THAT(train.entry, ElementsAre(1u, 2u, 3u, 0u, 1u));
  EXPECT_EQ(train.targets.columns(), 0u);
  EXPECT_EQ(events[PartName::test].rows(), 0u);
  EXPECT_THAT(reader_->asked_for, ElementsAre("a", "n", "w"));
}

TEST_F(EventsFromFiles, AreCountedBeforeAndAfterTheSelection) {
  two_small_files();
  plan_.data.samples[1].selection = "x > 15";
  plan_.data.samples[1].weight = "w";
  const Events events = read();
  const SampleCount& count = events.samples[1];
  EXPECT_EQ(count.read, 2u);
  EXPECT_EQ(count.read_weight, 4.0);
  EXPECT_EQ(count.selected, 1u);
  EXPECT_EQ(count.selected_weight, 2.0);
  EXPECT_THAT(count.parts, ElementsAre(1u, 0u, 0u));
  const Value report = events.report();
  EXPECT_EQ(report.at("samples").at(1).at("class").as_text(), "background");
  EXPECT_EQ(report.at("samples").at(1).at("selected_weight").as_number(), 2.0);
  EXPECT_THAT(report.at("samples").at(1).at("files").as_texts(), ElementsAre((folder_ / "b.fake").string()));
  EXPECT_EQ(report.at("parts").at("train").as_integer(), 4);
}

TEST_F(EventsFromFiles, AreLoggedWithCountsForEachSample) {
  two_small_files();
  plan_.data.samples[1].weight = "w";
  std::vector<std::string> lines;
  const RuntimeOptions before = runtime_options();
  RuntimeOptions options = before;
  options.log_sink = [&](LogLevel, std::string_view line) { lines.emplace_back(line); };
  configure(options);
  read();
  configure(before);
  EXPECT_THAT(lines, ElementsAre("sample 0 ('signal'): 3 events read (sum of weights 3), 3 selected (sum of weights 3): 3 train, "
                                 "0 validation, 0 test",
                                 "sample 1 ('background'): 2 events read (sum of weights 4), 2 selected (sum of weights 4): 2 "
                                 "train, 0 validation, 0 test"));
}

TEST_F(EventsFromFiles, AreTheSameForEveryChunkSize) {
  std::vector<double> x(10'000), w(10'000);
  std::vector<std::uint32_t> number(10'000);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = std::sin(static_cast<double>(i));
    w[i] = 0.1 + static_cast<double>(i % 7) / 3;
    number[i] = static_cast<std::uint32_t>(i);
  }
  file("s.fake", {made_column("x", x), made_column("w", w), made_column("number", number)});
  plan_.data.samples = {sample("signal", "s.fake"), sample("background", "s.fake")};
  plan_.data.samples[0].selection = "x > 0";
  plan_.data.samples[1].selection = "x < 0";
  plan_.data.samples[1].weight = "w";
  plan_.data.features.push_back({"x2", "x * x", ""});
  plan_.data.spectators = {"number"};
  plan_.data.split.validation = 0.2;
  plan_.data.split.test = 0.3;
  const Events whole = read(100'000);
  for (const std::size_t chunk : {1u, 37u, 2048u, 2049u, 9'999u}) {
    const Events events = read(chunk);
    for (std::size_t part = 0; part < 3; ++part) {
      const Part& a = whole.parts[part];
      const Part& b = events.parts[part];
      ASSERT_GT(a.rows(), 1500u);
      ASSERT_EQ(a.rows(), b.rows());
      EXPECT_EQ(column(a.features, 0), column(b.features, 0));
      EXPECT_EQ(column(a.features, 1), column(b.features, 1));
      EXPECT_TRUE(std::equal(a.weights.begin(), a.weights.end(), b.weights.begin()));
      EXPECT_TRUE(std::equal(a.entry.begin(), a.entry.end(), b.entry.begin()));
      for (std::size_t row = 0; row < a.rows(); ++row) {
        ASSERT_EQ(b.spectators[0].at(row), static_cast<double>(b.entry[row]));
        ASSERT_EQ(b.features.at(row, 0), static_cast<float>(x[b.entry[row]]));
      }
    }
    EXPECT_EQ(whole.samples[1].read_weight, events.samples[1].read_weight);
    EXPECT_EQ(whole.samples[1].selected_weight, events.samples[1].selected_weight);
  }
}

TEST_F(EventsFromFiles, AreSplitByTheValueOfAnExpression) {
  file("s.fake", {made_column<float>("x", {0, 1, 2, 3, 4}), made_column<std::int64_t>("event", {10, 11, 12, 13, 14})});
  file("b.fake", {made_column<float>("x", {5, 6, 7, 8, 9}), made_column<std::int64_t>("event", {15, 16, 17, 18, 19})});
  plan_.data.samples = {sample("signal", "s.fake"), sample("background", "b.fake")};
  plan_.data.split.by = "event % 5";
  plan_.data.split.validation_values = {3};
  plan_.data.split.test_values = {4};
  const Events events = read();
  EXPECT_THAT(column(events[PartName::train].features, 0), ElementsAre(0, 1, 2, 5, 6, 7));
  EXPECT_THAT(column(events[PartName::validation].features, 0), ElementsAre(3, 8));
  EXPECT_THAT(column(events[PartName::test].features, 0), ElementsAre(4, 9));
  EXPECT_THAT(events.samples[1].parts, ElementsAre(3u, 1u, 1u));

  plan_.data.split.by = "event / 2";
  EXPECT_EQ(error(), "s.fake, tree 'events': data.split.by 'event / 2' is no whole number in 2 of 5 selected events (first: 5.5 at entry 1)");
}

TEST_F(EventsFromFiles, KeepSpectatorsExactlyInTheirOwnTypes) {
  two_small_files();
  const std::int64_t large = (std::int64_t{1} << 53) + 1;  // no double holds it
  reader_->files["s.fake"].columns.push_back(made_column<std::int64_t>("event", {large, large + 2, -large}));
  reader_->files["b.fake"].columns.push_back(made_column<std::int64_t>("event", {7, large + 4}));
  reader_->files["s.fake"].columns.push_back(made_column<bool>("good", {true, false, true}));
  reader_->files["b.fake"].columns.push_back(made_column<bool>("good", {false, true}));
  plan_.data.spectators = {"event", "good", "x"};
  const Events events = read(2);
  const Columns& spectators = events[PartName::train].spectators;
  ASSERT_EQ(spectators[0].type, DType::int64);
  EXPECT_THAT(std::span(static_cast<const std::int64_t*>(spectators[0].data), 5),
              ElementsAre(large, large + 2, -large, 7, large + 4));
  EXPECT_EQ(spectators[1].type, DType::boolean);
  EXPECT_EQ(spectators[1].at(1), 0.0);
  EXPECT_EQ(spectators[1].at(4), 1.0);
  EXPECT_EQ(spectators[2].type, DType::float32);
  EXPECT_EQ(events[PartName::test].spectators[0].type, DType::int64);
}

TEST_F(EventsFromFiles, WidenASpectatorWhenFilesDiffer) {
  two_small_files();
  reader_->files["s.fake"].columns.push_back(made_column<std::int32_t>("run", {-1, 2, 3}));
  reader_->files["b.fake"].columns.push_back(made_column<std::uint32_t>("run", {4, 4'000'000'000u}));
  plan_.data.spectators = {"run"};
  const Events events = read();
  const Column& run = events[PartName::train].spectators[0];
  ASSERT_EQ(run.type, DType::int64);
  EXPECT_THAT(std::span(static_cast<const std::int64_t*>(run.data), 5), ElementsAre(-1, 2, 3, 4, 4'000'000'000));

  reader_->files["s.fake"].columns.back() = made_column<std::int64_t>("run", {1, 2, 3});
  reader_->files["b.fake"].columns.back() = made_column<double>("run", {1, 2});
  EXPECT_EQ(error(), "b.fake, tree 'events': spectator 'run' is float64 here and int64 before: no type holds the numbers of both exactly");
}

TEST_F(EventsFromFiles, GiveTargetsForRegression) {
  file("a.fake", {made_column<float>("x", {1, 2, 3}), made_column<double>("y", {4, 5, NAN})});
  plan_.task = "regression";
  plan_.data.targets = {{"y", "y", ""}, {"twice", "2 * y", ""}};
  plan_.data.samples = {sample("", "a.fake")};
  plan_.data.missing = MissingPolicy::keep;
  EXPECT_EQ(error(), "a.fake, tree 'events': target 'y' is not finite in 1 of 3 selected events (first: nan at entry 2); only "
                     "features can be imputed or kept; data.missing can be drop");
  plan_.data.missing = MissingPolicy::drop;
  const Events events = read();
  const Part& train = events[PartName::train];
  EXPECT_EQ(train.targets.type(), DType::float32);
  EXPECT_THAT(column(train.targets, 0), ElementsAre(4, 5));
  EXPECT_THAT(column(train.targets, 1), ElementsAre(8, 10));
  EXPECT_TRUE(train.labels.empty());
  EXPECT_TRUE(events.classes.empty());
  EXPECT_EQ(events.report().at("samples").at(0).find("class"), nullptr);
}

TEST_F(EventsFromFiles, FindFilesByPatternInBytewiseOrderOnceEach) {
  file("b10.fake", {made_column<float>("x", {10})});
  file("b9.fake", {made_column<float>("x", {9})});
  file("B2.fake", {made_column<float>("x", {2})});
  file("[s].fake", {made_column<float>("x", {0})});
  plan_.data.samples = {sample("signal", "[s].fake"), sample("background", "b9.fake")};
  plan_.data.samples[1].files.push_back((folder_ / "[bB]*.fake").string());
  const Events events = read();
  EXPECT_THAT(column(events[PartName::train].features, 0), ElementsAre(0, 9, 2, 10));
  EXPECT_EQ(events.samples[1].files.size(), 3u);
}

TEST_F(EventsFromFiles, TakeOneElementOfAnArrayColumnOrAColumnOfThatName) {
  const std::vector<float> matrix = {1, 2, 3, 4, 5, 6};
  file("s.fake", {Column("pt", MatrixView(matrix.data(), 2, 3))});
  file("b.fake", {made_column<float>("pt[1]", {7, 8})});
  plan_.data.features = {{"pt1", "pt[1]", ""}};
  plan_.data.samples = {sample("signal", "s.fake"), sample("background", "b.fake")};
  EXPECT_THAT(column(read()[PartName::train].features, 0), ElementsAre(2, 5, 7, 8));

  plan_.data.samples[1] = sample("background", "s.fake");
  plan_.data.features = {{"pt4", "pt[4]", ""}};
  EXPECT_THAT(error(), StartsWith("s.fake, tree 'events': feature 'pt4': column 'pt' holds 3 numbers"));
  plan_.data.samples[1] = sample("background", "b.fake");
  plan_.data.features = {{"pt", "pt", ""}};
  EXPECT_THAT(error(), StartsWith("b.fake, tree 'events': no column 'pt'"));
  plan_.data.samples[1] = sample("background", "s.fake");
  EXPECT_EQ(error(), "s.fake, tree 'events': column 'pt' has 3 numbers a row, but feature 'pt' takes one; name an element, as in pt[0]");
}

TEST_F(EventsFromFiles, DropCountOrKeepMissingFeaturesAsAsked) {
  two_small_files();
  reader_->files["s.fake"].columns[0] = made_column<double>("x", {1, NAN, INFINITY});
  plan_.data.missing = MissingPolicy::drop;
  const Events dropped = read();
  EXPECT_THAT(column(dropped[PartName::train].features, 0), ElementsAre(1, 10, 20));
  EXPECT_EQ(dropped.samples[0].dropped_missing, 2u);
  EXPECT_EQ(dropped.samples[0].selected, 1u);
  plan_.data.missing = MissingPolicy::keep;
  const Events kept = read();
  EXPECT_TRUE(std::isnan(kept[PartName::train].features.at(1, 0)));
  EXPECT_EQ(kept[PartName::train].features.at(2, 0), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(kept.imputed.empty());
}

TEST_F(EventsFromFiles, LearnMediansFromTheTrainingPartOnly) {
  file("s.fake", {made_column<double>("x", {1, 2, 4, INFINITY, NAN, 1000}), made_column<float>("y", {1, 2, 3, 4, 5, 600}),
                  made_column<int>("part", {0, 0, 0, 0, 0, 1})});
  file("b.fake", {made_column<float>("x", {9, 1000}), made_column<float>("y", {6, 600}), made_column<int>("part", {0, 1})});
  plan_.data.features.push_back({"y", "y", ""});
  plan_.data.samples = {sample("signal", "s.fake"), sample("background", "b.fake")};
  plan_.data.missing = MissingPolicy::impute;
  plan_.data.split.by = "part";
  plan_.data.split.test_values = {1};
  const Events events = read();
  // numpy.nanmedian([1, 2, 4, nan, nan, 9]) is 3, numpy.median([1, 2, 3, 4, 5, 6]) is 3.5
  EXPECT_THAT(events.imputed, ElementsAre(3, 3.5));
  EXPECT_TRUE(std::isnan(events[PartName::train].features.at(3, 0))) << "an infinity is missing too";

  reader_->files["b.fake"].columns[0] = made_column<float>("x", {NAN, 1});
  reader_->files["s.fake"].columns[0] = made_column<double>("x", {INFINITY, NAN, NAN, NAN, NAN, 1});
  EXPECT_EQ(error(), "feature 'x' has no finite value in the training part: there is nothing to impute with");
}

TEST(Classes, StandNegativeFirstWhenThereAreTwo) {
  EXPECT_THAT(order_classes({"signal", "background", "background"}), ElementsAre("background", "signal"));
  EXPECT_THAT(order_classes({"background", "signal"}), ElementsAre("background", "signal"));
  EXPECT_THAT(order_classes({"higgs", "zz", "higgs"}), ElementsAre("zz", "higgs"));
  EXPECT_THAT(order_classes({"signal", "b", "a"}), ElementsAre("signal", "b", "a"));
  EXPECT_THAT(order_classes({"only"}), ElementsAre("only"));
}

}  // namespace
}  // namespace ophion
