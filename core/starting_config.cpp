/// A first config for files one has just got.
#include <ophion/starting_config.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

#include <ophion/error.h>
#include <ophion/value.h>

#include "features.h"
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
/// "KaggleWeight", "weight_pileup_up": no feature, since weights often tell the class.
bool speaks_of_weight(const std::string& name) { return lower(name).find("weight") != std::string::npos; }
bool looks_like_label(const std::string& name) {
  return any_of_names(name, std::array<std::string_view, 5>{"label", "labels", "y", "target", "is_signal"});
}
bool looks_like_number_of_event(const std::string& name) {
  return any_of_names(name, std::array<std::string_view, 8>{"event", "eventid", "event_id", "eventnumber", "event_number", "entry",
                                                           "index", "run"});
}

/// Of letters, digits and '_' alone, beginning with one of the former, so that it can name a class, a run or a feature.
std::string plain_name(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const bool inside_a_character = (static_cast<unsigned char>(c) & 0xC0) == 0x80;  // of UTF-8
    if (plain) name += c;
    else if (!name.empty() && !inside_a_character) name += '_';
  }
  return name.empty() ? "events" : name.substr(0, 60);
}

/// Names of which each is given once: "events", then "events_2".
class Names {
 public:
  std::string unused(const std::string& wanted) {
    std::string name = wanted;
    for (int number = 2; !taken_.insert(name).second; ++number) name = wanted + "_" + std::to_string(number);
    return name;
  }

 private:
  std::set<std::string> taken_;
};

/// How expressions name a column: "pt", "`jet pt`"; empty where none can.
std::string in_expressions(const std::string& column) {
  for (const std::string& text : {column, "`" + column + "`"}) {
    try {
      if (parse_expression(text, "column").plain_column() == column) return text;
    } catch (const DataError&) {  // no expression, so not this column
    }
  }
  return "";
}

/// A column as features: itself, or each element of an array ("float32[3]").
void add_features(const ColumnInfo& column, Names& names, Value& features) {
  const std::string text = in_expressions(column.name);
  if (text.empty()) return;
  const auto bracket = column.type.find('[');
  const std::size_t elements = bracket == std::string::npos ? 0 : std::stoul(column.type.substr(bracket + 1));
  if (elements == 0 && text == column.name) {
    features.push_back(column.name);
    return;
  }
  for (std::size_t i = 0; i < std::max<std::size_t>(elements, 1); ++i) {
    Value feature = Value::object();
    feature.set("name", names.unused(plain_name(column.name) + (elements == 0 ? "" : "_" + std::to_string(i))));
    feature.set("expr", text + (elements == 0 ? "" : "[" + std::to_string(i) + "]"));
    features.push_back(std::move(feature));
  }
}

/// A sample of the config with the file it was seen in.
struct Source {
  std::string file;
  FileInfo info;
};

std::string class_name(const Source& source, std::size_t trees_in_file) {
  return plain_name(trees_in_file > 1 ? source.info.tree : fs::path(source.file).stem().string());
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
  std::vector<ColumnInfo> in_order;
  Names names;
  for (const auto& source : sources) {
    comment += "// " + source.file + (source.info.tree.empty() ? "" : ", tree '" + source.info.tree + "'") +
               (source.info.rows ? ", " + std::to_string(*source.info.rows) + " events" : "") + "\n//  ";
    for (const auto& column : source.info.columns) {
      comment += " " + column.name + " (" + column.type + (column.numeric ? ")" : "; no plain number: can't be used)");
      if (!column.numeric || seen[column.name]++ > 0) continue;
      in_order.push_back(column);
      names.unused(column.name);
    }
    comment += "\n";
  }

  std::string weight;
  std::string label;
  Value features = Value::array();
  std::vector<std::string> spectators;
  for (const ColumnInfo& column : in_order) {
    const std::string& name = column.name;
    if (seen[name] != sources.size()) continue;
    if (looks_like_weight(name)) {
      weight = name;
    } else if (looks_like_label(name)) {
      label = name;
    } else if (looks_like_number_of_event(name) || speaks_of_weight(name)) {
      spectators.push_back(name);
    } else {
      add_features(column, names, features);
    }
  }
  if (features.size() == 0) throw DataError("the files have no column of numbers in common that could be a feature");

  if (sources.size() == 1 && label.empty()) {
    comment += "// One sample is one class, and training needs two or more: add the other files or trees, or take this file twice, each\n"
               "// time with a \"selection\" that picks a class, such as \"type == 1\".\n";
  }
  Value samples = Value::array();
  Names classes;
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
      samples.push_back(sample(classes.unused(class_name(source, trees_in[source.file])), source, base, needs_tree));
    }
  }
  if (!weight.empty()) {
    for (auto& one : samples.as_array()) one.set("weight", weight);
  }

  Value data = Value::object();
  data.set("samples", std::move(samples));
  data.set("features", std::move(features));
  if (!spectators.empty()) data.set("spectators", Value(spectators));
  Value config = Value::object();
  config.set("version", 1);
  config.set("name", plain_name(fs::path(files.front()).stem().string()));
  config.set("task", "classification");
  config.set("data", std::move(data));
  config.set("methods", Value(Value::Array{starting_method(registry)}));
  return comment + write_json(config) + "\n";
}

}  // namespace ophion
