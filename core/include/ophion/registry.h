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

/// What a plug-in's notes say, read without opening it.
struct PluginInfo {
  std::string kind;  ///< "method", "reader", "tool", "engine", "features"
  std::string name;
  std::string version;
  std::string compiler;
  std::string sanitizer;
  std::vector<std::string> suffixes;  ///< readers: ".root"
  std::string own_version;            ///< features: the plug-in's, as its author counts; `version` is Ophion's
  std::vector<FeatureInfo> functions;  ///< features: by name
  bool needs_python = false;
  std::filesystem::path file;
  std::filesystem::path schema;  ///< methods: x_method.schema.json beside the file
  std::string problem;           ///< why it can't be used here; empty when it can
};

/// A value: finds plug-ins when it is made, opens them on demand and never closes them. Where two files give one name, the
/// folder named first wins. Names match [a-z][a-z0-9_]*.
class OPHION_EXPORT Registry {
 public:
  /// Looks in `first` (if any), in the folders of $OPHION_PLUGIN_PATH (separated by colons), then beside the library.
  explicit Registry(const std::vector<std::filesystem::path>& first = {});

  const std::vector<PluginInfo>& plugins() const noexcept { return plugins_; }
  /// What is known of a plug-in: PluginError, naming the nearest, when there is none of that kind and name.
  const PluginInfo& info(const std::string& kind, const std::string& name) const;

  std::shared_ptr<const Method> method(const std::string& name) const;
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
  std::vector<PluginInfo> plugins_;
  std::vector<std::filesystem::path> folders_;  ///< where was looked, for errors
};

}  // namespace ophion
