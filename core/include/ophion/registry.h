/// Registry: from a name to its plug-in.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <ophion/export.h>
#include <ophion/feature.h>
#include <ophion/method.h>
#include <ophion/reader.h>
#include <ophion/tool.h>
#include <ophion/value.h>

namespace ophion {

/// A function that a plug-in adds to expressions, and the columns it takes where it is named alone.
struct FeatureInfo {
  std::string name;
  std::vector<std::string> arguments;
};

/// What a plug-in's notes say, read without opening it; or what the entry point of a Python package says, read without importing it.
struct PluginInfo {
  std::string kind;  ///< "method", "reader", "tool", "engine", "features"
  std::string name;
  std::string version;
  std::string compiler;
  std::string sanitizer;
  std::vector<std::string> suffixes;  ///< readers: ".root"
  std::string own_version;            ///< features, methods of packages: as the author counts; `version` is Ophion's
  std::vector<FeatureInfo> functions;  ///< features: by name
  bool needs_python = false;
  std::filesystem::path file;
  std::filesystem::path schema;  ///< methods: x_method.schema.json beside the file, or beside a package's module
  std::string package;           ///< methods of Python packages: the distribution; `file` is the plug-in that serves all of them
  std::string module;            ///< the same: what does the work
  std::string problem;           ///< why it can't be used here; empty when it can
};

struct PythonMethods;

/// A value: finds plug-ins when it is made, opens them on demand and never closes them. Where two files give one name, the
/// folder named first wins. Names match [a-z][a-z0-9_]*. A method that no file gives is looked for among the packages of the chosen
/// Python, which is asked once for a registry and its copies, and only then.
class OPHION_EXPORT Registry {
 public:
  /// Looks in `first` (if any), in the folders of $OPHION_PLUGIN_PATH (separated by colons), then beside the library.
  explicit Registry(const std::vector<std::filesystem::path>& first = {});

  /// Those in files.
  const std::vector<PluginInfo>& plugins() const noexcept { return plugins_; }
  /// The methods of Python packages (docs/python_methods.md), those that can't be used too. Asks Python in place where one runs in this
  /// process, else in a process of its own. PluginError when it can't be asked.
  const std::vector<PluginInfo>& python_methods() const;
  /// What is known of a plug-in: PluginError, naming the nearest, when there is none of that kind and name, and for a method of a package
  /// that can't be used.
  const PluginInfo& info(const std::string& kind, const std::string& name) const;

  std::shared_ptr<const Method> method(const std::string& name) const;
  /// The method that a registry has described, perhaps that of another process.
  static std::shared_ptr<const Method> method(const PluginInfo& info);
  std::shared_ptr<const Tool> tool(const std::string& name) const;
  std::shared_ptr<const Engine> engine(const std::string& name) const;
  /// A function of a plug-in of features. PluginError when the plug-in has none of that name.
  FeatureLoop feature(const std::string& plugin, const std::string& function) const;
  /// By the ending of the file's name. DataError, naming the known ones, when there is none for it.
  std::shared_ptr<const Reader> reader_for(const std::filesystem::path& file) const;
  const PluginInfo& reader_info(const std::filesystem::path& file) const;

  /// The schema of a method's part of the config.
  Value schema(const std::string& method) const;

 private:
  struct Asked;
  const PythonMethods& ask_python() const;

  std::vector<PluginInfo> plugins_;
  std::vector<std::filesystem::path> folders_;  ///< where was looked, for errors
  std::shared_ptr<Asked> asked_;                ///< what Python said, for all copies
};

}  // namespace ophion
