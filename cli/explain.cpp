/// ophion inspect, methods, doctor: what a model, an installation, a machine holds.
#include <cstdio>
#include <memory>

#include <ophion/ophion.h>

#include "commands.h"
#include "terminal.h"

namespace ophion::cli {
namespace {

std::string joined(const Value& list, const char* separator = ", ") {
  std::string text;
  for (const Value& item : list.as_array()) text += (text.empty() ? "" : separator) + item.as_text();
  return text;
}

std::string shown(const Value& value) { return value.is_text() ? value.as_text() : write_json(value, 0); }

/// "log (pt); onehot (njet: njet=0, njet=1); standard": each with the features it works on, unless it is all, and the columns it makes.
std::string shown_transforms(const Value& transforms) {
  std::string text;
  for (const Value& step : transforms.as_array()) {
    const Value *features = step.find("features"), *made = step.find("names");
    std::string what = features ? joined(*features) : made ? "all" : "";
    if (made) what += ": " + joined(*made);
    text += (text.empty() ? "" : "; ") + step.at("type").as_text() + (what.empty() ? "" : " (" + what + ")");
  }
  return text;
}

/// "kinematics 1.0: delta_r (eta1, phi1, eta2, phi2); mass (…)"
std::string shown_functions(const std::string& version, const std::vector<std::pair<std::string, std::vector<std::string>>>& functions) {
  std::string text;
  for (const auto& [name, arguments] : functions) text += (text.empty() ? "" : "; ") + name + " (" + joined(Value(arguments)) + ")";
  return version + ": " + text;
}

std::string shown_plugin(const Value& plugin) {
  std::vector<std::pair<std::string, std::vector<std::string>>> functions;
  for (const Value& function : plugin.at("functions").as_array()) {
    functions.emplace_back(function.at("name").as_text(), function.at("arguments").as_texts());
  }
  return plugin.at("name").as_text() + " " + shown_functions(plugin.at("version").as_text(), functions);
}

void inspect(const std::string& file, bool json) {
  const ModelFacts facts = facts_of(file);
  const Value& manifest = facts.manifest;
  if (json) {
    std::printf("%s\n", write_json(manifest).c_str());
    return;
  }
  std::vector<std::vector<std::string>> rows;
  const auto add = [&](const char* what, const std::string& text) { rows.push_back({what, text}); };
  add("model", manifest.at("name").as_text());
  add("task", manifest.at("task").as_text());
  if (manifest.at("classes").size() > 0) add("classes", joined(manifest.at("classes")));
  if (manifest.at("targets").size() > 0) add("targets", joined(manifest.at("targets")));
  add("outputs", joined(manifest.at("outputs")));
  std::string features;
  for (const Value& feature : manifest.at("features").as_array()) {
    features += (features.empty() ? "" : ", ") + feature.at("name").as_text();
  }
  add("features", features);
  add("inputs", joined(manifest.at("inputs")));
  if (const Value* plugins = manifest.find("plugins")) {
    for (const Value& plugin : plugins->as_array()) add("plug-in", shown_plugin(plugin));
  }
  if (manifest.at("spectators").size() > 0) add("spectators", joined(manifest.at("spectators")));
  add("missing", manifest.at("missing").as_text());
  if (manifest.at("transforms").size() > 0) add("transforms", shown_transforms(manifest.at("transforms")));
  const Value& trainer = manifest.at("method");
  const Value* brought_by = trainer.find("package");
  const std::string from = brought_by ? ", of the Python package " + brought_by->as_text() : "";
  add("method", trainer.at("name").as_text() + " (" + trainer.at("type").as_text() + from + ")");
  if (const Value* folds = manifest.find("folds")) {
    const std::string by = folds->at("text").as_text();
    add("folds", std::to_string(folds->at("count").as_integer()) + (by.empty() ? ", drawn: every event gets their mean" : ", by " + by));
  }
  for (const Value& payload : manifest.at("payloads").as_array()) {
    std::string text = payload.at("backend").as_text() + ": " + joined(payload.at("members"));
    if (const Value& fold = payload.at("fold"); !fold.is_null()) text = "fold " + std::to_string(fold.as_integer()) + ", " + text;
    if (payload.at("carries_code").as_boolean()) text += "; carries code";
    if (const Value* why = payload.find("not_native")) text += "; no native form: " + why->as_text();
    if (const Value* why = payload.find("not_onnx")) text += "; no ONNX form: " + why->as_text();
    add("payload", text);
    for (const auto& [package, version] : payload.at("versions").as_object()) add("", package + " " + version.as_text());
  }
  add("made", manifest.at("created").as_text() + " by Ophion " + manifest.at("versions").at("ophion").as_text());
  add("sha256", facts.hash);
  std::fputs(table(rows).c_str(), stdout);
}

Value described(const PluginInfo& plugin) {
  Value value = Value::object();
  value.set("kind", plugin.kind);
  value.set("name", plugin.name);
  value.set("version", plugin.version);
  value.set("needs_python", plugin.needs_python);
  value.set("suffixes", Value(plugin.suffixes));
  value.set("own_version", plugin.own_version);
  value.set("package", plugin.package);
  value.set("module", plugin.module);
  value.set("functions", Value::object());
  for (const FeatureInfo& function : plugin.functions) value.find("functions")->set(function.name, Value(function.arguments));
  value.set("file", plugin.file.string());
  value.set("problem", plugin.problem);
  return value;
}

/// The plug-ins in files, then the methods of Python packages where they can be known.
std::vector<PluginInfo> all_plugins(const Registry& registry) {
  std::vector<PluginInfo> all = registry.plugins();
  try {
    const auto& methods = registry.python_methods();
    all.insert(all.end(), methods.begin(), methods.end());
  } catch (const PluginError& problem) {
    log(LogLevel::warning, problem.what());
  }
  return all;
}

void methods(bool json) {
  const Registry registry;
  const std::vector<PluginInfo> plugins = all_plugins(registry);
  if (json) {
    Value list = Value::array();
    for (const auto& plugin : plugins) list.push_back(described(plugin));
    std::printf("%s\n", write_json(list).c_str());
    return;
  }
  std::vector<std::vector<std::string>> rows{{"kind", "name", "what"}};
  for (const auto& plugin : plugins) {
    std::string what = plugin.problem;
    if (what.empty() && !plugin.suffixes.empty()) what = joined(Value(plugin.suffixes), " ");
    if (what.empty() && !plugin.schema.empty()) {
      const Value schema = registry.schema(plugin.name);
      if (const Value* description = schema.find("description")) what = description->as_text();
    }
    if (what.empty() && !plugin.functions.empty()) {
      std::vector<std::pair<std::string, std::vector<std::string>>> functions;
      for (const FeatureInfo& function : plugin.functions) functions.emplace_back(function.name, function.arguments);
      what = shown_functions(plugin.own_version, functions);
    }
    if (!plugin.package.empty()) what = plugin.package + " " + plugin.own_version + (plugin.problem.empty() ? ": " : " ") + what;
    rows.push_back({plugin.kind, plugin.name, what});
  }
  std::fputs(table(rows).c_str(), stdout);
}

/// What goes wrong when this Python is really started and used, by one of the tools; empty when nothing does.
std::string trial(const Registry& registry) {
  try {
    registry.tool("metrics")->start(Value::object())->finish();
    return "";
  } catch (const Error& problem) {
    return first_line(problem.what());
  }
}

int doctor(bool json) {
  Value report = python_report();
  const Registry registry;
  if (report.at("problems").size() == 0 && !registry.plugins().empty()) {
    const std::string problem = trial(registry);
    if (!problem.empty()) report.find("problems")->push_back(problem);
  }
  const std::vector<PluginInfo> plugins = all_plugins(registry);
  Value broken = Value::array();
  for (const auto& plugin : plugins) {
    const std::string who =
        plugin.package.empty() ? plugin.file.string() : plugin.package + " " + plugin.own_version + ", method '" + plugin.name + "'";
    if (!plugin.problem.empty()) broken.push_back(who + ": " + plugin.problem);
  }
  const bool well = report.at("problems").size() == 0 && broken.size() == 0 && !registry.plugins().empty();
  if (json) {
    Value result = Value::object();
    result.set("ophion", OPHION_VERSION);
    result.set("python", report);
    result.set("plugins", static_cast<std::int64_t>(plugins.size()));
    result.set("broken_plugins", broken);
    std::printf("%s\n", write_json(result).c_str());
    return well ? done : failed;
  }
  std::vector<std::vector<std::string>> rows{{"ophion", OPHION_VERSION}};
  for (const auto& [key, value] : report.as_object()) {
    if (key != "problems") rows.push_back({key, shown(value)});
  }
  rows.push_back({"plug-ins", std::to_string(plugins.size())});
  std::fputs(table(rows).c_str(), stdout);
  for (const Value& problem : report.at("problems").as_array()) std::printf("problem: %s\n", problem.as_text().c_str());
  for (const Value& problem : broken.as_array()) std::printf("problem: %s\n", problem.as_text().c_str());
  if (registry.plugins().empty()) std::printf("problem: no plug-in was found; set OPHION_PLUGIN_PATH or install Ophion whole\n");
  if (well) std::puts("all is well");
  return well ? done : failed;
}

}  // namespace

void add_inspect(CLI::App& app, Outcome& outcome) {
  const auto file = std::make_shared<std::string>();
  auto* verb = app.add_subcommand("inspect", "Show what a model file holds; runs nothing of it");
  verb->add_option("MODEL", *file, "A .ophion file")->required();
  verb->callback([file, &outcome] { inspect(*file, outcome.json); });
}

void add_methods(CLI::App& app, Outcome& outcome) {
  auto* verb = app.add_subcommand("methods", "List the plug-ins: methods, readers, tools, engines, features");
  verb->callback([&outcome] { methods(outcome.json); });
}

void add_doctor(CLI::App& app, Outcome& outcome) {
  auto* verb = app.add_subcommand("doctor", "Say which Python is used, why, and what is missing");
  verb->callback([&outcome] { outcome.status = doctor(outcome.json); });
}

}  // namespace ophion::cli
