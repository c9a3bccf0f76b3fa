/// Configs: what is accepted, what is refused and with which words, and the structs a program sees.
#include <ophion/config.h>

#include <elf.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <gmock/gmock.h>

#include <ophion/error.h>
#include <ophion/plugin.h>

#include "config_check.h"
#include "core/error_of.h"
#include "core/temporary_folder.h"

using ophion::Config;
using ophion::read_json;
using ophion::Value;
using ophion::write_json;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

namespace {

const fs::path source = OPHION_SOURCE_DIR;
const fs::path configs = source / "tests" / "core" / "configs";

Value json_of(const fs::path& file) { return read_json(read_text(file), file.filename().string()); }

Value own_schema(const std::string& type) {
  const auto file = source / "plugins" / (type + "_method.schema.json");
  if (!fs::exists(file)) throw ophion::PluginError("no method '" + type + "'");
  return json_of(file);
}

Value checked(const Value& document, const fs::path& folder = "/run") {
  static const Value common = json_of(source / "config" / "schema.json");
  return ophion::check_config(document, common, own_schema, [](const auto&) { return ophion::FeatureFunctions(); }, "c.json", folder);
}

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().stem().string());
  return names;
}

/// One file, one error: every file of the folder must be named, and every name must be a file.
void expect_errors(const std::string& folder, const std::map<std::string, std::string>& expected) {
  std::set<std::string> names;
  for (const auto& [name, error] : expected) {
    names.insert(name);
    const Value document = json_of(configs / folder / (name + ".json"));
    EXPECT_EQ(error_of<ophion::Error>([&] { checked(document); }), "c.json" + error) << name;
  }
  EXPECT_EQ(names, names_in(configs / folder));
}

TEST(CheckConfig, AcceptsGoodConfigsAndKeepsWhatItMadeOfThem) {
  for (const auto& name : names_in(configs / "good")) {
    SCOPED_TRACE(name);
    const auto resolved = checked(json_of(configs / "good" / (name + ".json")));
    const auto again = checked(read_json(write_json(resolved), name), "/elsewhere");
    EXPECT_EQ(write_json(again), write_json(resolved));
  }
}

TEST(CheckConfig, TellsWhatNoSchemaAllows) {
  expect_errors("bad", {
      {"class_name", " /data/samples/0/class: expected letters, digits and '_', found 'H->ZZ'"},
      {"empty_file_name", " /data/samples/0/files/0: expected at least 1 character, found 0"},
      {"epochs", " /methods/0/training/epochs: expected at least 1, found -3"},
      {"epochs_text", " /methods/0/training/epochs: expected a whole number, found '20'"},
      {"estimator", " /methods/0/estimator: expected a dotted name such as package.module.Class, found 'RandomForest'"},
      {"feature_is_a_number", " /data/features/1: expected text or an object, found 3"},
      {"feature_without_name", " /data/features/0: missing key 'name'"},
      {"files_is_a_number", " /data/samples/0/files: expected text or a list, found 3"},
      {"folds_key", " /data/split/folds: unknown key 'folds'; known are by, validation, test"},
      {"folds_outside_split",
       " /data/folds: unknown key 'folds'; known are samples, features, targets, spectators, weights, missing, "
       "split"},
      {"fraction", " /data/split/validation: expected less than 1, found 1"},
      {"gradient_clip", " /methods/0/training/gradient_clip: expected more than 0, found 0"},
      {"method_key", " /methods/0/scripts: unknown key 'scripts'; did you mean 'script'?"},
      {"method_without_script", " /methods/0: missing key 'script'"},
      {"method_without_type", " /methods/0: missing key 'type'"},
      {"missing",
       " /data/missing: expected one of 'error', 'drop', 'impute', 'keep', found 'kep'; did you mean 'keep'?"},
      {"name_leaves_the_folder",
       " /name: expected letters, digits, '.', '_' and '-', beginning with a letter or digit, found '../x'"},
      {"negative_seed", " /seed: expected at least 0, found -1"},
      {"one_fold", " /data/split/folds: expected at least 2, found 1"},
      {"no_features", " /data/features: expected at least 1 item, found 0"},
      {"no_files", " /data/samples/0/files: expected at least 1 item, found 0"},
      {"no_methods", " /methods: expected at least 1 item, found 0"},
      {"no_version", ": missing key 'version'"},
      {"optimizer",
       " /methods/0/training/optimizer: expected one of 'adadelta', 'adagrad', 'adam', 'adamax', 'adamw', "
       "'asgd', 'nadam', 'radam', 'rmsprop', 'rprop', 'sgd', found 'adm'; did you mean 'adam'?"},
      {"optimizer_argument",
       " /methods/0/training/optimizer/momentum: expected a number, true or false or a list, found 'x'"},
      {"output", " /output: expected at least 1 character, found 0"},
      {"pipeline_step", " /methods/0/estimator/0/parms: unknown key 'parms'; did you mean 'params'?"},
      {"scheduler_key", " /methods/0/training/scheduler/size: unknown key 'size'; known are type, step_size, gamma"},
      {"scheduler_text", " /methods/0/training/scheduler: expected null or an object, found 'cosine'"},
      {"scheduler_type",
       " /methods/0/training/scheduler/type: expected one of 'cosine', 'step', 'exponential', 'plateau', "
       "'one_cycle', found 'cosin'; did you mean 'cosine'?"},
      {"script_is_no_python", " /methods/0/script: expected a file NAME.py, or NAME.py:CLASS, found 'mlp.txt'"},
      {"seed_beyond_32_bits", " /seed: expected at most 4294967295, found 4294967296"},
      {"spectator_twice", " /data/spectators/1: 'm4l' stands in the list twice"},
      {"split_key", " /data/split/validaton: unknown key 'validaton'; did you mean 'validation'?"},
      {"split_value", " /data/split/test/0: expected a whole number, found 0.5"},
      {"task",
       " /task: expected one of 'classification', 'regression', found 'clasification'; did you mean "
       "'classification'?"},
      {"track_key", " /track/mlflow/url: unknown key 'url'; did you mean 'uri'?"},
      {"training_key", " /methods/0/training/epoch: unknown key 'epoch'; did you mean 'epochs'?"},
      {"transform_name",
       " /methods/0/transform/0: expected one of 'standard', 'robust', 'minmax', 'clip', 'quantile', 'uniform', 'gauss', 'log', "
       "'impute', 'decorrelate', 'pca', 'onehot', found 'standrd'; did you mean "
       "'standard'?"},
      {"transform_setting", " /methods/0/transform/0/n_quantiles: expected at least 2, found 1"},
      {"transform_text", " /methods/0/transform: expected a list, found 'standard'"},
      {"unknown_key", " /datas: unknown key 'datas'; did you mean 'data'?"},
      {"version_2", " /version: expected 1, found 2"},
      {"yield_scale", " /evaluation/yield_scale: expected more than 0, found 0"},
  });
}

TEST(CheckConfig, TellsWhatNoSchemaCanSay) {
  expect_errors("refused", {
      {"class_in_regression", " /data/samples/0/class: a regression has no classes"},
      {"classification_with_targets",
       " /data/targets: a classification has no targets; its answers are the samples' classes"},
      {"equal_class_in_regression",
       " /data/weights/normalise: expected 'none' or 'mean_one' for a regression, found 'equal_class'"},
      {"expression_without_name",
       " /data/features/0: expected the name of a column, found the expression 'abs(eta)'; give it a name: "
       "{\"name\": …, \"expr\": …}"},
      {"feature_syntax", " /data/features/1/expr: feature 'abs(eta': expected ')', found end of text at column 8"},
      {"feature_twice", " /data/features/1/name: the name 'pt' stands in the list twice"},
      {"fractions_leave_nothing",
       " /data/split: expected validation and test to leave events for training, found a sum of 1.0"},
      {"method_name_twice", " /methods/1/name: another method has the name 'mlp'"},
      {"minmax_range", " /methods/0/transform/1: expected minimum to be less than maximum"},
      {"name_of_a_column_read_elsewhere",
       " /data/features/0/expr: the name 'pt' of this expression is also the column that the feature 'pt' reads; "
       "give the feature another name"},
      {"name_of_a_spectator",
       " /data/features/0/expr: the name 'm4l' of this expression is also the column that stands among the "
       "spectators; give the feature another name"},
      {"name_of_the_fold_column",
       " /data/features/1/expr: the name 'event' of this expression is also the column that data.split.folds reads; give the feature "
       "another name"},
      {"no_class", " /data/samples/1: missing key 'class', which a classification needs"},
      {"one_class", " /data/samples: expected two classes or more, found only 'signal'"},
      {"regression_without_targets", " /data: missing key 'targets', which a regression needs"},
      {"selection_syntax",
       " /data/samples/0/selection: selection 'pt >': expected a number, a column or '(', found end of text at "
       "column 5"},
      {"folds_syntax",
       " /data/split/folds: folds 'event %': expected a number, a column or '(', found end of text at column 8"},
      {"folds_without_number",
       " /data/split/folds: expected a remainder by the number of folds (from 2 to 100), such as 'event % 5', found 'event'"},
      {"split_syntax",
       " /data/split/by: split 'event %': expected a number, a column or '(', found end of text at column 8"},
      {"target_is_a_feature", " /data/targets/0/expr: 'y' is the feature 'pt' as well: the answer would be known"},
      {"value_in_two_parts", " /data/split: the value 4 stands for validation and for test"},
      {"weight_syntax",
       " /data/samples/1/weight: weight 'w *': expected a number, a column or '(', found end of text at column 4"},
  });
}

TEST(CheckConfig, FillsInEveryDefault) {
  const auto resolved = checked(json_of(configs / "good" / "smallest.json"));
  EXPECT_EQ(resolved.at("seed"), Value(0));
  EXPECT_EQ(resolved.at("output"), Value("/run/runs"));
  EXPECT_EQ(resolved.at("data").at("split"), read_json(R"({"validation": 0.2, "test": 0.3})", ""));
  EXPECT_EQ(resolved.at("data").at("weights"), read_json(R"({"negative": "error", "normalise": "equal_class"})", ""));
  const auto& method = resolved.at("methods").at(0);
  EXPECT_EQ(method.at("script"), Value("/run/mlp.py"));
  EXPECT_EQ(method.at("training"), read_json(R"({"epochs": 50, "batch_size": 1024, "optimizer": "adam", "learning_rate": 0.001,
    "weight_decay": 0, "scheduler": null, "gradient_clip": null, "early_stopping": null})", ""));
  EXPECT_EQ(method.at("params"), Value::object());
}

TEST(CheckConfig, SpellsOutTransforms) {
  const auto resolved = checked(json_of(configs / "good" / "transforms.json"));
  const Value::Array expected = read_json(R"([{"type": "standard"}, {"type": "minmax", "minimum": -1, "maximum": 1},
    {"type": "quantile", "output": "normal", "n_quantiles": 1000}, {"type": "quantile", "output": "normal", "n_quantiles": 1000},
    {"type": "quantile", "output": "uniform", "n_quantiles": 50, "features": ["pt"]}, {"type": "robust", "lower": 0.1, "upper": 0.75},
    {"type": "clip", "minimum": -5, "upper": 0.999}, {"type": "log", "form": "symmetric", "offset": 0, "features": ["pt"]}])", "").as_array();
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(resolved.at("methods").at(0).at("transform").at(i), expected[i]);
}

TEST(CheckConfig, NormalisesRegressionsToAMeanOfOne) {
  const auto resolved = checked(json_of(configs / "good" / "regression.json"));
  EXPECT_EQ(resolved.at("data").at("weights").at("normalise"), Value("mean_one"));
}

TEST(MethodSchema, MustLeaveSharedKeysAlone) {
  const auto common = json_of(source / "config" / "schema.json");
  const auto refused = [&](const char* own) {
    try {
      ophion::method_schema(common, read_json(own, ""), "x");
    } catch (const ophion::Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(refused(R"({"properties": {"transform": {}}})"), "the schema of method 'x' uses the shared key 'transform'");
  EXPECT_EQ(refused(R"({"$defs": {"column": {}}})"), "the schema of method 'x' uses the shared definition 'column'");
}

TEST(Schemas, DescribeEveryKey) {
  const Value* whole = nullptr;
  const auto is_described = [&](const Value& rule) {
    const Value* const reference = rule.find("$ref");
    const std::string beginning = "#/$defs/";
    return rule.find("description") || (reference && whole->at("$defs").at(reference->as_text().substr(beginning.size())).find("description"));
  };
  const std::function<void(const Value&, const std::string&)> look = [&](const Value& schema, const std::string& at) {
    if (const auto* properties = schema.find("properties"))
      for (const auto& [key, rule] : properties->as_object()) {
        EXPECT_TRUE(is_described(rule)) << at << "/" << key;
        look(rule, at + "/" + key);
      }
    if (const auto* items = schema.find("items")) look(*items, at + "/items");
    if (const auto* branches = schema.find("anyOf"))
      for (const auto& branch : branches->as_array()) look(branch, at);
    if (const auto* definitions = schema.find("$defs"))
      for (const auto& [name, definition] : definitions->as_object()) look(definition, at + "/" + name);
  };
  const auto look_at = [&](const Value& schema, const std::string& name) {
    whole = &schema;
    look(schema, name);
  };
  look_at(json_of(source / "config" / "schema.json"), "config");
  for (const char* type : {"pytorch", "sklearn", "script"}) look_at(own_schema(type), type);
}

/// A folder of its own with three method plug-ins: files that hold nothing but the note, and the real schemas.
class ConfigFile : public testing::Test {
 protected:
  ConfigFile() : folder_(fs::temp_directory_path() / ("ophion_config_test_" + std::to_string(::getpid()))) {
    fs::create_directories(folder_ / "plugins");
    for (const char* type : {"pytorch", "sklearn", "script"}) {
      const std::string name = std::string(type) + "_method";
      Elf64_Ehdr header{};
      std::copy_n(ELFMAG, SELFMAG, header.e_ident);
      header.e_ident[EI_CLASS] = ELFCLASS64;
      header.e_ident[EI_DATA] = ELFDATA2LSB;
      header.e_type = ET_DYN;
      header.e_phoff = sizeof header;
      header.e_phentsize = sizeof(Elf64_Phdr);
      header.e_phnum = 1;
      const auto note = ophion::detail::make_note("method", type, ophion::NeedsPython::yes, "");
      Elf64_Phdr segment{};
      segment.p_type = PT_NOTE;
      segment.p_offset = sizeof header + sizeof segment;
      segment.p_filesz = sizeof note;
      std::ofstream file(folder_ / "plugins" / (name + ".so"), std::ios::binary);
      file.write(reinterpret_cast<const char*>(&header), sizeof header);
      file.write(reinterpret_cast<const char*>(&segment), sizeof segment);
      file.write(reinterpret_cast<const char*>(&note), sizeof note);
      fs::copy_file(source / "plugins" / (name + ".schema.json"), folder_ / "plugins" / (name + ".schema.json"));
    }
  }
  ~ConfigFile() override { fs::remove_all(folder_); }

  ophion::Registry registry() const { return ophion::Registry({folder_ / "plugins"}); }

  fs::path write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }

  Config good(const std::string& name) const { return Config::from_json(read_text(configs / "good" / (name + ".json")), "/run", registry()); }

  template <class Action>
  static ophion::ConfigError config_error_of(Action action) {
    try {
      action();
    } catch (const ophion::ConfigError& error) {
      return error;
    }
    return ophion::ConfigError("", "", "no error");
  }

  ophion::ConfigError refusal(const fs::path& file) const {
    return config_error_of([&] { Config::from_file(file, registry()); });
  }

  fs::path folder_;
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
  const auto file = write("train.json", read_text(configs / "good" / "split_by_expression.json"));
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
  EXPECT_EQ(config.data().negative, ophion::NegativeWeights::zero_in_training);
  EXPECT_EQ(config.data().normalise, ophion::Normalisation::none);
  EXPECT_EQ(config.data().missing, ophion::MissingPolicy::impute);
  EXPECT_EQ(config.data().split.validation, 0.1);
  EXPECT_EQ(config.data().split.test, 0.3);
  EXPECT_EQ(good("regression").data().targets.at(1).expression, "log(energy)");
}

TEST_F(ConfigFile, GivesTheSameRunFromWhatItResolved) {
  for (const auto& name : names_in(configs / "good")) {
    const auto config = good(name);
    const auto again = Config::from_json(write_json(config.resolved()), "/elsewhere", registry());
    EXPECT_EQ(write_json(again.resolved()), write_json(config.resolved())) << name;
  }
}

TEST_F(ConfigFile, PutsThePositiveClassLast) {
  const auto classes = [&](std::vector<std::string> names) {
    auto document = json_of(configs / "good" / "weights.json");
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
  const auto file = write("train.json", "// a run\n" + read_text(configs / "good" / "weights.json"));
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
