/// Writes, finds and tests the functions of plug-ins that a model needs.
#include "model_functions.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include <ophion/error.h>

#include "plugin_note.h"
#include "safetensors.h"
#include "split.h"
#include "text.h"

namespace ophion {
namespace {

constexpr const char* functions_member = "functions.safetensors";
constexpr std::size_t made_up_rows = 16;
/// Of a number's size: what another compiler's rounding may change. A feature is kept as float, which rounds at 6e-8.
constexpr double tolerance = 1e-6;

/// What a function is called with to see whether it is still the same: numbers of either sign and of several sizes.
std::vector<double> made_up_arguments(std::size_t row, std::size_t count) {
  constexpr double sizes[] = {1, 3, 10, 100};
  std::vector<double> numbers(count);
  for (std::size_t k = 0; k < count; ++k) {
    const double number = uniform(row, k);
    numbers[k] = sizes[row / 2 % std::size(sizes)] * (row % 2 == 0 ? number : 2 * number - 1);
  }
  return numbers;
}

double value_at(const native::Function& function, const std::vector<double>& arguments) {
  std::vector<const double*> columns;
  for (const double& argument : arguments) columns.push_back(&argument);
  double result = 0;
  function.loop(columns.data(), 1, &result);
  return result;
}

/// Rows of arguments and the result. A row for which the function throws is left out.
Tensor numbers_of(const native::Function& function) {
  const std::size_t arguments = function.arguments.size();
  std::vector<double> numbers;
  for (std::size_t row = 0; row < made_up_rows; ++row) {
    const std::vector<double> given = made_up_arguments(row, arguments);
    try {
      const double result = value_at(function, given);
      numbers.insert(numbers.end(), given.begin(), given.end());
      numbers.push_back(result);
    } catch (...) {  // it is not made for such numbers
    }
  }
  return make_tensor(std::span<const double>(numbers), {numbers.size() / (arguments + 1), arguments + 1});
}

bool same(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return true;
  return std::abs(a - b) <= tolerance * std::max(std::abs(a), std::abs(b));
}

std::string shown(const std::vector<double>& numbers) {
  std::string text;
  for (const double number : numbers) text += (text.empty() ? "" : ", ") + short_number(number, 9);
  return text;
}

/// `what`: "m.ophion: the function 'f' of the plug-in 'p'".
void check_numbers(const native::Function& function, const Tensor& tensor, const std::string& what) {
  const std::size_t width = function.arguments.size() + 1;
  if (tensor.type != DType::float64 || tensor.shape.size() != 2 || tensor.shape[1] != width) {
    throw ModelError(what + " has numbers of another shape in the model file");
  }
  const std::vector<double> numbers = doubles_of(tensor);
  for (auto row = numbers.begin(); row != numbers.end(); row += static_cast<std::ptrdiff_t>(width)) {
    const double known = row[static_cast<std::ptrdiff_t>(width) - 1];
    const std::vector<double> arguments(row, row + static_cast<std::ptrdiff_t>(width) - 1);
    const std::string of = what + " gave " + short_number(known, 9) + " of (" + shown(arguments) + ") in training and ";
    double found = 0;
    try {
      found = value_at(function, arguments);
    } catch (const std::exception& problem) {
      throw ModelError(of + "fails here: " + problem.what());
    } catch (...) {
      throw ModelError(of + "fails here");
    }
    if (!same(found, known)) {
      throw ModelError(of + "gives " + short_number(found, 9) + " here: it was changed under the same version");
    }
  }
}

native::Function named_function(const Value& described) {
  native::Function function{described.at("name").as_text(), {}, nullptr};
  for (const std::string& argument : described.at("arguments").as_texts()) function.arguments.push_back({argument, -1});
  const std::size_t arguments = function.arguments.size();
  if (arguments < 1 || arguments > native::Expression::max_arguments) {
    throw ModelError("the function '" + function.name + "' can't take " + std::to_string(arguments) + " arguments");
  }
  return function;
}

const Value::Array& described_plugins(const Value& manifest) {
  static const Value::Array none;
  const Value* plugins = manifest.find("plugins");
  return plugins && !plugins->is_null() ? plugins->as_array() : none;
}

std::vector<native::Function> named_functions_in(const Value& manifest) {
  std::vector<native::Function> functions;
  for (const Value& plugin : described_plugins(manifest)) {
    for (const Value& function : plugin.at("functions").as_array()) functions.push_back(named_function(function));
  }
  return functions;
}

const PluginInfo& plugin_for(const Value& described, const Registry& registry, const std::string& origin) {
  const std::string& name = described.at("name").as_text();
  const std::string& version = described.at("version").as_text();
  if (!is_plugin_name(name)) throw ModelError(origin + ": '" + name + "' can't be the name of a plug-in");
  try {
    const PluginInfo& info = registry.info(features_kind, name);
    if (info.own_version == version) return info;
    throw ModelError(origin + ": was made with version " + version + " of the plug-in of features '" + name + "'; this is version " +
                     info.own_version + " (" + info.file.string() + ")");
  } catch (const PluginError& problem) {
    throw PluginError(origin + " needs the plug-in of features '" + name + "', version " + version + ": " + problem.what());
  }
}

/// The function of a plug-in that is there in the right version.
native::Function function_for(const Value& described, const PluginInfo& plugin, const FeatureFunctions& functions, const std::string& what) {
  const std::string& name = described.at("name").as_text();
  const auto feature = std::ranges::find(plugin.functions, name, &FeatureInfo::name);
  if (feature == plugin.functions.end()) throw ModelError(what + " is not there (" + plugin.file.string() + ")");
  if (const auto arguments = described.at("arguments").as_texts(); arguments != feature->arguments) {
    throw ModelError(what + " took (" + joined(arguments) + ") in training and takes (" + joined(feature->arguments) +
                     ") here: it was changed under the same version");
  }
  return *functions.find(name);
}

std::vector<native::Function> load(const ModelFile& file, const Registry& registry) {
  const Value::Array& plugins = described_plugins(file.manifest());
  if (plugins.empty()) return {};
  std::vector<const PluginInfo*> present;
  for (const Value& plugin : plugins) present.push_back(&plugin_for(plugin, registry, file.origin()));
  FeatureFunctions all;
  try {
    all = FeatureFunctions(registry, plugins_of(file.manifest()));
  } catch (const PluginError& problem) {
    throw PluginError(file.origin() + ": " + problem.what());
  }
  const auto tensors = read_safetensors(file.member(functions_member), file.origin() + ", " + functions_member);
  std::vector<native::Function> functions;
  for (std::size_t i = 0; i < plugins.size(); ++i) {
    for (const Value& described : plugins[i].at("functions").as_array()) {
      const std::string& name = described.at("name").as_text();
      const std::string what = file.origin() + ": the function '" + name + "' of the plug-in '" + present[i]->name + "'";
      functions.push_back(function_for(described, *present[i], all, what));
      const auto numbers = tensors.find(name);
      if (numbers == tensors.end()) throw ModelError(what + " has no numbers in the model file");
      check_numbers(functions.back(), numbers->second, what);
    }
  }
  return functions;
}

}  // namespace

Value describe_plugins(const FeatureFunctions& functions, const std::vector<native::Expression>& expressions,
                       std::map<std::string, std::string>& members) {
  std::map<std::string, Value> plugins;  // by name
  std::map<std::string, Tensor> numbers;
  for (const native::Function& function : functions.all()) {
    const bool called = std::ranges::any_of(expressions, [&](const native::Expression& expression) {
      return std::ranges::find(expression.functions(), function.name, &native::Function::name) != expression.functions().end();
    });
    if (!called) continue;
    const PluginInfo& plugin = functions.plugin_of(function.name);
    Value& described = plugins[plugin.name];
    if (described.is_null()) {
      described = Value::object();
      described.set("name", plugin.name);
      described.set("version", plugin.own_version);
      described.set("functions", Value::array());
    }
    Value one = Value::object();
    one.set("name", function.name);
    one.set("arguments", Value(std::ranges::find(plugin.functions, function.name, &FeatureInfo::name)->arguments));
    described.find("functions")->push_back(std::move(one));
    numbers.emplace(function.name, numbers_of(function));
  }
  if (plugins.empty()) return {};
  members.emplace(functions_member, write_safetensors(numbers));
  Value list = Value::array();
  for (auto& [name, described] : plugins) list.push_back(std::move(described));
  return list;
}

void copy_function_numbers(const ModelFile& from, std::map<std::string, std::string>& members) {
  const auto numbers = from.members().find(functions_member);
  if (numbers == from.members().end()) return;
  const auto [place, is_new] = members.insert(*numbers);
  if (!is_new && place->second != numbers->second) throw ModelError("the functions of the features were changed while the folds were trained");
}

std::vector<std::string> plugins_of(const Value& manifest) {
  std::vector<std::string> names;
  for (const Value& plugin : described_plugins(manifest)) names.push_back(plugin.at("name").as_text());
  return names;
}

std::vector<native::Function> named_functions(const ModelFile& file) { return named_functions_in(file.manifest()); }

std::vector<native::Function> load_functions(const ModelFile& file, const Registry& registry) {
  try {
    return load(file, registry);
  } catch (const PluginError&) {
    throw;
  } catch (const ModelError&) {
    throw;
  } catch (const Error& problem) {  // a manifest that says something else than it should
    throw ModelError(file.origin() + ": " + problem.what());
  }
}

}  // namespace ophion
