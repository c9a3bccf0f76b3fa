/// From the plug-ins that a config names to functions for its expressions.
#include "feature_functions.h"

#include <algorithm>
#include <utility>

#include <ophion/error.h>

#include "plugin_note.h"
#include "text.h"

namespace ophion {
namespace {

std::string in_words(const PluginInfo& plugin) { return "the plug-in '" + plugin.name + "' (" + plugin.file.string() + ")"; }

/// "eta1", or "jet_pt[0]".
native::Input input_named(const std::string& text, const FeatureInfo& feature, const PluginInfo& plugin) {
  const std::string refusal = in_words(plugin) + ": '" + feature.name + "' takes '" + text + "', which is no column";
  try {
    const native::Expression column = native::Expression::parse(text);
    if (column.nodes().size() != 1 || column.inputs().size() != 1) throw PluginError(refusal);
    return column.inputs().front();
  } catch (const native::ExpressionError& problem) {
    throw PluginError(refusal + ": " + problem.what());
  }
}

}  // namespace

FeatureFunctions::FeatureFunctions(const Registry& registry, const std::vector<std::string>& plugins) : plugins_(plugins) {
  for (const PluginInfo& plugin : registry.plugins()) {
    if (plugin.kind == features_kind) present_.push_back(plugin);
  }
  for (const std::string& name : plugins) {
    const PluginInfo& plugin = registry.info(features_kind, name);
    for (const FeatureInfo& feature : plugin.functions) add(registry, plugin, feature);
  }
}

void FeatureFunctions::add(const Registry& registry, const PluginInfo& plugin, const FeatureInfo& feature) {
  if (native::Expression::is_reserved(feature.name)) {
    throw PluginError(in_words(plugin) + " defines '" + feature.name + "', which is a word of the expressions themselves");
  }
  if (find(feature.name)) {
    throw PluginError("the function '" + feature.name + "' is defined by " + in_words(plugin_of(feature.name)) + " and by " + in_words(plugin));
  }
  native::Function function{feature.name, {}, registry.feature(plugin.name, feature.name)};
  for (const std::string& argument : feature.arguments) function.arguments.push_back(input_named(argument, feature, plugin));
  if (function.arguments.empty() || function.arguments.size() > native::Expression::max_arguments) {
    throw PluginError(in_words(plugin) + ": '" + feature.name + "' takes " + std::to_string(function.arguments.size()) + " columns, not 1 to " +
                      std::to_string(native::Expression::max_arguments));
  }
  functions_.push_back(std::move(function));
  plugin_of_.push_back(plugin);
}

const native::Function* FeatureFunctions::find(const std::string& name) const noexcept {
  const auto found = std::ranges::find(functions_, name, &native::Function::name);
  return found == functions_.end() ? nullptr : &*found;
}

const PluginInfo& FeatureFunctions::plugin_of(const std::string& function) const {
  const auto found = std::ranges::find(functions_, function, &native::Function::name);
  return plugin_of_.at(static_cast<std::size_t>(found - functions_.begin()));
}

std::string FeatureFunctions::advice(const std::string& unknown) const {
  std::vector<std::string> names;
  for (const PluginInfo& plugin : present_) {
    names.push_back(plugin.name);
    const bool has = std::ranges::find(plugin.functions, unknown, &FeatureInfo::name) != plugin.functions.end();
    if (has) return " (the plug-in '" + plugin.name + "' has one: name it in \"plugins\")";
  }
  return names.empty() ? "" : " (plug-ins of features: " + joined(names) + ")";
}

const FeatureFunctions& functions_of(const DataConfig& data) noexcept {
  static const FeatureFunctions none;
  return data.functions ? *data.functions : none;
}

}  // namespace ophion
