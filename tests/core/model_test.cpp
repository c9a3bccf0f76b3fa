/// Models from training's parts to scores: by position, by name, from memory and from a file, with weighted sums as the method.
#include <ophion/model.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <thread>

#include <gmock/gmock.h>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "core/cpp_plugins.h"
#include "core/error_of.h"
#include "core/temporary_folder.h"
#include "model_builder.h"
#include "safetensors.h"

using namespace ophion;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

namespace {

const std::string plain_features = R"(["mZ1", "mZ2"])";
const std::string computed_features = R"x(["mZ1", {"name": "abs_eta", "expr": "abs(eta4l)", "unit": "rad"}, {"name": "lead", "expr": "pt[0] - 1"}])x";

/// A method's training as the session sees it, on four events of which the self-test keeps two.
class Training {
 public:
  explicit Training(const std::string& features = plain_features, const std::string& weights = "[1, 10]",
                    const std::string& classes = R"(["background", "signal"])", const std::string& missing = "error")
      : registry_({cpp_plugins}), config_(config_of(features, weights, classes, missing)), rows_(4 * config_.data().features.size()) {
    for (const auto& feature : config_.data().features) spec_.features.push_back(feature.name);
    spec_.task = config_.task();
    spec_.classes = config_.classes();
    for (std::size_t i = 0; i < rows_.size(); ++i) rows_[i] = static_cast<float>(i);
    part_.features = MatrixView(rows_.data(), 4, spec_.features.size());
    provenance_.set("seed", 42);
  }

  Training& transform(native::TransformStep step) {
    chain_.push_back(std::move(step));
    return *this;
  }
  Training& member(const std::string& name, const std::string& content) {
    extra_.emplace(name, content);
    return *this;
  }

  LoadOptions options() const {
    LoadOptions options;
    options.registry = registry_;
    return options;
  }

  std::shared_ptr<const ModelFile> file() const {
    const MethodConfig& method = config_.methods()[0];
    const Preprocessing preprocessing(config_.data().missing,
                                      chain_.empty() ? native::TransformChain() : native::TransformChain(chain_, spec_.features.size()),
                                      spec_.features);
    TrainContext context;
    context.options = method.options;
    Payload payload = registry_.method("linear")->train({}, context);
    payload.members.insert(extra_.begin(), extra_.end());
    std::vector<float> selftest(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(rows_.size() / 2));
    ModelParts parts{config_, method, spec_, preprocessing, std::move(payload), part_, provenance_, std::move(selftest), Value::object()};
    const Model untested(build_model_file(parts), options());
    parts.report.set("auc", 0.9);
    return build_tested_model_file(parts, untested);
  }
  Model model() const { return Model(file(), options()); }

 private:
  Config config_of(const std::string& features, const std::string& weights, const std::string& classes, const std::string& missing) {
    std::string samples;
    const Value names = read_json(classes, "classes");
    for (const std::string& name : names.as_texts()) {
      samples += (samples.empty() ? "" : ", ") + (R"({"class": ")" + name + R"(", "files": ["x.root"]})");
    }
    return Config::from_json(R"({"version": 1, "name": "run", "task": "classification", "data": {"samples": [)" + samples + R"(], "features": )" +
                                 features + R"(, "spectators": ["m4l"], "missing": ")" + missing +
                                 R"("}, "methods": [{"name": "sum", "type": "linear", "weights": )" + weights + "}]}",
                             ".", registry_);
  }

  Registry registry_;
  Config config_;
  Spec spec_;
  std::vector<float> rows_;
  Part part_;
  Value provenance_ = Value::object();
  std::vector<native::TransformStep> chain_;
  std::map<std::string, std::string> extra_;
};

native::TransformStep standard_step() {
  native::TransformStep step;
  step.type = "standard";
  step.arrays = {{"mean", {1, 2}}, {"scale", {2, 4}}};
  return step;
}

/// A file with a changed manifest and members, good in every other way.
std::shared_ptr<const ModelFile> changed_file(const ModelFile& file, const std::function<void(Value&, std::map<std::string, std::string>&)>& change) {
  Value manifest = file.manifest();
  std::map<std::string, std::string> members = file.members();
  change(manifest, members);
  return ModelFile::make(std::move(manifest), std::move(members));
}

}  // namespace

TEST(Model, ScoresRowsInTrainingOrder) {
  const Model model = Training().model();
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
  const Model trained = Training().transform(standard_step()).model();
  trained.save(folder.path() / "m.ophion");
  const Model loaded = Model::load(folder.path() / "m.ophion", Training().options());
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
  const auto file = Training(plain_features, "[1, 10, 100]").transform(encoder).file();
  const Value& step = file->manifest().at("transforms").at(0);
  EXPECT_EQ(write_json(step, 0), R"({"type":"onehot","settings":{},"arrays":["categories","columns","counts"],"features":["mZ1"],"names":["mZ1=2","mZ1=5"]})");
  Model(file, Training().options()).save(folder.path() / "m.ophion");
  const Model model = Model::load(folder.path() / "m.ophion", Training().options());
  EXPECT_THAT(model.features(), ElementsAre("mZ1", "mZ2"));
  const std::vector<float> x{2, 7, 5, 8, 3, 9};
  EXPECT_THAT(model.predict(MatrixView(x.data(), 3, 2)), ElementsAre(17, 108, 9));
  EXPECT_EQ(model.bind({"mZ2", "mZ1"})({8, 5}), 108.0f);
  LoadOptions joint = Training().options();
  joint.batching = 16;
  EXPECT_EQ(Model::load(folder.path() / "m.ophion", joint).bind({"mZ1", "mZ2"})({5, 8}), 108.0f);
}

TEST(Model, RecordsWhatItIsMadeOf) {
  const auto file = Training(computed_features, "[1, 1, 1]").file();
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

TEST(Model, BindsFeaturesInAnyOrder) {
  const Model model = Training().model();
  EXPECT_EQ(model.bind({"mZ1", "mZ2"})({1, 2}), 21.0f);
  EXPECT_EQ(model.bind({"mZ2", "mZ1"})({1, 2}), 12.0f);
  EXPECT_EQ(model.bind({"m4l", "mZ2", "other", "mZ1"})({0, 1, 0, 2}), 12.0f);
}

TEST(Model, BindsRawColumnsFromWhichFeaturesAreComputed) {
  const Model model = Training(computed_features, "[1, 10, 100]").model();
  EXPECT_EQ(model.bind({"mZ1", "eta4l", "pt[0]"})({1, -2, 4}), 1.0f + 20 + 300);
  EXPECT_EQ(model.bind({"lead", "abs_eta", "mZ1"})({3, 2, 1}), 1.0f + 20 + 300);
  EXPECT_EQ(model.bind({"lead", "eta4l", "mZ1"})({3, -2, 1}), 1.0f + 20 + 300);
}

TEST(Model, NamesWhatIsMissingAndWhatItIsFor) {
  const Model model = Training(computed_features, "[1, 10, 100]").model();
  EXPECT_THAT(error_of<DataError>([&] { model.bind({"mZ", "eta41", "pt[0]"}); }),
              AllOf(HasSubstr("names to bind: no 'mZ1', a feature of the model; did you mean 'mZ'?"),
                    HasSubstr("no 'eta4l', from which the feature 'abs_eta' is computed; did you mean 'eta41'?")));
  EXPECT_THAT(error_of<DataError>([&] { model.bind({"mZ1", "mZ1", "eta4l", "pt[0]"}); }), HasSubstr("'mZ1' is there twice"));
}

TEST(Model, WantsOneNumberABoundName) {
  const BoundScore score = Training().model().bind({"mZ1", "mZ2"});
  EXPECT_THAT(error_of<ModelError>([&] { score({1, 2, 3}); }), HasSubstr("expected 2 numbers, one a bound name, found 3"));
  const std::vector<float> x(3);
  std::vector<float> out(1);
  EXPECT_THAT(error_of<ModelError>([&] { score.predict(MatrixView(x.data(), 1, 3), out); }), HasSubstr("expected 2 columns"));
}

TEST(Model, ScoresManyBoundEventsAsItScoresOne) {
  const Model model = Training(computed_features, "[1, 10, 100]").model();
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
  const BoundScore score = Training().model().bind({"a", "mZ2", "b", "mZ1"});  // from the end to the beginning
  const std::vector<float> x{0, 2, 0, 1, 0, 4, 0, 3};
  std::vector<float> out(2);
  score.predict(MatrixView(x.data(), 2, 4), out);
  EXPECT_THAT(out, ElementsAre(21.0f, 43.0f));
}

TEST(Model, GivesAllScoresOfSeveralClasses) {
  const Model model = Training(plain_features, "[1, 0, 0, 1, 1, 1]", R"(["a", "b", "c"])").model();
  EXPECT_THAT(model.output_names(), ElementsAre("score_a", "score_b", "score_c"));
  const BoundScore score = model.bind({"mZ1", "mZ2"});
  std::vector<float> out(3);
  score(std::vector<float>{2, 3}, out);
  EXPECT_THAT(out, ElementsAre(2.0f, 3.0f, 5.0f));
  EXPECT_THAT(error_of<ModelError>([&] { score({2, 3}); }), HasSubstr("an event has 3 scores"));
}

TEST(Model, ScoresColumnsOfAnyTypeByName) {
  const Model model = Training(computed_features, "[1, 10, 100]").model();
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
  const Model model = Training(R"([{"name": "f", "expr": "a + b"}])", "[1]").model();
  std::vector<float> a(9'000'000, 1.0f);
  a[8'999'999] = std::numeric_limits<float>::quiet_NaN();
  Columns columns;
  columns.emplace_back("a", std::span<const float>(a));
  columns.emplace_back("b", std::span<const float>(a));
  EXPECT_THAT(error_of<DataError>([&] { model.predict(columns); }), HasSubstr("row 8999999, feature 'f': not a number"));
}

TEST(Model, AppliesTheMissingValuePolicyOfTheTraining) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x{1, 2, nan, 4};
  EXPECT_THAT(error_of<DataError>([&] { Training().model().predict(MatrixView(x.data(), 2, 2)); }), HasSubstr("row 1, feature 'mZ1'"));
  const Model drops = Training(plain_features, "[1, 10]", R"(["background", "signal"])", "drop").model();
  const auto scores = drops.predict(MatrixView(x.data(), 2, 2));
  EXPECT_EQ(scores[0], 21.0f);
  EXPECT_TRUE(std::isnan(scores[1]));
  EXPECT_TRUE(std::isnan(drops.bind({"mZ1", "mZ2"})({nan, 1})));
}

TEST(Model, KeepsLongExpressions) {
  std::string sum = "a0";
  for (int i = 1; i < 200; ++i) sum += " + a" + std::to_string(i);
  const TemporaryFolder folder;
  Training(R"([{"name": "sum", "expr": ")" + sum + R"("}])", "[2]").model().save(folder.path() / "m.ophion");
  const Model model = Model::load(folder.path() / "m.ophion", Training().options());
  EXPECT_EQ(model.inputs().size(), 200u);
  EXPECT_EQ(model.bind(model.inputs())(std::vector<float>(200, 1.0f)), 400.0f);
}

TEST(Model, ServesThreadsAtOnce) {
  const Model model = Training(computed_features, "[1, 10, 100]").transform([] {
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

TEST(Model, RefusesScoresThatAreNoLongerThoseOfTheTraining) {
  const auto file = Training().file();
  const auto off_by = [&](float difference, bool lazy) {
    return changed_file(*file, [&](Value& manifest, auto& members) {
      auto tensors = read_safetensors(members.at("selftest.safetensors"), "t");
      std::vector<float> scores = floats_of(tensors.at("scores"));
      scores[1] += difference;
      tensors.at("scores") = make_tensor(scores, {2, 1});
      members["selftest.safetensors"] = write_safetensors(tensors);
      manifest.find("selftest")->set("lazy", lazy);
    });
  };
  // Rows 0, 1 and 2, 3 with weights 1 and 10: scores 10 and 32.
  EXPECT_THAT(load_refusal(off_by(0.01f, false)),
              AllOf(HasSubstr("a model in memory: the self-test's score 1 was 32.0"), HasSubstr("and is 32 here, which is more than rounding (1e-05)"),
                    HasSubstr("Trained with linear 1.0 on "), HasSubstr("here linear 1.0 on ")));
  EXPECT_EQ(load_refusal(off_by(0.0001f, false)), "nothing was thrown");
  const Model late(off_by(0.01f, true), Training().options());
  const std::vector<float> x{1, 2};
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(error_of<ModelError>([&] { late.predict(MatrixView(x.data(), 1, 2)); }), HasSubstr("self-test's score 1")) << i;
  }
}

TEST(Model, TellsOfRoundingWhereNothingChanged) {
  std::vector<std::string> lines;
  RuntimeOptions runtime;
  runtime.log_sink = [&](LogLevel, std::string_view line) { lines.emplace_back(line); };
  configure(runtime);
  const auto file = Training().file();
  Model(file, Training().options());
  EXPECT_TRUE(lines.empty());
  Model(changed_file(*file, [](Value&, auto& members) {
          auto tensors = read_safetensors(members.at("selftest.safetensors"), "t");
          tensors.at("scores") = make_tensor(std::vector<float>{10, 32.00001f}, {2, 1});
          members["selftest.safetensors"] = write_safetensors(tensors);
        }),
        Training().options());
  configure({});
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], HasSubstr("with the same versions on the same machine"));
}

TEST(Model, TakesTheBackendThatIsDemandedOrSaysWhatThereIs) {
  LoadOptions options = Training().options();
  options.backend = "linear";
  EXPECT_EQ(Model(Training().file(), options).backend(), "linear");
  options.backend = "onnx";
  EXPECT_THAT(load_refusal(Training().file(), options), HasSubstr("a model in memory: has no backend 'onnx'; it has linear"));
}

TEST(Model, NamesTheMethodThatIsNotThere) {
  const auto file = changed_file(*Training().file(), [](Value& manifest, auto&) { manifest.find("method")->set("type", "lineal"); });
  EXPECT_THAT(error_of<PluginError>([&] { Model(file, Training().options()); }),
              HasSubstr("a model in memory needs the method 'lineal': no method 'lineal'; did you mean 'linear'?"));
}

TEST(Model, RefusesManifestsThatCanNotBe) {
  const auto file = Training().transform(standard_step()).file();
  const auto with = [&](const char* key, Value value) {
    return load_refusal(changed_file(*file, [&](Value& manifest, auto&) { manifest.set(key, value); }));
  };
  EXPECT_THAT(with("task", "guessing"), HasSubstr("a model of task 'guessing' can't have 2 features, 2 classes and 0 targets"));
  EXPECT_THAT(with("classes", Value(std::vector<std::string>{"only"})), HasSubstr("1 classes"));
  EXPECT_THAT(with("missing", "ignore"), HasSubstr("'missing' is 'ignore', which is no policy"));
  EXPECT_THAT(with("payloads", Value::array()), HasSubstr("holds nothing that can score"));
  EXPECT_THAT(with("features", Value::array()), HasSubstr("0 features"));
  EXPECT_THAT(with("features", 3), HasSubstr("a model in memory: "));
  EXPECT_THAT(with("transforms", Value()), HasSubstr("a model in memory: "));
  const auto without = [&](const char* member) {
    return load_refusal(changed_file(*file, [&](Value&, auto& members) { members.erase(member); }));
  };
  EXPECT_THAT(without("payload/0/weights.bin"), HasSubstr("has no member 'payload/0/weights.bin'"));
  EXPECT_THAT(without("transforms.safetensors"), HasSubstr("has no member 'transforms.safetensors'"));
  EXPECT_THAT(without("selftest.safetensors"), HasSubstr("has no member 'selftest.safetensors'"));
  EXPECT_THAT(load_refusal(changed_file(*file, [](Value&, auto& members) {
                members["transforms.safetensors"] = write_safetensors({{"0.mean", make_tensor(std::vector<double>{1}, {1})},
                                                                       {"0.scale", make_tensor(std::vector<double>{1, 1}, {2})}});
              })),
              HasSubstr("expected 2 numbers in 'mean', found 1"));
  EXPECT_THAT(load_refusal(changed_file(*file, [](Value& manifest, auto&) {
                manifest.find("transforms")->as_array()[0].set("names", Value(std::vector<std::string>{"new"}));
              })),
              HasSubstr("transform 0 'standard': expected 0 names of new columns, found 1"));
}

TEST(Model, EitherRefusesADamagedFileOrScoresAsBefore) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "m.ophion";
  const LoadOptions options = Training().options();
  Training().transform(standard_step()).model().save(path);
  const std::string bytes = read_text(path);
  const std::vector<float> x{3, 6};
  int refused = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x20);
    write_text(path, damaged);
    try {
      EXPECT_EQ(Model::load(path, options).predict(MatrixView(x.data(), 1, 2))[0], 11.0f) << i;
    } catch (const ModelError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, static_cast<int>(bytes.size() / 3 / 2));
}

TEST(Model, ScoresTheSameInAWorker) {
  const Training training(computed_features, "[1, 2, 3]");
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

TEST(Model, RefusesLimitsThatOnlyAWorkerCanKeep) {
  const Training training;
  const auto refusal = [&](auto&& change) {
    LoadOptions options = training.options();
    change(options);
    try {
      Model(training.file(), options);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  EXPECT_EQ(refusal([](LoadOptions& options) { options.drop_rights = true; }),
            "LoadOptions.drop_rights holds for worker processes: it needs isolation = Isolation::process");
  EXPECT_THAT(refusal([](LoadOptions& options) { options.memory_limit = 1 << 30; }), HasSubstr("LoadOptions.memory_limit holds"));
  EXPECT_THAT(refusal([](LoadOptions& options) { options.workers = 2; }), HasSubstr("LoadOptions.workers holds"));
  EXPECT_EQ(refusal([](LoadOptions& options) { options.workers = 0; }), "LoadOptions.workers: expected 1 or more, found 0");
}
