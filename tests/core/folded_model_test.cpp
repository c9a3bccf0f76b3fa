/// One model of several folds: made of their files, and who scores what. Fold f of the method "linear" gives (f + 1) x + 10 |y| / (2 + f).
#include "join_folds.h"

#include <cstring>
#include <limits>

#include <gmock/gmock.h>

#include <ophion/error.h>
#include <ophion/model.h>

#include "core/cpp_plugins.h"
#include "core/error_of.h"
#include "core/fake_reader.h"
#include "core/small_model.h"
#include "core/temporary_folder.h"
#include "model_builder.h"

namespace ophion {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::shared_ptr<const ModelFile> fold(int number) {
  auto members = small_members();
  const std::vector<double> weights{number + 1.0, 10}, mean{0, 0}, scale{1, 2.0 + number};
  std::memcpy(members["payload/0/weights.bin"].data(), weights.data(), weights.size() * sizeof(double));
  members["transforms.safetensors"] = write_safetensors({{"0.mean", make_tensor(mean, {2})}, {"0.scale", make_tensor(scale, {2})}});
  Value manifest = read_json(small_manifest, "manifest");
  Value& x = manifest.find("features")->as_array()[0];
  x.set("min", -number);
  x.set("max", 1 + number);
  return ModelFile::make(std::move(manifest), std::move(members));
}

FoldedParts three(const std::string& by = "event % 3") { return {{fold(0), fold(1), fold(2)}, by, Value::object()}; }

Model model(const std::string& by = "event % 3") { return Model(join_folds(three(by), {}), linear_options()); }

/// The same file with another manifest.
std::shared_ptr<const ModelFile> changed_folds(void (*change)(Value& manifest)) {
  const auto file = join_folds(three(), {});
  Value manifest = file->manifest();
  change(manifest);
  return ModelFile::make(std::move(manifest), file->members());
}

const std::vector<float> three_rows{1, 12, 2, 12, 3, 12};  // x and |y|: fold 0 gives x + 60, fold 1 2x + 40, fold 2 3x + 30

TEST(FoldedModel, ScoresFeaturesByTheMeanOfItsFolds) {
  EXPECT_EQ(model().folds(), 3u);
  EXPECT_THAT(model().predict(MatrixView(three_rows.data(), 2, 2)), ElementsAre((61.0f + 42 + 33) / 3, (62.0f + 44 + 36) / 3));
}

TEST(FoldedModel, ScoresEachRowByTheFoldNamedForIt) {
  const std::vector<std::int16_t> folds{2, -1, 0};
  EXPECT_THAT(model().predict(MatrixView(three_rows.data(), 3, 2), folds), ElementsAre(33.0f, (62.0f + 44 + 36) / 3, 63.0f));
  const std::vector<std::int16_t> unknown{0, 3, 0};
  EXPECT_EQ(error_of<DataError>([&] { model().predict(MatrixView(three_rows.data(), 3, 2), unknown); }), "row 1 is of fold 3, the model has 3 folds");
  EXPECT_EQ(error_of<DataError>([&] { model().predict(MatrixView(three_rows.data(), 2, 2), unknown); }),
            "expected 2 folds and room for 2 scores, found 3 and 2");
}

TEST(FoldedModel, ScoresBoundColumnsByTheFoldThatHasNotSeenThem) {
  const BoundScore score = model().bind({"event", "y", "x"});
  EXPECT_TRUE(score.by_fold());
  EXPECT_EQ(score({7, -12, 1}), 42.0f) << "7 % 3 is 1";
  EXPECT_EQ(score({9, 12, 1}), 61.0f);
  const std::vector<float> none{-1, 2.5, std::numeric_limits<float>::quiet_NaN()};
  for (const float event : none) EXPECT_EQ(score({event, 12, 1}), (61.0f + 42 + 33) / 3) << event << " names no fold";
}

TEST(FoldedModel, ScoresBoundColumnsByTheMeanWhereNothingTellsTheFold) {
  EXPECT_FALSE(model().bind({"x", "y"}).by_fold());
  EXPECT_EQ(model().bind({"x", "y"})({1, 12}), (61.0f + 42 + 33) / 3);
  EXPECT_FALSE(model("").bind({"event", "x", "y"}).by_fold());
  EXPECT_THAT(model("").fold_inputs(), ElementsAre());
  EXPECT_THAT(model().fold_inputs(), ElementsAre("event"));
}

TEST(FoldedModel, RefusesAFloatThatCannotTellOneEventFromTheNext) {
  const BoundScore score = model().bind({"event", "x", "abs_y"});
  EXPECT_EQ(score({16777215, 1, 12}), 61.0f) << "16777215 % 3 is 0";
  EXPECT_EQ(error_of<DataError>([&] { score({16777216, 1, 12}); }),
            "'event', which tells the fold of an event, is 16777216 as float, which can't tell it from its neighbours; give it as double or in "
            "its own type");
  std::vector<float> out(1);
  const std::vector<float> narrow{3e9f, 1, 12};
  EXPECT_THAT(error_of<DataError>([&] { score.predict(MatrixView(narrow.data(), 1, 3), out); }), HasSubstr("is 3e+09 as float"));
  const std::vector<double> wide{16777217, 1, 12};
  score.predict(MatrixView(wide.data(), 1, 3), out);
  EXPECT_EQ(out[0], 33.0f) << "16777217 % 3 is 2";
}

TEST(FoldedModel, ScoresColumnsOfAnyTypeInTheirOrder) {
  const Columns columns{made_column<std::int64_t>("event", {(1LL << 40) + 1, 5, 0, 4}), made_column<double>("y", {12, -12, 12, 12}),
                        made_column<float>("x", {1, 2, 3, 4})};
  EXPECT_THAT(model().predict(columns), ElementsAre(33.0f, 36.0f, 63.0f, 48.0f)) << "2^40 + 1 leaves 2";
}

TEST(FoldedModel, CountsRowsAsTheCallerDoesInErrors) {
  const Columns columns{made_column<std::int64_t>("event", {0, 1, 2, 1, 1}), made_column<double>("y", {12, 12, 12, NAN, 12}),
                        made_column<float>("x", {1, 2, 3, 4, 5})};
  EXPECT_THAT(error_of<DataError>([&] { model().predict(columns); }), HasSubstr("row 3, feature 'abs_y': not a number"));
}

TEST(FoldedModel, IsSavedAndLoadedWithItsSelfTest) {
  const TemporaryFolder folder;
  const auto file = join_folds(three(), self_test_by(model(), three_rows, 1));
  Model(file, linear_options()).save(folder.path() / "m.ophion");
  const Model loaded = Model::load(folder.path() / "m.ophion", linear_options());
  EXPECT_EQ(loaded.bind({"event", "x", "y"})({2, 1, 12}), 33.0f);
  EXPECT_EQ(loaded.manifest().at("selftest").at("rows"), Value(3));
  const Value& folds = loaded.manifest().at("folds");
  EXPECT_EQ(folds.at("text"), Value("event % 3"));
  EXPECT_EQ(loaded.manifest().at("features").at(0).at("min"), Value(-2));
  EXPECT_EQ(loaded.manifest().at("features").at(0).at("max"), Value(3));
}

TEST(FoldedModel, HasAFormWhereEveryFoldHasIt) {
  FoldedParts parts = three();
  auto members = parts.folds[1]->members();
  members.emplace("payload/native/model.json", "{}");
  Value manifest = parts.folds[1]->manifest();
  Value native = manifest.at("payloads").at(0);
  native.set("id", "native");
  native.set("backend", "native");
  native.set("members", Value(std::vector<std::string>{"model.json"}));
  manifest.find("payloads")->push_back(native);
  parts.folds[1] = ModelFile::make(std::move(manifest), std::move(members));
  const auto file = join_folds(parts, {});
  const Value& payloads = file->manifest().at("payloads");
  ASSERT_EQ(payloads.size(), 3u);
  EXPECT_EQ(payloads.at(1).at("not_native"), Value("fold 0 has none"));
  EXPECT_EQ(Model(file, linear_options()).backend(), "linear");
}

TEST(FoldedModel, RefusesScriptsThatChangedBetweenTwoFolds) {
  FoldedParts parts = three();
  auto members = parts.folds[2]->members();
  members["script/linear.txt"] = "something else\n";
  parts.folds[2] = ModelFile::make(parts.folds[2]->manifest(), std::move(members));
  EXPECT_EQ(error_of<ModelError>([&] { join_folds(parts, {}); }), "'script/linear.txt' was changed while the folds were trained");
}

TEST(FoldedModel, NeedsTrustWhereItCarriesCode) {
  FoldedParts parts = three();
  for (auto& one : parts.folds) one = small_model_with_code(true);
  EXPECT_THAT(error_of<TrustError>([&] { Model(join_folds(parts, {}), linear_options()); }), HasSubstr("to load it is to run code"));
}

TEST(FoldedModel, RefusesAFileThatLacksAFold) {
  EXPECT_THAT(load_refusal(changed_folds([](Value& manifest) { manifest.find("folds")->set("count", 1); })), HasSubstr("a model can't have 1 folds"));
  EXPECT_THAT(load_refusal(changed_folds([](Value& manifest) { manifest.find("folds")->set("count", 4); })), HasSubstr("not every fold has its transforms"));
  EXPECT_THAT(load_refusal(changed_folds([](Value& manifest) { manifest.find("payloads")->as_array().pop_back(); })),
              HasSubstr("backend 'linear' has no payload of fold 2"));
  EXPECT_THAT(load_refusal(changed_folds([](Value& manifest) { manifest.find("payloads")->as_array()[1].set("fold", 7); })),
              HasSubstr("payload 'fold1' is of a fold that the model has not"));
  EXPECT_THAT(load_refusal(changed_folds([](Value& manifest) { manifest.find("payloads")->as_array()[1].set("fold", Value()); })),
              HasSubstr("payload 'fold1' is of a fold that the model has not"));
  EXPECT_THAT(load_refusal(changed_folds([](Value& manifest) { manifest.find("folds")->set("expression", read_json(R"(["%", ["column"]])", "")); })),
              HasSubstr("damaged expression"));
}

}  // namespace
}  // namespace ophion
