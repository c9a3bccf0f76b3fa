/// A first config for files one has just got.
#include <ophion/starting_config.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include <ophion/error.h>
#include <ophion/value.h>

#include "text.h"

namespace ophion {
namespace fs = std::filesystem;
namespace {

template <std::size_t N>
bool any_of_names(const std::string& name, const std::array<std::string_view, N>& known) {
  return std::find(known.begin(), known.end(), lower(name)) != known.end();
}

bool looks_like_weight(const std::string& name) {
  return any_of_names(name, std::array<std::string_view, 5>{"w", "weight", "weights", "event_weight", "eventweight"});
}
bool looks_like_label(const std::string& name) {
  return any_of_names(name, std::array<std::string_view, 5>{"label", "labels", "y", "target", "is_signal"});
}
bool looks_like_number_of_event(const std::string& name) {
  return any_of_names(name, std::array<std::string_view, 8>{"event", "eventid", "event_id", "eventnumber", "event_number", "entry",
                                                           "index", "run"});
}

/// A sample of the config with the file it was seen in.
struct Source {
  std::string file;
  FileInfo info;
};

std::string class_name(const Source& source, std::size_t trees_in_file) {
  return trees_in_file > 1 ? source.info.tree : fs::path(source.file).stem().string();
}

std::vector<Source> sources_of(const std::vector<std::string>& files, const Registry& registry) {
  std::vector<Source> sources;
  for (const auto& file : files) {
    const auto reader = registry.reader_for(file);
    std::vector<std::string> trees;
    try {
      const FileInfo info = reader->describe(file, "");
      trees = {info.tree};
    } catch (const DataError&) {
      // Several trees and none named: the error lists them for people; here each becomes a sample of its own.
      trees = reader->trees(file);
      if (trees.size() < 2) throw;
    }
    for (const auto& tree : trees) sources.push_back({file, reader->describe(file, tree)});
  }
  return sources;
}

Value sample(const std::string& name, const Source& source, const fs::path& folder, bool needs_tree) {
  Value result = Value::object();
  result.set("class", name);
  result.set("files", Value(Value::Array{Value(fs::absolute(source.file).lexically_normal().lexically_proximate(folder).string())}));
  if (needs_tree) result.set("tree", source.info.tree);
  return result;
}

/// The first method whose schema has an example of a whole method that needs nothing else.
Value starting_method(const Registry& registry) {
  for (const PluginInfo& plugin : registry.plugins()) {
    if (plugin.kind != "method" || plugin.schema.empty()) continue;
    const Value schema = registry.schema(plugin.name);
    const Value* examples = schema.find("examples");
    if (!examples || examples->size() == 0) continue;
    Value method = Value::object();
    method.set("name", plugin.name);
    method.set("type", plugin.name);
    for (const auto& [key, value] : examples->at(0).as_object()) method.set(key, value);
    return method;
  }
  throw PluginError("no method offers an example to start with");
}

}  // namespace

std::string starting_config(const std::vector<std::string>& files, const fs::path& folder, const Registry& registry) {
  if (files.empty()) throw DataError("no file to make a config for");
  const std::vector<Source> sources = sources_of(files, registry);
  std::map<std::string, std::size_t> trees_in;
  for (const auto& source : sources) ++trees_in[source.file];

  std::string comment;
  std::map<std::string, std::size_t> seen;  // numeric columns, and in how many samples
  std::vector<std::string> in_order;
  for (const auto& source : sources) {
    comment += "// " + source.file + (source.info.tree.empty() ? "" : ", tree '" + source.info.tree + "'") +
               (source.info.rows ? ", " + std::to_string(*source.info.rows) + " events" : "") + "\n//  ";
    for (const auto& column : source.info.columns) {
      comment += " " + column.name + " (" + column.type + (column.numeric ? ")" : "; no plain number: can't be used)");
      if (column.numeric && seen[column.name]++ == 0) in_order.push_back(column.name);
    }
    comment += "\n";
  }

  std::string weight;
  std::string label;
  std::vector<std::string> features;
  std::vector<std::string> spectators;
  for (const auto& name : in_order) {
    if (seen[name] != sources.size()) continue;
    if (looks_like_weight(name)) {
      weight = name;
    } else if (looks_like_label(name)) {
      label = name;
    } else {
      (looks_like_number_of_event(name) ? spectators : features).push_back(name);
    }
  }
  if (features.empty()) throw DataError("the files have no column of numbers in common that could be a feature");

  Value samples = Value::array();
  const fs::path base = fs::absolute(folder).lexically_normal();
  for (const auto& source : sources) {
    const bool needs_tree = !source.info.tree.empty();
    if (sources.size() == 1 && !label.empty()) {
      Value signal = sample("signal", source, base, needs_tree);
      signal.set("selection", label + " == 1");
      Value background = sample("background", source, base, needs_tree);
      background.set("selection", label + " == 0");
      samples.push_back(std::move(signal));
      samples.push_back(std::move(background));
    } else {
      samples.push_back(sample(class_name(source, trees_in[source.file]), source, base, needs_tree));
    }
  }
  if (!weight.empty()) {
    for (auto& one : samples.as_array()) one.set("weight", weight);
  }

  Value data = Value::object();
  data.set("samples", std::move(samples));
  data.set("features", Value(features));
  if (!spectators.empty()) data.set("spectators", Value(spectators));
  Value config = Value::object();
  config.set("version", 1);
  config.set("name", fs::path(files.front()).stem().string());
  config.set("task", "classification");
  config.set("data", std::move(data));
  config.set("methods", Value(Value::Array{starting_method(registry)}));
  return comment + write_json(config) + "\n";
}

}  // namespace ophion
