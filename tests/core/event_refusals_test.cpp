/// Events that can't be used: every error names the file, the column, how many and where.
#include "events.h"

#include <cmath>
#include <cstdint>
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
using testing::EndsWith;
using testing::StartsWith;

using RefusedEvents = EventsFromFiles;

TEST_F(RefusedEvents, NameAPatternThatMatchesNothing) {
  two_small_files();
  plan_.data.samples[1] = sample("background", "zz*.fake");
  EXPECT_EQ(error(), "sample 1 ('background'): no file matches 'zz*.fake'");
  file("background.fake", {made_column<float>("x", {9})});
  plan_.data.samples[1] = sample("background", "backgruond.fake");
  EXPECT_THAT(error(), StartsWith("sample 1 ('background'): no file 'backgruond.fake'; did you mean 'background.fake'"));
}

TEST_F(RefusedEvents, NameAMissingColumnWhatNeedsItAndTheNearest) {
  two_small_files();
  reader_->files["b.fake"].columns[0].name = "mZ1";
  reader_->files["s.fake"].columns[0].name = "mZ1";
  plan_.data.features = {{"half", "mZ / 2", ""}};
  EXPECT_THAT(error(), StartsWith("s.fake, tree 'events': no column 'mZ', which feature 'half' needs; did you mean 'mZ1'"));
  plan_.data.features = {{"mZ1", "mZ1", ""}};
  reader_->files["b.fake"].columns[0].name = "mZ_1";
  EXPECT_THAT(error(), StartsWith("b.fake, tree 'events': no column 'mZ1', which feature 'mZ1' needs; did you mean 'mZ_1'"));
  reader_->files["b.fake"].columns[0].name = "mZ1";
  plan_.data.samples[1].selection = "is_good && mZ1 > 0";
  EXPECT_THAT(error(), StartsWith("b.fake, tree 'events': no column 'is_good', which selection 'is_good && mZ1 > 0' needs"));
  plan_.data.samples[1].selection = "";
  plan_.data.samples[1].weight = "weight";
  EXPECT_THAT(error(), StartsWith("b.fake, tree 'events': no column 'weight', which weight 'weight' needs; known are mZ1"));
  plan_.data.samples[1].weight = "";
  plan_.data.spectators = {"evnt"};
  EXPECT_THAT(error(), StartsWith("s.fake, tree 'events': no column 'evnt', which spectator 'evnt' needs"));
  plan_.data.spectators = {};
  plan_.data.split.by = "evnt % 2";
  EXPECT_THAT(error(), StartsWith("s.fake, tree 'events': no column 'evnt', which data.split.by 'evnt % 2' needs"));
}

TEST_F(RefusedEvents, NameAColumnThatHoldsNoNumbers) {
  two_small_files();
  reader_->files["b.fake"].columns.erase(reader_->files["b.fake"].columns.begin());
  reader_->files["b.fake"].not_numbers = {{"x", "var * float32", false}};
  EXPECT_EQ(error(), "b.fake, tree 'events': expected numbers in column 'x', which feature 'x' needs, found var * float32");
}

TEST_F(RefusedEvents, NameAColumnThatIsThereTwice) {
  two_small_files();
  reader_->files["b.fake"].columns.push_back(made_column<float>("x", {1, 2}));
  EXPECT_EQ(error(), "b.fake, tree 'events': more than one column 'x', which feature 'x' needs");
}

TEST_F(RefusedEvents, NameTheExpressionThatCannotBeParsed) {
  two_small_files();
  plan_.data.samples[0].selection = "x >";
  EXPECT_THAT(error(), StartsWith("selection 'x >': expected"));
}

TEST_F(RefusedEvents, IncludeMissingFeaturesWithTheirNumber) {
  two_small_files();
  reader_->files["s.fake"].columns[0] = made_column<float>("x", {1, NAN, -INFINITY});
  EXPECT_EQ(error(), "s.fake, tree 'events': feature 'x' is not finite in 2 of 3 selected events (first: nan at entry 1); "
                     "data.missing can be drop, impute or keep");
  plan_.data.samples[0].selection = "abs(x) < 10";
  EXPECT_EQ(error(), "no DataError") << "events that aren't selected may miss what they like";
}

TEST_F(RefusedEvents, IncludeFiniteNumbersThatFloat32CannotHold) {
  two_small_files();
  reader_->files["s.fake"].columns[0] = made_column<double>("x", {1, -1e39, 3.4e38});
  for (const MissingPolicy policy : {MissingPolicy::error, MissingPolicy::drop, MissingPolicy::impute, MissingPolicy::keep}) {
    plan_.data.missing = policy;
    EXPECT_EQ(error(), "s.fake, tree 'events': feature 'x' is too large for float32 in 1 of 3 selected events (first: -1e+39 at entry 1)");
  }
}

TEST_F(RefusedEvents, IncludeWeightsThatAreNoNumbers) {
  two_small_files();
  reader_->files["b.fake"].columns[1] = made_column<double>("w", {1, NAN});
  plan_.data.samples[1].weight = "w";
  plan_.data.negative = NegativeWeights::keep;
  EXPECT_EQ(error(), "b.fake, tree 'events': weight 'w' of sample 1 ('background') is not finite in 1 of 2 selected events (first: nan at entry 1)");
  plan_.data.samples[1].selection = "x < 15";
  EXPECT_EQ(read().samples[1].read_weight, 1.0);
}

TEST_F(RefusedEvents, IncludeNegativeWeightsUnlessTheConfigSaysWhatToDo) {
  two_small_files();
  reader_->files["b.fake"].columns[1] = made_column<double>("w", {-0.5, 3});
  plan_.data.samples[1].weight = "w";
  EXPECT_EQ(error(), "b.fake, tree 'events': weight 'w' of sample 1 ('background') is negative in 1 of 2 selected events (first: "
                     "-0.5 at entry 0); data.weights.negative can be keep, zero_in_training or abs");
  plan_.data.negative = NegativeWeights::abs;
  EXPECT_THAT(read()[PartName::train].weights, ElementsAre(1, 1, 1, -0.5, 3)) << "metrics use the original weights";
}

TEST_F(RefusedEvents, IncludeASelectionThatIsNeitherTrueNorFalse) {
  two_small_files();
  reader_->files["s.fake"].columns[1] = made_column<double>("w", {1, NAN, 1});
  plan_.data.samples[0].selection = "w * 2";
  EXPECT_EQ(error(), "s.fake, tree 'events': selection 'w * 2' of sample 0 ('signal') is neither true nor false in 1 of 3 events (first: nan at entry 1)");
}

TEST_F(RefusedEvents, IncludeASampleOfWhichNothingIsLeft) {
  two_small_files();
  plan_.data.samples[1].selection = "x > 1000";
  EXPECT_EQ(error(), "sample 1 ('background'), b.fake: none of 2 events is left after selection 'x > 1000'");
  plan_.data.samples[1].selection = "";
  plan_.data.missing = MissingPolicy::drop;
  reader_->files["b.fake"].columns[0] = made_column<float>("x", {NAN, NAN});
  EXPECT_EQ(error(), "sample 1 ('background'), b.fake: none of 2 events is left, 2 dropped for missing values");
  reader_->files["b.fake"].columns = {made_column<float>("x", {})};
  EXPECT_EQ(error(), "sample 1 ('background'), b.fake: there are no events");
}

TEST_F(RefusedEvents, IncludeOneClassOnly) {
  two_small_files();
  plan_.data.samples[1].class_name = "signal";
  EXPECT_EQ(error(), "classification needs two or more classes, found one: 'signal'");
  plan_.data.samples[1].class_name = "";
  EXPECT_EQ(error(), "sample 1 has no class, but the task is classification");
  plan_.data.samples.clear();
  EXPECT_EQ(error(), "there are no samples to train with");
}

TEST_F(RefusedEvents, IncludeAPartWithoutEventsOfAClass) {
  two_small_files();
  plan_.data.split.by = "x";
  plan_.data.split.test_values = {3};
  EXPECT_EQ(error(), "the test part has no events of class 'background': data.split puts none of its 2 selected ones there");
  plan_.data.split.test_values = {10, 20};
  EXPECT_EQ(error(), "the train part has no events of class 'background': data.split puts none of its 2 selected ones there");
  plan_.data.split.test_values = {99};
  EXPECT_EQ(error(), "the test part has no events: data.split puts none of the selected ones there");
}

TEST_F(RefusedEvents, IncludeAClassWhoseWeightsSumToNothing) {
  two_small_files();
  plan_.data.samples[1].weight = "x - 15";
  plan_.data.negative = NegativeWeights::keep;
  EXPECT_EQ(error(), "the weights of 2 events of class 'background' in the train part sum to 0, expected more than 0");
}

TEST_F(RefusedEvents, StopWhenInterrupted) {
  two_small_files();
  interrupt();
  try {
    read();
    FAIL() << "expected Interrupted";
  } catch (const Interrupted& stopped) {
    EXPECT_THAT(stopped.what(), EndsWith("s.fake, tree 'events'"));
    EXPECT_THAT(stopped.what(), StartsWith("stopped while reading "));
  }
}

}  // namespace
}  // namespace ophion
