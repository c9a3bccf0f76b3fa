/// Models from training's parts to scores: by position, from memory and from a file, with weighted sums as the method.
#include <ophion/model.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include <gmock/gmock.h>

#include <ophion/error.h>

#include "core/error_of.h"
#include "core/linear_training.h"
#include "core/temporary_folder.h"

using namespace ophion;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Model, ScoresRowsInTrainingOrder) {
  const Model model = LinearTraining().model();
  const std::vector<float> x{1, 2, 3, 4};
  EXPECT_THAT(model.predict(MatrixView(x.data(), 2, 2)), ElementsAre(21.0f, 43.0f));
  std::vector<float> out(1);
  model.predict(MatrixView(x.data(), 1, 2), out);
  EXPECT_EQ(out[0], 21.0f);
  EXPECT_EQ(model.backend(), "linear");
  EXPECT_THAT(model.features(), ElementsAre("mZ1", "mZ2"));
  EXPECT_THAT(model.output_names(), ElementsAre("score"));
  EXPECT_THAT(model.spec().classes, ElementsAre("background", "signal"));
  EXPECT_THAT(model.spectators(), ElementsAre("m4l"));
}

TEST(Model, ScoresTheSameFromItsFile) {
  const TemporaryFolder folder;
  const Model trained = LinearTraining().transform(standard_step()).model();
  trained.save(folder.path() / "m.ophion");
  const Model loaded = Model::load(folder.path() / "m.ophion", LinearTraining().options());
  const std::vector<float> x{3, 6, -1.5f, 0.1f};
  const MatrixView rows(x.data(), 2, 2);
  EXPECT_EQ(loaded.predict(rows), trained.predict(rows));
  EXPECT_EQ(loaded.predict(rows)[0], 11.0f);  // (3 - 1) / 2 + 10 (6 - 2) / 4
  loaded.save(folder.path() / "again.ophion");
  EXPECT_EQ(read_text(folder.path() / "again.ophion"), read_text(folder.path() / "m.ophion"));
}

TEST(Model, ShowsFeaturesAndItsMethodTheColumnsThatTransformsMakeOfThem) {
  const TemporaryFolder folder;
  native::TransformStep encoder;
  encoder.type = "onehot";
  encoder.arrays = {{"categories", {2, 5}}, {"counts", {2}}, {"columns", {0}}};
  encoder.names = {"mZ1=2", "mZ1=5"};
  // Three weights, which the method counts when it is loaded: of mZ2, mZ1=2 and mZ1=5.
  const auto file = LinearTraining(plain_features, "[1, 10, 100]").transform(encoder).file();
  const Value& step = file->manifest().at("transforms").at(0);
  EXPECT_EQ(write_json(step, 0), R"({"type":"onehot","settings":{},"arrays":["categories","columns","counts"],"features":["mZ1"],"names":["mZ1=2","mZ1=5"]})");
  Model(file, LinearTraining().options()).save(folder.path() / "m.ophion");
  const Model model = Model::load(folder.path() / "m.ophion", LinearTraining().options());
  EXPECT_THAT(model.features(), ElementsAre("mZ1", "mZ2"));
  const std::vector<float> x{2, 7, 5, 8, 3, 9};
  EXPECT_THAT(model.predict(MatrixView(x.data(), 3, 2)), ElementsAre(17, 108, 9));
  EXPECT_EQ(model.bind({"mZ2", "mZ1"})({8, 5}), 108.0f);
  LoadOptions joint = LinearTraining().options();
  joint.batching = 16;
  EXPECT_EQ(Model::load(folder.path() / "m.ophion", joint).bind({"mZ1", "mZ2"})({5, 8}), 108.0f);
}

TEST(Model, RecordsWhatItIsMadeOf) {
  const auto file = LinearTraining(computed_features, "[1, 1, 1]").file();
  const Value& manifest = file->manifest();
  EXPECT_EQ(manifest.at("name").as_text(), "sum");
  EXPECT_EQ(manifest.at("task").as_text(), "classification");
  EXPECT_THAT(manifest.at("inputs").as_texts(), ElementsAre("mZ1", "eta4l", "pt"));
  EXPECT_THAT(manifest.at("outputs").as_texts(), ElementsAre("score"));
  const Value& feature = manifest.at("features").at(1);
  EXPECT_EQ(feature.at("name").as_text(), "abs_eta");
  EXPECT_EQ(feature.at("unit").as_text(), "rad");
  EXPECT_EQ(feature.at("min").as_number(), 1.0);
  EXPECT_EQ(feature.at("max").as_number(), 10.0);
  EXPECT_EQ(manifest.at("method").at("type").as_text(), "linear");
  EXPECT_EQ(manifest.at("method").at("options").at("slope").as_number(), 1.5);  // the schema's default
  EXPECT_EQ(manifest.at("versions").at("ophion").as_text(), OPHION_VERSION);
  EXPECT_EQ(manifest.at("versions").at("linear").as_text(), "1.0");
  EXPECT_EQ(manifest.at("provenance").at("seed").as_integer(), 42);
  EXPECT_EQ(manifest.at("payloads").at(0).at("backend").as_text(), "linear");
  EXPECT_EQ(manifest.at("selftest").at("rows").as_integer(), 2);
  EXPECT_THAT(file->member("payload/0/weights.bin").size(), 24u);
  EXPECT_THAT(file->member("script/linear.txt"), HasSubstr("weights times"));
  EXPECT_THAT(file->member("report.json"), HasSubstr("\"auc\": 0.9"));
}

TEST(Model, AppliesTheMissingValuePolicyOfTheTraining) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x{1, 2, nan, 4};
  EXPECT_THAT(error_of<DataError>([&] { LinearTraining().model().predict(MatrixView(x.data(), 2, 2)); }), HasSubstr("row 1, feature 'mZ1'"));
  const Model drops = LinearTraining(plain_features, "[1, 10]", R"(["background", "signal"])", "drop").model();
  const auto scores = drops.predict(MatrixView(x.data(), 2, 2));
  EXPECT_EQ(scores[0], 21.0f);
  EXPECT_TRUE(std::isnan(scores[1]));
  EXPECT_TRUE(std::isnan(drops.bind({"mZ1", "mZ2"})({nan, 1})));
}

TEST(Model, ServesThreadsAtOnce) {
  const Model model = LinearTraining(computed_features, "[1, 10, 100]").transform([] {
    native::TransformStep step;
    step.type = "standard";
    step.arrays = {{"mean", {0, 0, 0}}, {"scale", {2, 2, 2}}};
    return step;
  }()).model();
  const BoundScore score = model.bind({"mZ1", "eta4l", "pt[0]"});
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const auto number = static_cast<float>(t * 10 + i % 10);
        if (score({number, -number, number + 1}) != 111 * number / 2) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Model, ScoresTheSameInAWorker) {
  const LinearTraining training(computed_features, "[1, 2, 3]");
  LoadOptions isolated = training.options();
  isolated.isolation = Isolation::process;
  isolated.workers = 2;
  const Model here = training.model();
  const Model there(training.file(), isolated);
  EXPECT_EQ(there.backend(), here.backend());
  EXPECT_EQ(there.versions(), here.versions());
  std::vector<float> x(3 * 1000);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 1.0f / static_cast<float>(i + 1);
  EXPECT_EQ(there.predict(MatrixView(x.data(), 1000, 3)), here.predict(MatrixView(x.data(), 1000, 3)));
}
