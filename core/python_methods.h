/// Methods that Python packages bring by the entry-point group "ophion.methods": found by asking Python, judged here.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ophion/registry.h>
#include <ophion/value.h>

namespace ophion {

/// The tool that finds them and makes them: its file is theirs.
inline constexpr const char* python_methods_tool = "python_methods";

/// What asking has given.
struct PythonMethods {
  std::vector<PluginInfo> list;  ///< by name
  std::string asked;             ///< whose packages, for errors; empty when there is no such tool
  std::string problem;           ///< why they are not known; empty when they are
};

/// Asks the Python that runs in this process, else the one that would be chosen. Throws nothing for a Python that can't be asked.
PythonMethods find_python_methods(const Registry& registry);

/// From the answer of a Python, {"methods": [{"name", "module", "package", "version", "schema", "problem"}]}, all texts. Names that files
/// of plug-ins have, names that two packages have, and schemas that can't be, are problems.
std::vector<PluginInfo> judged_methods(const Value& answer, const PluginInfo& tool, const std::vector<PluginInfo>& plugins);

/// One method as such an answer describes it, and back: what a worker process is told.
PluginInfo method_of_package(const Value& described, const PluginInfo& tool);
Value described(const PluginInfo& method);

/// "method 'nearest' of the Python package nearest-method 1.0 (nearest = nearest_method.method)"
std::string full_name(const PluginInfo& method);

/// Whether a text can be the name of a distribution: letters, digits, "-", "_", ".".
bool is_package_name(const std::string& text) noexcept;

}  // namespace ophion
