/// Policies for missing values, transforms, and that nothing is copied without need.
#include "preprocessing.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include <ophion/error.h>

#include "core/error_of.h"

using namespace ophion;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

/// Scores a row by its first feature plus ten times its second, and remembers what it was given.
class Recorder : public Backend {
 public:
  const std::string& name() const noexcept override {
    static const std::string recorder = "recorder";
    return recorder;
  }
  void predict(const MatrixView& features, std::span<float> out) const override {
    ++calls;
    seen = features.data();
    rows += features.rows();
    for (std::size_t i = 0; i < features.rows(); ++i) out[i] = features.at(i, 0) + 10 * features.at(i, 1);
  }
  mutable int calls = 0;
  mutable std::size_t rows = 0;
  mutable const void* seen = nullptr;
};

native::TransformStep step(const std::string& type, std::map<std::string, std::vector<double>> arrays) {
  native::TransformStep made;
  made.type = type;
  made.arrays = std::move(arrays);
  return made;
}

Preprocessing make(MissingPolicy policy, std::vector<native::TransformStep> steps = {}) {
  return Preprocessing(policy, steps.empty() ? native::TransformChain() : native::TransformChain(std::move(steps), 2), {"mZ1", "mZ2"});
}

const native::TransformStep standard = step("standard", {{"mean", {1, 2}}, {"scale", {2, 4}}});
const native::TransformStep impute = step("impute", {{"value", {7, 8}}});

std::vector<float> scores(const Preprocessing& preprocessing, const MatrixView& features) {
  std::vector<float> out(features.rows());
  preprocessing.predict(Recorder(), features, 1, out);
  return out;
}

std::string predict_refusal(const Preprocessing& preprocessing, const MatrixView& features, std::size_t first = 0) {
  std::vector<float> out(features.rows());
  return error_of<DataError>([&] { preprocessing.predict(Recorder(), features, 1, out, first); });
}

}  // namespace

TEST(Preprocessing, HandsFloatsOnWhereTheyLieInOneCall) {
  const std::vector<float> x(1'000'000, 1.0f);
  std::vector<float> out(500'000);
  const Recorder backend;
  for (const MissingPolicy policy : {MissingPolicy::error, MissingPolicy::drop, MissingPolicy::keep}) {
    make(policy).predict(backend, MatrixView(x.data(), out.size(), 2), 1, out);
    EXPECT_EQ(backend.seen, x.data());
  }
  make(MissingPolicy::impute, {impute}).predict(backend, MatrixView(x.data(), out.size(), 2), 1, out);
  EXPECT_EQ(backend.seen, x.data());
  EXPECT_EQ(backend.calls, 4);
}

TEST(Preprocessing, NamesRowAndFeatureOfAMissingValue) {
  std::vector<float> x(2 * 100'000, 1.0f);
  const MatrixView rows(x.data(), 100'000, 2);
  x[2 * 99'999] = not_a_number;
  EXPECT_THAT(predict_refusal(make(MissingPolicy::error), rows), HasSubstr("row 99999, feature 'mZ1': not a number"));
  x[2 * 17 + 1] = -infinity;
  EXPECT_THAT(predict_refusal(make(MissingPolicy::error), rows), HasSubstr("row 17, feature 'mZ2': infinite"));
  EXPECT_THAT(predict_refusal(make(MissingPolicy::error), rows, 1000), HasSubstr("row 1017, feature 'mZ2': infinite"));
  EXPECT_THAT(predict_refusal(make(MissingPolicy::error, {standard}), rows), HasSubstr("row 17, feature 'mZ2': infinite"));
}

TEST(Preprocessing, FindsAMissingValueAtEveryPlaceAndStride) {
  std::vector<float> x(7 * 11, 1.0f);
  for (const float missing : {not_a_number, -not_a_number, infinity, -infinity}) {
    for (std::size_t at = 0; at < x.size(); ++at) {
      x[at] = missing;
      const auto found = [&](const MatrixView& view) {
        std::vector<std::string> names(view.columns(), "f");
        std::vector<float> out(view.rows());
        return error_of<DataError>([&] { Preprocessing(MissingPolicy::error, {}, names).predict(Recorder(), view, 1, out); }) != "nothing was thrown";
      };
      const std::size_t row = at / 7;
      const std::size_t column = at % 7;
      EXPECT_TRUE(found(MatrixView(x.data(), 11, 7)));
      EXPECT_TRUE(found(MatrixView(x.data(), 7, 11, 1, 7)));                           // by columns
      EXPECT_EQ(found(MatrixView(x.data(), 11, 5, 7, 1)), column < 5);                 // the first five columns
      EXPECT_EQ(found(MatrixView(x.data(), 6, 4, 14, 2)), row % 2 == 0 && column % 2 == 0);  // every second row and column
      EXPECT_TRUE(found(MatrixView(x.data() + 76, 11, 7, -7, -1)));                    // backwards
      x[at] = 1.0f;
    }
  }
}

TEST(Preprocessing, TakesTheLargestAndSmallestNumbersAsNumbers) {
  const std::vector<float> x{std::numeric_limits<float>::max(), std::numeric_limits<float>::lowest(), std::numeric_limits<float>::denorm_min(), -0.0f};
  EXPECT_EQ(predict_refusal(make(MissingPolicy::error), MatrixView(x.data(), 2, 2)), "nothing was thrown");
}

TEST(Preprocessing, GivesDroppedRowsANotANumberAndKeepsTheirPlace) {
  const std::vector<float> x{1, 1, not_a_number, 2, 3, infinity, 4, 4};
  const auto out = scores(make(MissingPolicy::drop), MatrixView(x.data(), 4, 2));
  EXPECT_EQ(out[0], 11.0f);
  EXPECT_TRUE(std::isnan(out[1]));
  EXPECT_TRUE(std::isnan(out[2]));
  EXPECT_EQ(out[3], 44.0f);
  EXPECT_TRUE(std::isnan(x[2]));  // the caller's rows are as they were
}

TEST(Preprocessing, DropsAllOutputsOfARow) {
  class Two : public Recorder {
   public:
    void predict(const MatrixView& features, std::span<float> out) const override {
      EXPECT_TRUE(std::isfinite(features.at(1, 0)));  // a method never sees what is missing
      std::fill(out.begin(), out.end(), 5.0f);
    }
  };
  const std::vector<float> x{1, 1, not_a_number, 2, 3, 3};
  std::vector<float> out(6);
  make(MissingPolicy::drop).predict(Two(), MatrixView(x.data(), 3, 2), 2, out);
  EXPECT_EQ(out[1], 5.0f);
  EXPECT_TRUE(std::isnan(out[2]) && std::isnan(out[3]));
  EXPECT_EQ(out[4], 5.0f);
}

TEST(Preprocessing, PutsFittedValuesInThePlaceOfMissingOnes) {
  const std::vector<float> x{not_a_number, 1, 2, -infinity};
  EXPECT_THAT(scores(make(MissingPolicy::impute, {impute}), MatrixView(x.data(), 2, 2)), ElementsAre(7.0f + 10, 2.0f + 80));
  EXPECT_THAT(make(MissingPolicy::impute, {impute}).apply(MatrixView(x.data(), 2, 2)), ElementsAre(7.0f, 1.0f, 2.0f, 8.0f));
}

TEST(Preprocessing, LetsMissingValuesPassWhereTheyAreKept) {
  const std::vector<float> x{not_a_number, 1, infinity, 1};
  const auto out = scores(make(MissingPolicy::keep), MatrixView(x.data(), 2, 2));
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(out[1], infinity);
}

TEST(Preprocessing, TransformsWhatTheBackendSees) {
  const std::vector<float> x{1, 2, 3, 6};  // (x - mean) / scale: 0, 0 and 1, 1
  EXPECT_THAT(scores(make(MissingPolicy::error, {standard}), MatrixView(x.data(), 2, 2)), ElementsAre(0.0f, 11.0f));
  EXPECT_THAT(make(MissingPolicy::error, {standard}).apply(MatrixView(x.data(), 2, 2)), ElementsAre(0.0f, 0.0f, 1.0f, 1.0f));
  EXPECT_THAT(x, ElementsAre(1, 2, 3, 6));
}

namespace {

/// Two features become four, or one.
native::TransformStep wider() {
  native::TransformStep made = step("onehot", {{"categories", {1, 2, 6}}, {"counts", {2, 1}}});
  made.names = {"mZ1=1", "mZ1=2", "mZ2=6"};
  return made;
}

native::TransformStep narrower() {
  native::TransformStep made = step("pca", {{"mean", {1, 2}}, {"components", {2, 0.5}}});
  made.names = {"pca_0"};
  return made;
}

/// Remembers all it was given.
class Keeper : public Backend {
 public:
  const std::string& name() const noexcept override {
    static const std::string keeper = "keeper";
    return keeper;
  }
  void predict(const MatrixView& features, std::span<float> out) const override {
    columns = features.columns();
    for (std::size_t i = 0; i < features.rows(); ++i) {
      for (std::size_t j = 0; j < features.columns(); ++j) numbers.push_back(features.at(i, j));
      out[i] = static_cast<float>(i);
    }
  }
  mutable std::size_t columns = 0;
  mutable std::vector<float> numbers;
};

std::vector<float> seen(const Preprocessing& preprocessing, const MatrixView& features) {
  const Keeper backend;
  std::vector<float> out(features.rows());
  preprocessing.predict(backend, features, 1, out);
  EXPECT_EQ(backend.columns, preprocessing.names_out().size());
  return backend.numbers;
}

}  // namespace

TEST(Preprocessing, LetsTransformsChangeTheNumberOfColumns) {
  const std::vector<float> x{1, 2, 3, 6};
  const std::vector<double> same(x.begin(), x.end());
  const Preprocessing wide = make(MissingPolicy::error, {wider()}), narrow = make(MissingPolicy::error, {narrower()});
  EXPECT_THAT(wide.names_out(), ElementsAre("mZ1=1", "mZ1=2", "mZ2=6"));
  EXPECT_THAT(narrow.names_out(), ElementsAre("pca_0"));
  for (const MatrixView& rows : {MatrixView(x.data(), 2, 2), MatrixView(same.data(), 2, 2)}) {
    EXPECT_THAT(seen(wide, rows), ElementsAre(1, 0, 0, 0, 0, 1));
    EXPECT_THAT(wide.apply(rows), ElementsAre(1, 0, 0, 0, 0, 1));
    EXPECT_THAT(seen(narrow, rows), ElementsAre(0, 6));
    EXPECT_THAT(narrow.apply(rows), ElementsAre(0, 6));
  }
  EXPECT_THAT(make(MissingPolicy::error).names_out(), ElementsAre("mZ1", "mZ2"));
  EXPECT_THAT(after_transforms(Spec{"regression", {"mZ1", "mZ2"}, {}, {"t"}}, wide).features, ElementsAre("mZ1=1", "mZ1=2", "mZ2=6"));
}

TEST(Preprocessing, FillsAndDropsBeforeColumnsAreMade) {
  const std::vector<float> x{1, not_a_number, 2, 6};
  EXPECT_THAT(seen(make(MissingPolicy::impute, {impute, wider()}), MatrixView(x.data(), 2, 2)), ElementsAre(1, 0, 0, 0, 1, 1));
  EXPECT_THAT(seen(make(MissingPolicy::impute, {impute, narrower()}), MatrixView(x.data(), 2, 2)), ElementsAre(3, 4));
  EXPECT_THAT(seen(make(MissingPolicy::drop, {wider()}), MatrixView(x.data(), 2, 2)), ElementsAre(1, 0, 0, 0, 1, 1));
  const auto out = scores(make(MissingPolicy::drop, {wider()}), MatrixView(x.data(), 2, 2));
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(out[1], 10.0f);
}

TEST(Preprocessing, ScoresManyBlocksOfMadeColumns) {
  constexpr std::size_t rows = 3'000'000;  // 36 MB of columns
  std::vector<float> x(2 * rows, 1.0f);
  x[2 * (rows - 1)] = 2.0f;
  std::vector<float> out(rows);
  const Recorder backend;
  make(MissingPolicy::error, {wider()}).predict(backend, MatrixView(x.data(), rows, 2), 1, out);
  EXPECT_GT(backend.calls, 1);
  EXPECT_EQ(out.front(), 1.0f);
  EXPECT_EQ(out.back(), 10.0f);
}

TEST(Preprocessing, TreatsWhatHasNoLogarithmAsMissing) {
  const native::TransformStep logarithm = step("log", {{"offset", {0}}, {"columns", {1}}});
  const std::vector<float> x{1, 1, -3, 1, 5, -2, 1, 1};
  const std::vector<double> same(x.begin(), x.end());
  for (const MatrixView& rows : {MatrixView(x.data(), 4, 2), MatrixView(same.data(), 4, 2)}) {
    const std::string expected = "row 12, feature 'mZ2': the transform 'log' has no result for -2";
    EXPECT_EQ(predict_refusal(make(MissingPolicy::error, {logarithm}), rows, 10), expected);
    EXPECT_EQ(predict_refusal(make(MissingPolicy::error, {logarithm, standard}), rows, 10), expected);
    const auto out = scores(make(MissingPolicy::drop, {logarithm}), rows);
    EXPECT_THAT(std::vector<float>(out.begin(), out.begin() + 2), ElementsAre(1, -3));
    EXPECT_TRUE(std::isnan(out[2]));
    EXPECT_EQ(out[3], 1.0f);
    const auto passed = seen(make(MissingPolicy::keep, {logarithm}), rows);
    EXPECT_TRUE(std::isnan(passed[5]));
    EXPECT_THAT(error_of<DataError>([&] { make(MissingPolicy::drop, {logarithm}).apply(rows); }), HasSubstr("row 2, feature 'mZ2'"));
  }
  native::TransformStep total = logarithm;
  total.arrays["outside"] = {7};
  EXPECT_THAT(seen(make(MissingPolicy::impute, {impute, total}), MatrixView(x.data(), 4, 2)), ElementsAre(1, 0, -3, 0, 5, 7, 1, 0));
}

TEST(Preprocessing, NamesTheColumnBehindOtherTransformsThatHasNoLogarithm) {
  const native::TransformStep logarithm = step("log", {{"offset", {0}}, {"columns", {2}}});
  const std::vector<float> x{1, 6, 1, 5};
  EXPECT_EQ(predict_refusal(make(MissingPolicy::error, {wider(), logarithm}), MatrixView(x.data(), 2, 2)),
            "row 1, feature 'mZ2=6': the transform 'log' has no result for 0");
}

TEST(Preprocessing, TakesDoublesAndStridesAsFloats) {
  const std::vector<double> x{1, 3, 2, 6};  // by columns
  EXPECT_THAT(scores(make(MissingPolicy::error, {standard}), MatrixView(x.data(), 2, 2, 1, 2)), ElementsAre(0.0f, 11.0f));
  EXPECT_THAT(scores(make(MissingPolicy::error), MatrixView(x.data(), 2, 2, 1, 2)), ElementsAre(21.0f, 63.0f));
  const std::vector<double> beyond{1e300, 1};
  EXPECT_THAT(predict_refusal(make(MissingPolicy::error), MatrixView(beyond.data(), 1, 2)), HasSubstr("row 0, feature 'mZ1': infinite"));
}

TEST(Preprocessing, ScoresManyBlocksAsOne) {
  constexpr std::size_t rows = 5'000'000;  // 40 MB of features: more than a block
  std::vector<float> x(2 * rows, 1.0f);
  x[2 * (rows - 1)] = 3.0f;
  std::vector<float> out(rows);
  const Recorder backend;
  make(MissingPolicy::error, {standard}).predict(backend, MatrixView(x.data(), rows, 2), 1, out);
  EXPECT_GT(backend.calls, 1);
  EXPECT_EQ(backend.rows, rows);
  EXPECT_EQ(out.back(), 1.0f - 2.5f);
  EXPECT_EQ(out.front(), 0.0f - 2.5f);
}

TEST(Preprocessing, SaysWhenNothingChanges) {
  const std::vector<float> x{1, 2};
  EXPECT_TRUE(make(MissingPolicy::error).apply(MatrixView(x.data(), 1, 2)).empty());
}

TEST(Preprocessing, RefusesAnotherNumberOfFeaturesOrTooLittleRoom) {
  const std::vector<float> x{1, 2, 3, 4, 5, 6};
  std::vector<float> out(3);
  EXPECT_THAT(error_of<DataError>([&] { make(MissingPolicy::error).predict(Recorder(), MatrixView(x.data(), 2, 3), 1, out); }),
              HasSubstr("expected 2 features, found 3"));
  EXPECT_THAT(error_of<DataError>([&] { make(MissingPolicy::error).predict(Recorder(), MatrixView(x.data(), 2, 2), 1, out); }),
              HasSubstr("expected 2 numbers of room for the scores, found 3"));
  make(MissingPolicy::error).predict(Recorder(), MatrixView(x.data(), 0, 2), 1, std::span<float>());
}

TEST(Preprocessing, ServesAMethodThatScoresWithAnotherModelMeanwhile) {
  class Nested : public Recorder {
   public:
    void predict(const MatrixView& features, std::span<float> out) const override {
      const std::vector<float> other(2, 100.0f);
      scores(make(MissingPolicy::error, {standard}), MatrixView(other.data(), 1, 2));
      Recorder::predict(features, out);
    }
  };
  const std::vector<float> x{1, 2, 3, 6};
  std::vector<float> out(2);
  for (int i = 0; i < 2; ++i) make(MissingPolicy::error, {standard}).predict(Nested(), MatrixView(x.data(), 2, 2), 1, out);
  EXPECT_THAT(out, ElementsAre(0.0f, 11.0f));
}
