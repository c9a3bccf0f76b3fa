/// The rules of a config: first the schemas, then what spans several keys.
#include "config_check.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <ophion/error.h>

#include "features.h"
#include "folds.h"
#include "schema.h"
#include "transform_check.h"

namespace ophion {

namespace {

/// Moves every member of `from` to `to`; both naming one key is a mistake of the plug-in.
void join(Value& to, const Value* from, const std::string& what, const std::string& type) {
  if (!from) return;
  for (const auto& [key, member] : from->as_object()) {
    if (to.find(key)) throw Error("the schema of method '" + type + "' uses the shared " + what + " '" + key + "'");
    to.set(key, member);
  }
}

/// A feature, target or column as the config writes it: a text, or an object.
struct Named {
  std::string name;
  std::string expression;
  std::string pointer;             ///< of the expression's text
  std::vector<std::string> reads;  ///< columns
};

class Rules {
 public:
  Rules(const Value& config, const PluginFunctions& functions, const std::string& origin)
      : data_(config.at("data")), functions_(functions_named_by(config, functions, origin)), regression_(config.at("task").as_text() == "regression"), origin_(origin) {}

  void check() const {
    check_samples();
    check_columns();
    check_split();
    const auto& normalise = data_.at("weights").at("normalise").as_text();
    if (regression_ && normalise == "equal_class")
      fail("/data/weights/normalise", "expected 'none' or 'mean_one' for a regression, found 'equal_class'");
  }

  /// A method's "tune" needs validation events that no fold trains on, and something to try.
  void check_tuning(const Value& tune, const std::string& at) const {
    const auto& split = data_.at("split");
    if (split.find("folds")) fail(at, "is not done in a cross-validation: its validation part is out of fold");
    const auto& validation = split.at("validation");
    if (validation.is_array() ? validation.size() == 0 : validation.as_number() == 0) {
      fail(at, "needs a validation part, which data.split leaves without events");
    }
    if (tune.at("space").size() == 0) fail(at + "/space", "expected one setting or more, found none");
    for (const auto& [key, range] : tune.at("space").as_object()) {
      for (const char* kind : {"int", "float"}) {
        const auto* ends = range.find(kind);
        if (!ends) continue;
        const double low = ends->at(0).as_number(), high = ends->at(1).as_number();
        if (low > high) fail(pointer_to(at + "/space", key), "expected the least first, found " + write_json(*ends, 0));
        if (range.at("log").as_boolean() && low <= 0) fail(pointer_to(at + "/space", key), "expected more than 0 where factors count, found " + write_json(*ends, 0));
      }
    }
  }

  [[noreturn]] void fail(const std::string& pointer, const std::string& problem) const {
    throw ConfigError(origin_, pointer, problem);
  }

 private:
  static FeatureFunctions functions_named_by(const Value& config, const PluginFunctions& functions, const std::string& origin) {
    try {
      return functions(config.at("plugins").as_texts());
    } catch (const PluginError& error) {
      throw ConfigError(origin, "/plugins", error.what());
    }
  }

  /// The columns an expression reads; `single`: when it must be nothing but one of them, or the name of a plug-in's function.
  std::vector<std::string> parse(const std::string& text, const std::string& what, const std::string& pointer,
                                 bool single = false) const {
    try {
      const auto expression = parse_expression(text, what, functions_);
      if (single && !functions_.find(text) && (expression.nodes().size() != 1 || expression.inputs().size() != 1))
        fail(pointer, "expected the name of a column, found the expression '" + text +
                          "'; give it a name: {\"name\": …, \"expr\": …}");
      std::vector<std::string> columns;
      for (const auto& input : expression.inputs()) columns.push_back(input.column);
      return columns;
    } catch (const DataError& error) {
      fail(pointer, error.what());
    }
  }

  void check_samples() const {
    const auto* samples = data_.find("samples");
    if (!samples) return;
    std::set<std::string> classes;
    for (std::size_t i = 0; i < samples->size(); ++i) {
      const auto& sample = samples->at(i);
      const auto at = pointer_to("/data/samples", std::to_string(i));
      const auto* name = sample.find("class");
      if (!name && !regression_) fail(at, "missing key 'class', which a classification needs");
      if (name && regression_) fail(at + "/class", "a regression has no classes");
      if (name) classes.insert(name->as_text());
      for (const char* key : {"selection", "weight"})
        if (const auto& text = sample.at(key).as_text(); !text.empty()) parse(text, key, pointer_to(at, key));
    }
    if (!regression_ && classes.size() < 2)
      fail("/data/samples", "expected two classes or more, found only '" + *classes.begin() + "'");
  }

  std::vector<Named> named(const std::string& key) const {
    std::vector<Named> all;
    const auto* list = data_.find(key);
    std::set<std::string> names;
    for (std::size_t i = 0; list && i < list->size(); ++i) {
      const auto& item = list->at(i);
      const auto at = pointer_to("/data/" + key, std::to_string(i));
      const auto* expression = item.find("expr");
      Named one;
      one.name = item.is_text() ? item.as_text() : item.at("name").as_text();
      one.expression = expression ? expression->as_text() : one.name;
      one.pointer = expression ? at + "/expr" : item.is_text() ? at : at + "/name";
      if (!names.insert(one.name).second)
        fail(item.is_text() ? at : at + "/name", "the name '" + one.name + "' stands in the list twice");
      one.reads = parse(one.expression, (key == "features" ? "feature" : "target"), one.pointer, !expression);
      all.push_back(std::move(one));
    }
    return all;
  }

  void check_columns() const {
    const auto features = named("features");
    const auto targets = named("targets");
    if (regression_ && targets.empty()) fail("/data", "missing key 'targets', which a regression needs");
    if (!regression_ && !targets.empty())
      fail("/data/targets", "a classification has no targets; its answers are the samples' classes");
    for (const auto& target : targets)
      for (const auto& feature : features)
        if (feature.name == target.name || feature.expression == target.expression)
          fail(target.pointer,
               "'" + target.name + "' is the feature '" + feature.name + "' as well: the answer would be known");
    // Model::bind takes names of features and of columns: one name must not mean both, unless they are the same.
    std::map<std::string, std::string> readers;
    for (const auto& feature : features)
      for (const auto& column : feature.reads) readers.emplace(column, "the feature '" + feature.name + "' reads");
    if (const auto* folds = data_.at("split").find("folds"); folds && folds->is_text())
      for (const auto& column : parse(folds->as_text(), "folds", "/data/split/folds")) readers.emplace(column, "data.split.folds reads");
    for (const auto& column : data_.at("spectators").as_texts()) readers.emplace(column, "stands among the spectators");
    for (const auto& feature : features) {
      const auto reader = readers.find(feature.name);
      if (reader != readers.end() && (feature.expression != feature.name || functions_.find(feature.name)))
        fail(feature.pointer, "the name '" + feature.name + "' of this expression is also the column that " + reader->second +
                                  "; give the feature another name");
    }
  }

  void check_split() const {
    const auto& split = data_.at("split");
    if (const auto* folds = split.find("folds")) return check_folds(*folds);
    if (const auto* by = split.find("by")) {
      parse(by->as_text(), "split", "/data/split/by");
      const auto& test = split.at("test").as_array();
      for (const auto& value : split.at("validation").as_array())
        if (std::find(test.begin(), test.end(), value) != test.end())
          fail("/data/split", "the value " + write_json(value, 0) + " stands for validation and for test");
      return;
    }
    const auto sum = split.at("validation").as_number() + split.at("test").as_number();
    if (sum >= 1)
      fail("/data/split",
           "expected validation and test to leave events for training, found a sum of " + write_json(sum, 0));
  }

  void check_folds(const Value& folds) const {
    if (!folds.is_text()) return;
    const std::string at = "/data/split/folds";
    parse(folds.as_text(), "folds", at);
    if (folds_told_apart(parse_expression(folds.as_text(), "folds", functions_)) == 0)
      fail(at, "expected a remainder by the number of folds (from 2 to " + std::to_string(most_folds) + "), such as 'event % 5', found '" +
                   folds.as_text() + "'");
  }

  const Value& data_;
  FeatureFunctions functions_;
  bool regression_;
  const std::string& origin_;
};

/// Limits that only a worker process can keep are of no use without one, and must not be thought to hold.
void check_isolation(const Rules& rules, const Value& value, const std::string& isolation, const std::string& at) {
  if (isolation == "process") return;
  const auto fail = [&](const char* key) {
    rules.fail(at + "/" + key, "holds for worker processes: it needs \"isolation\": \"process\"");
  };
  if (value.at("memory_limit").as_integer() > 0) fail("memory_limit");
  if (const auto* drop = value.find("drop_rights"); drop && drop->as_boolean()) fail("drop_rights");
}

}  // namespace

Value method_schema(const Value& common, const Value& own, const std::string& type) {
  auto schema = common.at("properties").at("methods").at("items");
  auto definitions = common.at("$defs");
  auto required = schema.at("required");
  join(*schema.find("properties"), own.find("properties"), "key", type);
  join(definitions, own.find("$defs"), "definition", type);
  if (const auto* keys = own.find("required"))
    for (const auto& key : keys->as_array()) required.push_back(key);
  schema.set("required", std::move(required));
  schema.set("$defs", std::move(definitions));
  schema.set("additionalProperties", false);
  return schema;
}

Value check_config(const Value& document, const Value& common, const MethodSchemas& methods, const PluginFunctions& functions,
                   const std::string& origin, const std::filesystem::path& folder) {
  auto config = apply_schema(document, common, origin, folder);
  auto& weights = *config.find("data")->find("weights");
  if (!weights.find("normalise"))
    weights.set("normalise", config.at("task").as_text() == "regression" ? "mean_one" : "equal_class");
  const Rules rules(config, functions, origin);
  rules.check();

  const auto& isolation = config.at("isolation").as_text();
  check_isolation(rules, config, isolation, "");

  std::set<std::string> names;
  const auto own_schema = [&](const std::string& type, const std::string& at) {
    try {
      return methods(type);
    } catch (const PluginError& error) {
      rules.fail(at, error.what());
    }
  };
  auto& list = config.find("methods")->as_array();
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto& method = list[i];
    const auto at = pointer_to("/methods", std::to_string(i));
    const auto& name = method.at("name").as_text();
    const auto type = method.at("type").as_text();
    if (!names.insert(name).second) rules.fail(at + "/name", "another method has the name '" + name + "'");
    const auto schema = method_schema(common, own_schema(type, at + "/type"), type);
    method = apply_schema(method, schema, origin, folder, at);
    const auto* own_isolation = method.find("isolation");
    check_isolation(rules, method, own_isolation ? own_isolation->as_text() : isolation, at);
    spell_out_transforms(*method.find("transform"));
    method = apply_schema(method, schema, origin, folder, at);
    check_transforms(config, method.at("transform"), origin, at + "/transform");
    if (const auto* tune = method.find("tune")) rules.check_tuning(*tune, at + "/tune");
  }
  return config;
}

}  // namespace ophion
