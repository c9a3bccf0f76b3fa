/// Methods that Python packages bring by the entry-point group "ophion.methods": found by asking Python, judged here.
#include "python_methods.h"

#include <algorithm>
#include <tuple>

#include <ophion/error.h>

#include "plugin_note.h"
#include "python_launcher.h"
#include "python_probe.h"
#include "schema.h"
#include "schema_keywords.h"

namespace ophion {
namespace fs = std::filesystem;
namespace {

/// The tool's Python side is a program too, of the standard library alone.
Value ask(const fs::path& python) {
  const fs::path program = package_folder() / "ophion" / "tools" / (std::string(python_methods_tool) + "_tool.py");
  // As the interpreter will be started: the environment and the user's packages count, the current folder does not.
  const std::vector<std::string> answer = run_python(python, {"-P", "-X", "utf8", program.string()});
  return read_json(answer.front(), python.string());
}

std::string problem_of(const PluginInfo& method, const std::vector<PluginInfo>& all, const std::vector<PluginInfo>& plugins) {
  if (!method.problem.empty()) return method.problem;
  if (!is_plugin_name(method.name)) return "has a name that no config can say: expected [a-z][a-z0-9_]*";
  for (const PluginInfo& plugin : plugins) {
    if (plugin.kind == "method" && plugin.name == method.name) return "comes after the plug-in of this name, " + plugin.file.string();
  }
  for (const PluginInfo& other : all) {
    if (other.name == method.name && &other != &method) {
      return "has the name of another, of " + other.package + " " + other.own_version + " (" + other.module + "): uninstall one of the two";
    }
  }
  try {
    check_keywords(read_schema(method.schema));
  } catch (const Error& problem) {
    return std::string("has a schema that can't be used: ") + problem.what();
  }
  return "";
}

}  // namespace

PythonMethods find_python_methods(const Registry& registry) {
  PythonMethods found;
  const auto& plugins = registry.plugins();
  const auto tool = std::find_if(plugins.begin(), plugins.end(),
                                 [](const PluginInfo& plugin) { return plugin.kind == "tool" && plugin.name == python_methods_tool; });
  if (tool == plugins.end()) return found;
  try {
    if (python_is_running()) {
      found.asked = "the Python of this process";
      found.list = judged_methods(registry.tool(python_methods_tool)->start(Value::object())->finish().value, *tool, plugins);
    } else {
      const fs::path python = python_executable();
      found.asked = python.string();
      found.list = judged_methods(ask(python), *tool, plugins);
    }
  } catch (const Error& problem) {
    found.problem = found.asked + ": " + first_line(problem.what());
  }
  return found;
}

std::vector<PluginInfo> judged_methods(const Value& answer, const PluginInfo& tool, const std::vector<PluginInfo>& plugins) {
  if (const Value* problem = answer.find("problem")) throw Error(problem->as_text());
  std::vector<PluginInfo> methods;
  for (const Value& one : answer.at("methods").as_array()) methods.push_back(method_of_package(one, tool));
  std::sort(methods.begin(), methods.end(), [](const PluginInfo& a, const PluginInfo& b) {
    return std::tie(a.name, a.package) < std::tie(b.name, b.package);
  });
  std::vector<std::string> problems;
  for (const PluginInfo& method : methods) problems.push_back(problem_of(method, methods, plugins));
  for (std::size_t i = 0; i < methods.size(); ++i) methods[i].problem = std::move(problems[i]);
  return methods;
}

PluginInfo method_of_package(const Value& described, const PluginInfo& tool) {
  PluginInfo method = tool;
  method.kind = "method";
  method.name = described.at("name").as_text();
  method.module = described.at("module").as_text();
  method.package = described.at("package").as_text();
  method.own_version = described.at("version").as_text();
  method.schema = described.at("schema").as_text();
  if (method.problem.empty()) method.problem = described.at("problem").as_text();
  return method;
}

Value described(const PluginInfo& method) {
  Value value = Value::object();
  value.set("name", method.name);
  value.set("module", method.module);
  value.set("package", method.package);
  value.set("version", method.own_version);
  value.set("schema", method.schema.string());
  value.set("problem", method.problem);
  return value;
}

std::string full_name(const PluginInfo& method) {
  return "method '" + method.name + "' of the Python package " + method.package + " " + method.own_version + " (" + method.name + " = " +
         method.module + ")";
}

bool is_package_name(const std::string& text) noexcept {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  const auto inside = [&](char c) { return letter(c) || c == '-' || c == '_' || c == '.'; };
  return !text.empty() && letter(text[0]) && std::all_of(text.begin(), text.end(), inside);
}

}  // namespace ophion
