/// Model files that are not as they were trained, and loads that ask for what there is not.
#include <functional>

#include <gmock/gmock.h>

#include <ophion/error.h>
#include <ophion/model.h>
#include <ophion/runtime.h>

#include "core/error_of.h"
#include "core/linear_training.h"
#include "core/temporary_folder.h"
#include "safetensors.h"

using namespace ophion;
using testing::AllOf;
using testing::HasSubstr;
namespace fs = std::filesystem;

namespace {

/// A file with a changed manifest and members, good in every other way.
std::shared_ptr<const ModelFile> changed_file(const ModelFile& file, const std::function<void(Value&, std::map<std::string, std::string>&)>& change) {
  Value manifest = file.manifest();
  std::map<std::string, std::string> members = file.members();
  change(manifest, members);
  return ModelFile::make(std::move(manifest), std::move(members));
}

}  // namespace

TEST(Model, RefusesScoresThatAreNoLongerThoseOfTheTraining) {
  const auto file = LinearTraining().file();
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
  const Model late(off_by(0.01f, true), LinearTraining().options());
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
  const auto file = LinearTraining().file();
  Model(file, LinearTraining().options());
  EXPECT_TRUE(lines.empty());
  Model(changed_file(*file, [](Value&, auto& members) {
          auto tensors = read_safetensors(members.at("selftest.safetensors"), "t");
          tensors.at("scores") = make_tensor(std::vector<float>{10, 32.00001f}, {2, 1});
          members["selftest.safetensors"] = write_safetensors(tensors);
        }),
        LinearTraining().options());
  configure({});
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], HasSubstr("with the same versions on the same machine"));
}

TEST(Model, TakesTheBackendThatIsDemandedOrSaysWhatThereIs) {
  LoadOptions options = LinearTraining().options();
  options.backend = "linear";
  EXPECT_EQ(Model(LinearTraining().file(), options).backend(), "linear");
  options.backend = "onnx";
  EXPECT_THAT(load_refusal(LinearTraining().file(), options), HasSubstr("a model in memory: has no backend 'onnx'; it has linear"));
}

TEST(Model, NamesTheMethodThatIsNotThere) {
  const auto file = changed_file(*LinearTraining().file(), [](Value& manifest, auto&) { manifest.find("method")->set("type", "lineal"); });
  EXPECT_THAT(error_of<PluginError>([&] { Model(file, LinearTraining().options()); }),
              HasSubstr("a model in memory needs the method 'lineal': no method 'lineal'; did you mean 'linear'?"));
}

TEST(Model, RefusesManifestsThatCanNotBe) {
  const auto file = LinearTraining().transform(standard_step()).file();
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
  const LoadOptions options = LinearTraining().options();
  LinearTraining().transform(standard_step()).model().save(path);
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

TEST(Model, RefusesLimitsThatOnlyAWorkerCanKeep) {
  const LinearTraining training;
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
