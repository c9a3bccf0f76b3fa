/// Cross-validation: which events each training gets, and who scores which.
#include "folds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include <gmock/gmock.h>

#include "core/events_from_files.h"
#include "features.h"

namespace ophion {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::StartsWith;

int told_apart(const std::string& text) { return folds_told_apart(parse_expression(text, "folds")); }

/// Signal x = 0, 1, … and background x = 1000, 1001, …, numbered alike.
class Folds : public EventsFromFiles {
 protected:
  void SetUp() override {
    EventsFromFiles::SetUp();
    plan_.data.samples = {sample("signal", "s.fake"), sample("background", "b.fake")};
    plan_.data.spectators = {"n"};
    plan_.data.normalise = Normalisation::none;
    events(1000);
  }
  void events(std::size_t count) {
    std::vector<float> signal(count);
    std::iota(signal.begin(), signal.end(), 0.0f);
    std::vector<float> background = signal;
    for (float& x : background) x += 1000;
    std::vector<std::int64_t> numbers(count);
    std::iota(numbers.begin(), numbers.end(), 0);
    file("s.fake", {made_column("x", signal), made_column("n", numbers), made_column("w", std::vector<double>(count, 1.0))});
    file("b.fake", {made_column("x", background), made_column("n", numbers), made_column("w", std::vector<double>(count, 1.0))});
  }
  void by(const std::string& expression) {
    plan_.data.split.fold_by = expression;
    plan_.data.split.folds = told_apart(expression);
  }
  void drawn(int folds, double validation = 0, double test = 0) {
    plan_.data.split.folds = folds;
    plan_.data.split.validation = validation;
    plan_.data.split.test = test;
  }
  static std::set<float> xs(const Part& part) {
    const auto numbers = column(part.features, 0);
    return {numbers.begin(), numbers.end()};
  }
  static std::set<float> of_fold(const Events& events, Fold fold) {
    const Part& all = events[PartName::validation];
    std::set<float> found;
    for (std::size_t row = 0; row < all.rows(); ++row) {
      if (all.fold[row] == fold) found.insert(all.features.at(row, 0));
    }
    return found;
  }
};

bool apart(const std::set<float>& a, const std::set<float>& b) {
  std::vector<float> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both.empty();
}

TEST(FoldsToldApart, AreTheNumberOfARemainder) {
  EXPECT_EQ(told_apart("event % 5"), 5);
  EXPECT_EQ(told_apart("(run + 3 * event) % 100"), 100);
  EXPECT_EQ(told_apart("fmod(event, 4)"), 4);
  for (const char* other : {"event", "5", "event % n", "event % 1", "event % 101", "event % 2.5", "event % 5 + 1", "event / 5"}) {
    EXPECT_EQ(told_apart(other), 0) << other;
  }
}

TEST_F(Folds, AreTheValuesOfAnExpression) {
  by("n % 4");
  const Events events = read();
  EXPECT_EQ(events.folds, 4);
  const Part& all = events[PartName::validation];
  ASSERT_EQ(all.rows(), 2000u);
  for (std::size_t row = 0; row < all.rows(); ++row) ASSERT_EQ(all.fold[row], static_cast<int>(all.features.at(row, 0)) % 4);
}

TEST_F(Folds, AreDrawnEvenlyAndTheSameInChunksOfAnySize) {
  drawn(5);
  const Events events = read(), in_chunks = read(7);
  const Part& all = events[PartName::validation];
  EXPECT_TRUE(std::equal(all.fold.begin(), all.fold.end(), in_chunks[PartName::validation].fold.begin()));
  for (Fold fold = 0; fold < 5; ++fold) {
    // Binomial, within five standard deviations.
    EXPECT_NEAR(static_cast<double>(of_fold(events, fold).size()), 400, 5 * std::sqrt(2000 * 0.2 * 0.8));
  }
}

TEST_F(Folds, AreTrainedOnTheEventsOfAllOthers) {
  drawn(3);
  const Events events = read();
  for (Fold fold = 0; fold < 3; ++fold) {
    const Events training = events_of_fold(events, plan_, fold, Storage::Kind::own);
    const std::set<float> train = xs(training[PartName::train]), out = of_fold(events, fold);
    EXPECT_TRUE(apart(train, out));
    EXPECT_EQ(train.size() + out.size(), 2000u);
    EXPECT_EQ(training[PartName::validation].rows(), 0u);
    const Part& part = training[PartName::train];
    for (std::size_t row = 0; row < part.rows(); ++row) ASSERT_EQ(part.labels[row], part.features.at(row, 0) < 1000 ? 1 : 0);
  }
}

TEST_F(Folds, KeepAFractionOfTheirTrainingEventsForValidation) {
  drawn(4, 0.25, 0.2);
  const Events events = read();
  EXPECT_NEAR(static_cast<double>(events[PartName::test].rows()), 400, 5 * std::sqrt(2000 * 0.2 * 0.8));
  EXPECT_THAT(std::vector<Fold>(events[PartName::test].fold.begin(), events[PartName::test].fold.end()), Each(no_fold));
  std::set<float> first;
  for (Fold fold = 0; fold < 4; ++fold) {
    const Events training = events_of_fold(events, plan_, fold, Storage::Kind::lent);
    const std::set<float> train = xs(training[PartName::train]), validation = xs(training[PartName::validation]), out = of_fold(events, fold);
    EXPECT_TRUE(apart(train, out) && apart(validation, out) && apart(train, validation));
    EXPECT_TRUE(apart(train, xs(events[PartName::test])) && apart(validation, xs(events[PartName::test])));
    const double seen = static_cast<double>(train.size() + validation.size());
    EXPECT_EQ(seen + static_cast<double>(out.size() + events[PartName::test].rows()), 2000);
    EXPECT_NEAR(static_cast<double>(validation.size()), seen / 4, 5 * std::sqrt(seen * 0.25 * 0.75));
    if (fold == 0) first = validation;
    EXPECT_EQ(fold == 0, validation == first) << "each fold draws its own";
  }
}

TEST_F(Folds, ScoreInTrainingWhatTheyHaveSeen) {
  drawn(3, 0.3);
  const Events events = read();
  const Part& train = events[PartName::train];
  std::vector<std::set<float>> trained;
  for (Fold fold = 0; fold < 3; ++fold) trained.push_back(xs(events_of_fold(events, plan_, fold, Storage::Kind::own)[PartName::train]));
  std::size_t by_none = 0;
  for (std::size_t row = 0; row < train.rows(); ++row) {
    ASSERT_NE(train.fold[row], events[PartName::validation].fold[row]);
    const float x = train.features.at(row, 0);
    const auto knows = [&](const std::set<float>& one) { return one.contains(x); };
    const bool anybody = std::any_of(trained.begin(), trained.end(), knows);
    ASSERT_EQ(knows(trained[static_cast<std::size_t>(train.fold[row])]), anybody) << x;
    by_none += anybody ? 0 : 1;
  }
  EXPECT_NEAR(static_cast<double>(by_none), 2000 * 0.09, 5 * std::sqrt(2000 * 0.09 * 0.91)) << "both others validate on it";
  EXPECT_EQ(train.features.data(), events[PartName::validation].features.data()) << "the same memory";
}

TEST_F(Folds, ImputeWithMediansOfTheirOwnTraining) {
  events(4);  // signal 0 to 3, background 1000 to 1003
  plan_.data.missing = MissingPolicy::impute;
  by("n % 2");
  const Events events = read();
  EXPECT_THAT(events_of_fold(events, plan_, 0, Storage::Kind::own).imputed, ElementsAre((3 + 1001) / 2.0)) << "1, 3, 1001, 1003";
  EXPECT_THAT(events_of_fold(events, plan_, 1, Storage::Kind::own).imputed, ElementsAre((2 + 1000) / 2.0)) << "0, 2, 1000, 1002";
}

TEST_F(Folds, AreRefusedWhereAClassHasNone) {
  by("(x < 1000 ? n : 1) % 3");
  EXPECT_EQ(error(), "fold 0 has no events of class 'background': data.split leaves it none");
  by("(x < 1000 ? n : 1) % 2");
  plan_.data.samples[1].selection = "n > 2";
  EXPECT_THAT(error(), StartsWith("fold 0 has no events of class 'background'"));
}

TEST_F(Folds, AreRefusedWhereWeightsSumToNothing) {
  plan_.data.negative = NegativeWeights::keep;
  plan_.data.samples[0].weight = "n % 4 == 1 ? -1 : n % 4 == 3 ? 1 : 2";
  by("n % 2");
  EXPECT_EQ(error(), "the weights of 500 events of class 'signal' in the training of fold 0 sum to 0, expected more than 0");
}

TEST_F(Folds, AreWholeNumbersFromNought) {
  by("(n == 3 ? -1 : n == 5 ? 0.5 : n) % 3");
  EXPECT_EQ(error(), "s.fake, tree 'events': data.split.folds '(n == 3 ? -1 : n == 5 ? 0.5 : n) % 3' is no whole number from 0 to 2 in 2 of "
                     "1000 selected events (first: -1 at entry 3)");
}

}  // namespace
}  // namespace ophion
