/// Config: a file read, changed by `set`, checked, and laid out as structs.
#include <ophion/config.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

#include <ophion/error.h>

#include "config_check.h"
#include "events.h"
#include "features.h"
#include "folds.h"
#include "python_launcher.h"
#include "schema.h"
#include "text.h"

namespace ophion {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest = 16u << 20;  // bytes; a config beyond this is no config

std::string read_text(const fs::path& file) {
  const auto fail = [&](const std::string& problem) { throw ConfigError(file.string(), "", problem); };
  std::error_code error;
  const auto status = fs::status(file, error);  // its error shows below, when the file is opened
  if (!fs::exists(status)) fail("there is no such file" + files_near(file));
  if (fs::is_directory(status)) fail("expected a file, found a folder");
  std::ifstream stream(file, std::ios::binary);
  if (!stream) fail("the file can't be read: " + std::generic_category().message(errno));
  std::string text;
  std::array<char, 65536> chunk;
  while (stream.read(chunk.data(), chunk.size()), stream.gcount() > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(stream.gcount()));
    if (text.size() > largest) fail("expected at most " + std::to_string(largest >> 20) + " MB");
  }
  if (stream.bad()) fail("the file can't be read to its end");
  if (text.find_first_not_of(" \t\r\n") == text.npos) fail("the file is empty");
  return text;
}

const Value& common_schema() {
  static const Value schema = [] {
    const auto file = library_folder() / "schema" / "config.schema.json";
    return read_json(read_text(file), file.string());
  }();
  return schema;
}

/// The enumerator whose name in the schema stands at its place in `names`.
template <class Enum, std::size_t n>
Enum enumerator(const Value& value, const std::array<const char*, n>& names) {
  const auto place = std::find(names.begin(), names.end(), value.as_text());
  if (place == names.end()) throw Error("'" + value.as_text() + "' is in the schema and unknown to Config");
  return static_cast<Enum>(place - names.begin());
}

std::vector<NamedExpression> named_expressions(const Value* list) {
  std::vector<NamedExpression> all;
  if (!list) return all;
  for (const auto& item : list->as_array()) {
    if (item.is_text()) {
      all.push_back({item.as_text(), item.as_text(), ""});
    } else {
      const auto* expression = item.find("expr");
      const auto& name = item.at("name").as_text();
      all.push_back({name, expression ? expression->as_text() : name, item.at("unit").as_text()});
    }
  }
  return all;
}

SampleConfig sample_config(const Value& value) {
  SampleConfig sample;
  if (const auto* name = value.find("class")) sample.class_name = name->as_text();
  const auto& files = value.at("files");
  sample.files = files.is_text() ? std::vector{files.as_text()} : files.as_texts();
  sample.tree = value.at("tree").as_text();
  sample.selection = value.at("selection").as_text();
  sample.weight = value.at("weight").as_text();
  return sample;
}

SplitConfig split_config(const Value& value, const FeatureFunctions& functions) {
  SplitConfig split;
  if (const auto* folds = value.find("folds")) {
    split.validation = value.at("validation").as_number();
    split.test = value.at("test").as_number();
    split.fold_by = folds->is_text() ? folds->as_text() : "";
    split.folds = folds->is_text() ? folds_told_apart(parse_expression(split.fold_by, "folds", functions)) : static_cast<int>(folds->as_integer());
  } else if (const auto* by = value.find("by")) {
    split.by = by->as_text();
    for (const auto& number : value.at("validation").as_array()) split.validation_values.push_back(number.as_integer());
    for (const auto& number : value.at("test").as_array()) split.test_values.push_back(number.as_integer());
  } else {
    split.validation = value.at("validation").as_number();
    split.test = value.at("test").as_number();
  }
  return split;
}

DataConfig data_config(const Value& value, std::shared_ptr<const FeatureFunctions> functions) {
  DataConfig data;
  data.functions = std::move(functions);
  if (const auto* samples = value.find("samples"))
    for (const auto& sample : samples->as_array()) data.samples.push_back(sample_config(sample));
  data.features = named_expressions(value.find("features"));
  data.targets = named_expressions(value.find("targets"));
  data.spectators = value.at("spectators").as_texts();
  data.missing = enumerator<MissingPolicy>(value.at("missing"), std::array{"error", "drop", "impute", "keep"});
  const auto& weights = value.at("weights");
  data.negative = enumerator<NegativeWeights>(weights.at("negative"), std::array{"error", "keep", "zero_in_training", "abs"});
  data.normalise = enumerator<Normalisation>(weights.at("normalise"), std::array{"none", "equal_class", "mean_one"});
  data.split = split_config(value.at("split"), *data.functions);
  return data;
}

/// What a run or a method says of its isolation; what it does not say is as in `otherwise`.
IsolationConfig isolation_config(const Value& value, const IsolationConfig& otherwise) {
  IsolationConfig config = otherwise;
  if (const auto* isolation = value.find("isolation")) config.isolation = enumerator<Isolation>(*isolation, std::array{"none", "process"});
  if (const auto limit = value.at("memory_limit").as_integer(); limit > 0) config.memory_limit = static_cast<std::size_t>(limit);
  if (const auto* drop = value.find("drop_rights")) config.drop_rights = drop->as_boolean();
  return config;
}

MethodConfig method_config(const Value& value, const IsolationConfig& of_run) {
  MethodConfig method;
  method.name = value.at("name").as_text();
  method.type = value.at("type").as_text();
  method.transforms = value.at("transform").as_array();
  method.threads = static_cast<int>(value.at("threads").as_integer());
  method.time_limit = value.at("time_limit").as_number();
  method.isolation = isolation_config(value, of_run);
  method.options = value;
  return method;
}

/// JSON, or the text itself where it is none: "20", "true", "[1, 2]", "mlp.py".
Value json_or_text(const std::string& text) {
  try {
    return read_json(text, "");
  } catch (const ConfigError&) {
    return text;
  }
}

std::vector<std::string> steps_of(const std::string& key) {
  std::vector<std::string> steps(1);
  for (const char c : key) {
    if (c == '.') steps.emplace_back();
    else steps.back() += c;
  }
  return steps;
}

}  // namespace

Config::Config(Value document, std::filesystem::path file, std::filesystem::path folder, Registry registry)
    : document_(std::move(document)),
      resolved_(check_config(document_, common_schema(), [&](const std::string& type) { return registry.schema(type); },
                             [&](const std::vector<std::string>& plugins) { return FeatureFunctions(registry, plugins); }, file.string(), folder)),
      file_(std::move(file)),
      folder_(std::move(folder)),
      registry_(std::move(registry)),
      name_(resolved_.at("name").as_text()),
      task_(resolved_.at("task").as_text()),
      seed_(static_cast<std::uint64_t>(resolved_.at("seed").as_integer())),
      threads_(static_cast<int>(resolved_.at("threads").as_integer())),
      time_limit_(resolved_.at("time_limit").as_number()),
      isolation_(isolation_config(resolved_, {})),
      data_(data_config(resolved_.at("data"), std::make_shared<const FeatureFunctions>(registry_, resolved_.at("plugins").as_texts()))),
      output_(resolved_.at("output").as_text()) {
  for (const auto& method : resolved_.at("methods").as_array()) methods_.push_back(method_config(method, isolation_));
}

Config Config::from_file(const std::filesystem::path& file, const Registry& registry) {
  const auto folder = fs::absolute(file).parent_path().lexically_normal();
  return Config(read_json(read_text(file), file.string()), file, folder, registry);
}

Config Config::from_json(std::string_view text, const std::filesystem::path& folder, const Registry& registry) {
  return Config(read_json(text, ""), {}, fs::absolute(folder).lexically_normal(), registry);
}

Value Config::defaults(const std::string& key) {
  return apply_schema(Value::object(), common_schema().at("properties").at(key), "the config's defaults");
}

Config Config::set(const std::string& key, const std::string& json) const {
  auto document = document_;
  auto* place = &document;
  std::string pointer;
  const auto fail = [&](const std::string& problem) {
    throw ConfigError(file_.string(), pointer, "key '" + key + "': " + problem);
  };
  for (const auto& step : steps_of(key)) {
    if (step.empty()) fail("a name between two dots is missing");
    if (place->is_array()) {
      const bool number = step.size() < 10 && step.find_first_not_of("0123456789") == step.npos;
      if (!number) fail("expected the number of an item, found '" + step + "'");
      const auto index = std::stoul(step);
      if (index >= place->size())
        fail("there is no item " + step + " in a list of " + std::to_string(place->size()) + " (the first is 0)");
      place = &place->as_array()[index];
    } else if (place->is_object() || place->is_null()) {
      // What is not there begins as null and becomes an object if the key goes on; the schema sees to unknown names.
      auto* member = place->find(step);
      place = member ? member : &place->set(step, nullptr);
    } else {
      fail(std::string("expected an object or a list before '") + step + "', found " + Value::type_name(place->type()));
    }
    pointer = pointer_to(pointer, step);
  }
  *place = json_or_text(json);
  return Config(std::move(document), file_, folder_, registry_);
}

std::vector<std::string> Config::classes() const {
  std::vector<std::string> names;
  for (const auto& sample : data_.samples)
    if (!sample.class_name.empty()) names.push_back(sample.class_name);
  return order_classes(names);
}

}  // namespace ophion
