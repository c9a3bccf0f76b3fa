/// Models that score by name: features in any order, the columns from which they are computed, columns of any type.
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include <gmock/gmock.h>

#include <ophion/error.h>
#include <ophion/model.h>

#include "core/error_of.h"
#include "core/linear_training.h"
#include "core/temporary_folder.h"

using namespace ophion;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Model, BindsFeaturesInAnyOrder) {
  const Model model = LinearTraining().model();
  EXPECT_EQ(model.bind({"mZ1", "mZ2"})({1, 2}), 21.0f);
  EXPECT_EQ(model.bind({"mZ2", "mZ1"})({1, 2}), 12.0f);
  EXPECT_EQ(model.bind({"m4l", "mZ2", "other", "mZ1"})({0, 1, 0, 2}), 12.0f);
}

TEST(Model, BindsRawColumnsFromWhichFeaturesAreComputed) {
  const Model model = LinearTraining(computed_features, "[1, 10, 100]").model();
  EXPECT_EQ(model.bind({"mZ1", "eta4l", "pt[0]"})({1, -2, 4}), 1.0f + 20 + 300);
  EXPECT_EQ(model.bind({"lead", "abs_eta", "mZ1"})({3, 2, 1}), 1.0f + 20 + 300);
  EXPECT_EQ(model.bind({"lead", "eta4l", "mZ1"})({3, -2, 1}), 1.0f + 20 + 300);
}

TEST(Model, NamesWhatIsMissingAndWhatItIsFor) {
  const Model model = LinearTraining(computed_features, "[1, 10, 100]").model();
  EXPECT_THAT(error_of<DataError>([&] { model.bind({"mZ", "eta41", "pt[0]"}); }),
              AllOf(HasSubstr("names to bind: no 'mZ1', a feature of the model; did you mean 'mZ'?"),
                    HasSubstr("no 'eta4l', from which the feature 'abs_eta' is computed; did you mean 'eta41'?")));
  EXPECT_THAT(error_of<DataError>([&] { model.bind({"mZ1", "mZ1", "eta4l", "pt[0]"}); }), HasSubstr("'mZ1' is there twice"));
}

TEST(Model, WantsOneNumberABoundName) {
  const BoundScore score = LinearTraining().model().bind({"mZ1", "mZ2"});
  EXPECT_THAT(error_of<ModelError>([&] { score({1, 2, 3}); }), HasSubstr("expected 2 numbers, one a bound name, found 3"));
  const std::vector<float> x(3);
  std::vector<float> out(1);
  EXPECT_THAT(error_of<ModelError>([&] { score.predict(MatrixView(x.data(), 1, 3), out); }), HasSubstr("expected 2 columns"));
}

TEST(Model, ScoresManyBoundEventsAsItScoresOne) {
  const Model model = LinearTraining(computed_features, "[1, 10, 100]").model();
  const BoundScore score = model.bind({"pt[0]", "unused", "eta4l", "mZ1"});
  std::vector<double> x(4 * 3000);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.25 * static_cast<double>(i % 37) - 3;
  std::vector<float> out(3000);
  score.predict(MatrixView(x.data(), 3000, 4), out);
  std::vector<float> transposed(out.size());
  std::vector<float> by_columns(x.size());
  for (std::size_t i = 0; i < 3000; ++i) {
    for (std::size_t j = 0; j < 4; ++j) by_columns[j * 3000 + i] = static_cast<float>(x[4 * i + j]);
  }
  score.predict(MatrixView(by_columns.data(), 3000, 4, 1, 3000), transposed);
  EXPECT_EQ(out, transposed);
  for (std::size_t i = 0; i < 3000; i += 111) {
    const float one = score({static_cast<float>(x[4 * i]), 0, static_cast<float>(x[4 * i + 2]), static_cast<float>(x[4 * i + 3])});
    EXPECT_EQ(one, out[i]) << i;
    EXPECT_EQ(one, static_cast<float>(x[4 * i + 3] + 10 * std::abs(x[4 * i + 2]) + 100 * (x[4 * i] - 1))) << i;
  }
}

TEST(Model, ReadsEvenlySpacedFeaturesWhereTheyLie) {
  const BoundScore score = LinearTraining().model().bind({"a", "mZ2", "b", "mZ1"});  // from the end to the beginning
  const std::vector<float> x{0, 2, 0, 1, 0, 4, 0, 3};
  std::vector<float> out(2);
  score.predict(MatrixView(x.data(), 2, 4), out);
  EXPECT_THAT(out, ElementsAre(21.0f, 43.0f));
}

TEST(Model, GivesAllScoresOfSeveralClasses) {
  const Model model = LinearTraining(plain_features, "[1, 0, 0, 1, 1, 1]", R"(["a", "b", "c"])").model();
  EXPECT_THAT(model.output_names(), ElementsAre("score_a", "score_b", "score_c"));
  const BoundScore score = model.bind({"mZ1", "mZ2"});
  std::vector<float> out(3);
  score(std::vector<float>{2, 3}, out);
  EXPECT_THAT(out, ElementsAre(2.0f, 3.0f, 5.0f));
  EXPECT_THAT(error_of<ModelError>([&] { score({2, 3}); }), HasSubstr("an event has 3 scores"));
}

TEST(Model, ScoresColumnsOfAnyTypeByName) {
  const Model model = LinearTraining(computed_features, "[1, 10, 100]").model();
  const std::vector<std::int16_t> mass{1, 2, 3};
  const std::vector<double> eta{-1, 2, -3};
  const std::vector<float> pt{5, 99, 6, 99, 7, 99};
  Columns columns;
  columns.emplace_back("eta4l", std::span<const double>(eta));
  columns.emplace_back("pt", MatrixView(pt.data(), 3, 2));
  columns.emplace_back("mZ1", std::span<const std::int16_t>(mass));
  EXPECT_THAT(model.predict(columns), ElementsAre(1.0f + 10 + 400, 2.0f + 20 + 500, 3.0f + 30 + 600));
  columns[0].rows = 2;
  EXPECT_THAT(error_of<DataError>([&] { model.predict(columns); }), HasSubstr("column 'pt' has 3 rows, 'eta4l' has 2"));
  columns.erase(columns.begin());
  EXPECT_THAT(error_of<DataError>([&] { model.predict(columns); }), HasSubstr("columns to score: no 'eta4l', from which"));
}

TEST(Model, CountsRowsFromTheBeginningInErrors) {
  const Model model = LinearTraining(R"([{"name": "f", "expr": "a + b"}])", "[1]").model();
  std::vector<float> a(9'000'000, 1.0f);
  a[8'999'999] = std::numeric_limits<float>::quiet_NaN();
  Columns columns;
  columns.emplace_back("a", std::span<const float>(a));
  columns.emplace_back("b", std::span<const float>(a));
  EXPECT_THAT(error_of<DataError>([&] { model.predict(columns); }), HasSubstr("row 8999999, feature 'f': not a number"));
}

TEST(Model, KeepsLongExpressions) {
  std::string sum = "a0";
  for (int i = 1; i < 200; ++i) sum += " + a" + std::to_string(i);
  const TemporaryFolder folder;
  LinearTraining(R"([{"name": "sum", "expr": ")" + sum + R"("}])", "[2]").model().save(folder.path() / "m.ophion");
  const Model model = Model::load(folder.path() / "m.ophion", LinearTraining().options());
  EXPECT_EQ(model.inputs().size(), 200u);
  EXPECT_EQ(model.bind(model.inputs())(std::vector<float>(200, 1.0f)), 400.0f);
}
