/// What plug-ins of features add to expressions.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ophion/config.h>
#include <ophion/registry.h>

#include "expression.h"

namespace ophion {

/// The functions that an expression may call besides the language's own, and the plug-in each is from. Const after it is made.
class FeatureFunctions {
 public:
  /// None.
  FeatureFunctions() = default;
  /// All of the named plug-ins, which are opened. Throws PluginError for a plug-in that is not there or can't be used, for one name defined by
  /// two of them or by the language itself, and for a column that is none.
  FeatureFunctions(const Registry& registry, const std::vector<std::string>& plugins);

  const std::vector<native::Function>& all() const noexcept { return functions_; }
  /// The plug-ins as they were named.
  const std::vector<std::string>& plugins() const noexcept { return plugins_; }
  const native::Function* find(const std::string& name) const noexcept;
  /// The plug-in of one that is there.
  const PluginInfo& plugin_of(const std::string& function) const;

  /// To be said of a function that nobody has: the plug-in that does and was not named, else those there are. Empty, or begins with a space.
  std::string advice(const std::string& unknown) const;

 private:
  void add(const Registry& registry, const PluginInfo& plugin, const FeatureInfo& feature);

  std::vector<std::string> plugins_;
  std::vector<native::Function> functions_;
  std::vector<PluginInfo> plugin_of_;  ///< one a function
  std::vector<PluginInfo> present_;    ///< all plug-ins of features that the registry has found
};

/// Those of a config's plug-ins.
const FeatureFunctions& functions_of(const DataConfig& data) noexcept;

}  // namespace ophion
