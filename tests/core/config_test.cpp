/// Configs as a program sees them: files, plain structs, values that are set, errors that name the file.
#include <ophion/config.h>

#include <filesystem>
#include <string>

#include <gmock/gmock.h>

#include <ophion/error.h>
#include <ophion/plugin.h>

#include "core/config_files.h"
#include "core/elf_file.h"
#include "core/temporary_folder.h"

using namespace ophion;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

namespace {

/// A folder of its own with three method plug-ins: files that hold nothing but the note, and the real schemas.
class ConfigFile : public testing::Test {
 protected:
  ConfigFile() {
    fs::create_directories(folder_ / "plugins");
    for (const char* type : {"pytorch", "sklearn", "script"}) {
      const std::string name = std::string("plugins/") + type + "_method";
      write(name + ".so", elf_with(bytes_of(detail::make_note("method", type, NeedsPython::yes, ""))));
      fs::copy_file(fs::path(OPHION_SOURCE_DIR) / (name + ".schema.json"), folder_ / (name + ".schema.json"));
    }
  }

  Registry registry() const { return Registry({folder_ / "plugins"}); }

  fs::path write(const std::string& name, const std::string& text) const {
    write_text(folder_ / name, text);
    return folder_ / name;
  }

  Config good(const std::string& name) const { return Config::from_json(read_text(config_files / "good" / (name + ".json")), "/run", registry()); }

  template <class Action>
  static ConfigError config_error_of(Action action) {
    try {
      action();
    } catch (const ConfigError& error) {
      return error;
    }
    return ConfigError("", "", "no error");
  }

  ConfigError refusal(const fs::path& file) const {
    return config_error_of([&] { Config::from_file(file, registry()); });
  }

  const TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

TEST_F(ConfigFile, TakesFoldsDrawnOrByAnExpression) {
  const auto drawn = good("folds_drawn").data().split;
  EXPECT_EQ(drawn.folds, 5);
  EXPECT_EQ(drawn.fold_by, "");
  EXPECT_EQ(drawn.validation, 0.2);
  EXPECT_EQ(drawn.test, 0);
  const auto named = good("folds_by_expression").data().split;
  EXPECT_EQ(named.folds, 4);
  EXPECT_EQ(named.fold_by, "(run + event) % 4");
  EXPECT_EQ(named.validation, 0);
  EXPECT_EQ(named.test, 0.1);
}

TEST_F(ConfigFile, BecomesPlainStructs) {
  const auto file = write("train.json", read_text(config_files / "good" / "split_by_expression.json"));
  const auto config = Config::from_file(file, registry());
  EXPECT_EQ(config.file(), file);
  EXPECT_EQ(config.folder(), folder_);
  EXPECT_EQ(config.name(), "toy");
  EXPECT_EQ(config.task(), "classification");
  EXPECT_EQ(config.output(), folder_ / "runs");
  const auto& data = config.data();
  ASSERT_EQ(data.samples.size(), 2u);
  EXPECT_EQ(data.samples[0].class_name, "signal");
  EXPECT_THAT(data.samples[0].files, ElementsAre((folder_ / "s.root").string()));
  EXPECT_EQ(data.samples[0].tree, "t");
  EXPECT_EQ(data.samples[0].selection, "pt > 1");
  EXPECT_EQ(data.samples[0].weight, "w");
  EXPECT_THAT(data.samples[1].files, ElementsAre((folder_ / "b*.root").string()));
  ASSERT_EQ(data.features.size(), 2u);
  EXPECT_EQ(data.features[0].expression, "pt");
  EXPECT_EQ(data.features[1].name, "abs_eta");
  EXPECT_EQ(data.features[1].expression, "abs(eta)");
  EXPECT_EQ(data.features[1].unit, "1");
  EXPECT_EQ(data.split.by, "event % 5");
  EXPECT_THAT(data.split.validation_values, ElementsAre(3));
  EXPECT_THAT(data.split.test_values, ElementsAre(4));
  ASSERT_EQ(config.methods().size(), 1u);
  EXPECT_EQ(config.methods()[0].name, "mlp");
  EXPECT_EQ(config.methods()[0].type, "pytorch");
  EXPECT_EQ(config.methods()[0].options.at("script").as_text(), (folder_ / "mlp.py").string());
}

TEST_F(ConfigFile, TellsPolicies) {
  const auto config = good("weights").set("data.missing", "impute").set("data.split", "{\"validation\": 0.1}");
  EXPECT_EQ(config.data().negative, NegativeWeights::zero_in_training);
  EXPECT_EQ(config.data().normalise, Normalisation::none);
  EXPECT_EQ(config.data().missing, MissingPolicy::impute);
  EXPECT_EQ(config.data().split.validation, 0.1);
  EXPECT_EQ(config.data().split.test, 0.3);
  EXPECT_EQ(good("regression").data().targets.at(1).expression, "log(energy)");
}

TEST_F(ConfigFile, GivesTheSameRunFromWhatItResolved) {
  for (const auto& name : names_in(config_files / "good")) {
    const auto config = good(name);
    const auto again = Config::from_json(write_json(config.resolved()), "/elsewhere", registry());
    EXPECT_EQ(write_json(again.resolved()), write_json(config.resolved())) << name;
  }
}

TEST_F(ConfigFile, PutsThePositiveClassLast) {
  const auto classes = [&](std::vector<std::string> names) {
    auto document = json_of(config_files / "good" / "weights.json");
    auto& samples = *document.find("data")->find("samples");
    samples = Value::array();
    for (const auto& name : names) {
      Value sample;
      sample.set("class", name);
      sample.set("files", "x.root");
      samples.push_back(sample);
    }
    return Config::from_json(write_json(document), "/run", registry()).classes();
  };
  EXPECT_THAT(classes({"signal", "background"}), ElementsAre("background", "signal"));
  EXPECT_THAT(classes({"background", "signal", "background"}), ElementsAre("background", "signal"));
  EXPECT_THAT(classes({"electron", "pion"}), ElementsAre("pion", "electron"));
  EXPECT_THAT(classes({"c", "signal", "a", "c"}), ElementsAre("c", "signal", "a"));
}

TEST_F(ConfigFile, ChangesOneValue) {
  const auto config = good("weights");
  const auto changed = config.set("methods.0.training.epochs", "20").set("output", "elsewhere").set("methods.0.name", "net");
  EXPECT_EQ(changed.methods()[0].options.at("training").at("epochs").as_integer(), 20);
  EXPECT_EQ(changed.output(), "/run/elsewhere");
  EXPECT_EQ(changed.methods()[0].name, "net");
  EXPECT_EQ(config.methods()[0].options.at("training").at("epochs").as_integer(), 50);
  EXPECT_EQ(config.set("data.features", R"(["a", "b"])").data().features.size(), 2u);
}

TEST_F(ConfigFile, RefusesKeysThatAreNotThere) {
  const auto config = good("weights");
  const auto refused = [&](const char* key, const char* value) {
    return std::string(config_error_of([&] { config.set(key, value); }).what());
  };
  EXPECT_EQ(refused("methods.0.training.epoch", "3"), "/methods/0/training/epoch: unknown key 'epoch'; did you mean 'epochs'?");
  EXPECT_EQ(refused("methods.0.training.epochs", "0"), "/methods/0/training/epochs: expected at least 1, found 0");
  EXPECT_EQ(refused("methods.0.training.epochs", "many"), "/methods/0/training/epochs: expected a whole number, found 'many'");
  EXPECT_EQ(refused("methods.7.name", "x"), "/methods: key 'methods.7.name': there is no item 7 in a list of 1 (the first is 0)");
  EXPECT_EQ(refused("methods.mlp.name", "x"), "/methods: key 'methods.mlp.name': expected the number of an item, found 'mlp'");
  EXPECT_EQ(refused("name.x", "1"), "/name: key 'name.x': expected an object or a list before 'x', found text");
  EXPECT_EQ(refused("data..missing", "1"), "/data: key 'data..missing': a name between two dots is missing");
  EXPECT_EQ(refused("", "1"), "key '': a name between two dots is missing");
}

TEST_F(ConfigFile, NamesTheNearestMethod) {
  const auto error = config_error_of([&] { good("weights").set("methods.0.type", "pytroch"); });
  EXPECT_EQ(error.pointer(), "/methods/0/type");
  EXPECT_THAT(error.problem(), HasSubstr("no method 'pytroch'; did you mean 'pytorch'?"));
}

TEST_F(ConfigFile, MayHoldComments) {
  const auto file = write("train.json", "// a run\n" + read_text(config_files / "good" / "weights.json"));
  EXPECT_EQ(Config::from_file(file, registry()).name(), "toy");
}

TEST_F(ConfigFile, IsNamedInErrors) {
  const auto file = write("train.json", "{\"version\": 1, \"version\": 1}");
  EXPECT_EQ(refusal(file).what(), file.string() + " /version: line 1, column 24: found the key 'version' a second time");
  EXPECT_EQ(refusal(folder_ / "trian.json").problem(), "there is no such file; did you mean 'train.json'?");
  EXPECT_EQ(refusal(folder_ / "no" / "train.json").problem(), "there is no such file");
  EXPECT_EQ(refusal(folder_).problem(), "expected a file, found a folder");
  EXPECT_EQ(refusal(write("empty.json", "")).problem(), "the file is empty");
  EXPECT_EQ(refusal(write("blank.json", " \n")).problem(), "the file is empty");
  EXPECT_EQ(refusal(write("list.json", "[]")).problem(), "expected an object, found a list");
  EXPECT_EQ(refusal(write("utf16.json", std::string("\xFF\xFE{\0}\0", 6))).problem(),
            "expected text in UTF-8, found UTF-16, UTF-32 or binary data");
}

TEST_F(ConfigFile, IsRefusedWhenItIsHuge) {
  const auto file = write("huge.json", "");
  fs::resize_file(file, std::uintmax_t{1} << 40);  // a hole: takes no space, and must not be read to its end
  EXPECT_EQ(refusal(file).problem(), "expected at most 16 MB");
}

}  // namespace
