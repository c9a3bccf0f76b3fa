/// What is wrong with a config, in its words: what the schemas say, and what no schema can say.
#include "config_check.h"

#include <functional>
#include <map>

#include <gmock/gmock.h>

#include <ophion/error.h>

#include "core/config_files.h"
#include "core/error_of.h"

using namespace ophion;
namespace fs = std::filesystem;

namespace {

Value common_schema() { return json_of(fs::path(OPHION_SOURCE_DIR) / "config" / "schema.json"); }

Value own_schema(const std::string& type) {
  const auto file = fs::path(OPHION_SOURCE_DIR) / "plugins" / (type + "_method.schema.json");
  if (!fs::exists(file)) throw PluginError("no method '" + type + "'");
  return json_of(file);
}

Value checked(const Value& document, const fs::path& folder = "/run") {
  static const Value common = common_schema();
  return check_config(document, common, own_schema, [](const auto&) { return FeatureFunctions(); }, "c.json", folder);
}

/// One file, one error: every file of the folder must be named, and every name must be a file.
void expect_errors(const std::string& folder, const std::map<std::string, std::string>& expected) {
  std::set<std::string> names;
  for (const auto& [name, error] : expected) {
    names.insert(name);
    const Value document = json_of(config_files / folder / (name + ".json"));
    EXPECT_EQ(error_of<Error>([&] { checked(document); }), "c.json" + error) << name;
  }
  EXPECT_EQ(names, names_in(config_files / folder));
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
  const auto resolved = checked(json_of(config_files / "good" / "smallest.json"));
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
  const auto resolved = checked(json_of(config_files / "good" / "transforms.json"));
  const Value::Array expected = read_json(R"([{"type": "standard"}, {"type": "minmax", "minimum": -1, "maximum": 1},
    {"type": "quantile", "output": "normal", "n_quantiles": 1000}, {"type": "quantile", "output": "normal", "n_quantiles": 1000},
    {"type": "quantile", "output": "uniform", "n_quantiles": 50, "features": ["pt"]}, {"type": "robust", "lower": 0.1, "upper": 0.75},
    {"type": "clip", "minimum": -5, "upper": 0.999}, {"type": "log", "form": "symmetric", "offset": 0, "features": ["pt"]}])", "").as_array();
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(resolved.at("methods").at(0).at("transform").at(i), expected[i]);
}

TEST(CheckConfig, NormalisesRegressionsToAMeanOfOne) {
  const auto resolved = checked(json_of(config_files / "good" / "regression.json"));
  EXPECT_EQ(resolved.at("data").at("weights").at("normalise"), Value("mean_one"));
}

TEST(MethodSchema, MustLeaveSharedKeysAlone) {
  const Value common = common_schema();
  const auto refused = [&](const char* own) { return error_of<Error>([&] { method_schema(common, read_json(own, ""), "x"); }); };
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
  look_at(common_schema(), "config");
  for (const char* type : {"pytorch", "sklearn", "script"}) look_at(own_schema(type), type);
}

}  // namespace
