/// Registry: from a name to its plug-in.
#include <ophion/registry.h>

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <sstream>

#include <ophion/error.h>
#include <ophion/plugin.h>

#include "plugin_note.h"
#include "python_launcher.h"
#include "python_methods.h"
#include "schema.h"
#include "text.h"

namespace ophion {
namespace fs = std::filesystem;
namespace {

std::vector<fs::path> folders_to_search(const std::vector<fs::path>& first) {
  std::vector<fs::path> folders = first;
  if (const char* path = std::getenv("OPHION_PLUGIN_PATH")) {
    std::istringstream parts(path);
    for (std::string folder; std::getline(parts, folder, ':');) {
      if (!folder.empty()) folders.emplace_back(folder);
    }
  }
  folders.push_back(library_folder() / "plugins");
  return folders;
}

/// The shared objects of a folder by name, so that the same folder gives the same plug-ins; or the file itself.
std::vector<fs::path> shared_objects(const fs::path& folder_or_file) {
  std::error_code ignored;
  if (fs::is_regular_file(folder_or_file, ignored)) return {folder_or_file};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder_or_file, ignored)) {
    if (entry.path().extension() == ".so") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string minor_of(const std::string& version) { return version.substr(0, version.rfind('.')); }

/// Why a plug-in can't be used by this library; empty when it can. C++ objects cross between the two, so these must agree.
std::string problem_of(const PluginInfo& info) {
  const std::string here = minor_of(OPHION_VERSION);
  const std::string tag = detail::compiler_tag();
  const std::string sanitizer = detail::sanitizer_tag();
  const auto words = [](const std::string& text) { return text.empty() ? std::string("none") : text; };
  if (minor_of(info.version) != here) return "was built for Ophion " + minor_of(info.version) + ", this is " + here;
  if (info.compiler != tag) return "was built by another family of compilers (" + info.compiler + "), this is " + tag;
  if (info.sanitizer != sanitizer) return "was built with the sanitizer " + words(info.sanitizer) + ", this has " + words(sanitizer);
  return "";
}

fs::path schema_beside(const PluginInfo& info) {
  fs::path schema = info.file;
  schema.replace_extension(".schema.json");
  std::error_code ignored;
  return info.kind == "method" && fs::is_regular_file(schema, ignored) ? schema : fs::path();
}

/// Opens a plug-in's file, where it is not open yet, and finds one of its functions.
template <class Function>
Function* function_in(const PluginInfo& info, const std::string& name) {
  const std::string what = info.module.empty() ? "plug-in " + info.name + " (" + info.file.string() + ")" : full_name(info);
  if (!info.problem.empty()) throw PluginError(what + " " + info.problem);
  if (info.needs_python) open_python();
  void* library = ::dlopen(info.file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw PluginError(what + " could not be opened: " + dl_error());
  const auto function = reinterpret_cast<Function*>(::dlsym(library, name.c_str()));
  if (!function) throw PluginError(what + " has no function " + name);
  return function;
}

/// Opens a plug-in's file and makes its object. Whether it is a Method, a Reader, a Tool or an Engine is what the note says. The plug-in
/// that serves Python packages makes the method of one of them.
template <class Base>
std::shared_ptr<const Base> make_object(const PluginInfo& info) {
  const void* made = info.module.empty() ? function_in<void*()>(info, "ophion_make_plugin")()
                                         : function_in<void*(const PluginInfo&)>(info, "ophion_make_method")(info);
  return std::shared_ptr<const Base>(static_cast<const Base*>(made));
}

/// One object a file, or a package's method, for the whole process. No lock is held while a file is opened: where two threads do so
/// at once, the object made second is dropped. Never destroyed: objects may be in use while the process ends.
template <class Base>
std::shared_ptr<const Base> object_of(const PluginInfo& info) {
  static std::mutex& mutex = *new std::mutex;
  static auto& objects = *new std::map<std::string, std::shared_ptr<const Base>>;
  std::error_code ignored;
  std::string key = fs::weakly_canonical(info.file, ignored).string();
  if (!info.module.empty()) key += "\n" + full_name(info);
  {
    const std::lock_guard lock(mutex);
    if (const auto known = objects.find(key); known != objects.end()) return known->second;
  }
  std::shared_ptr<const Base> made = make_object<Base>(info);
  const std::lock_guard lock(mutex);
  return objects.emplace(key, std::move(made)).first->second;
}

}  // namespace

/// Shared by the copies of a registry.
struct Registry::Asked {
  std::mutex mutex;
  std::shared_ptr<const PythonMethods> answer;
};

Registry::Registry(const std::vector<fs::path>& first) : folders_(folders_to_search(first)), asked_(std::make_shared<Asked>()) {
  for (const fs::path& folder : folders_) {
    for (const fs::path& file : shared_objects(folder)) {
      std::optional<PluginInfo> info = read_plugin_note(file);
      if (!info) continue;
      const bool known = std::any_of(plugins_.begin(), plugins_.end(),
                                     [&](const PluginInfo& other) { return other.kind == info->kind && other.name == info->name; });
      if (known) continue;
      info->schema = schema_beside(*info);
      info->problem = problem_of(*info);
      plugins_.push_back(std::move(*info));
    }
  }
}

/// No lock is held while Python is asked: another thread may hold Python's own and come here. Of two answers the first counts.
const PythonMethods& Registry::ask_python() const {
  {
    const std::lock_guard lock(asked_->mutex);
    if (asked_->answer) return *asked_->answer;
  }
  auto answer = std::make_shared<const PythonMethods>(find_python_methods(*this));
  const std::lock_guard lock(asked_->mutex);
  if (!asked_->answer) asked_->answer = std::move(answer);
  return *asked_->answer;
}

const std::vector<PluginInfo>& Registry::python_methods() const {
  const PythonMethods& methods = ask_python();
  if (!methods.problem.empty()) throw PluginError("the methods of Python packages are not known: " + methods.problem);
  return methods.list;
}

const PluginInfo& Registry::info(const std::string& kind, const std::string& name) const {
  std::vector<std::string> names;
  for (const PluginInfo& plugin : plugins_) {
    if (plugin.kind != kind) continue;
    if (plugin.name == name) return plugin;
    names.push_back(plugin.name);
  }
  std::string packages;
  if (kind == "method") {
    const PythonMethods& methods = ask_python();
    for (const PluginInfo& method : methods.list) {
      if (method.name == name && method.problem.empty()) return method;
      if (method.name == name) throw PluginError(full_name(method) + " " + method.problem);
      if (method.problem.empty()) names.push_back(method.name);
    }
    if (!methods.problem.empty()) packages = "; the packages of Python could not be asked: " + methods.problem;
    else if (!methods.asked.empty()) packages = ", and among the packages of " + methods.asked;
  }
  std::vector<std::string> folders;
  for (const fs::path& folder : folders_) folders.push_back(folder.string());
  throw PluginError("no " + (kind == features_kind ? "plug-in of features" : kind) + " '" + name + "'" + nearest_names(name, names) +
                    " (found: " + joined(names, "none") + "; looked in " + joined(folders, "no folder") + packages + ")");
}

std::shared_ptr<const Method> Registry::method(const std::string& name) const { return method(info("method", name)); }

std::shared_ptr<const Method> Registry::method(const PluginInfo& info) { return object_of<Method>(info); }

std::shared_ptr<const Tool> Registry::tool(const std::string& name) const { return object_of<Tool>(info("tool", name)); }

std::shared_ptr<const Engine> Registry::engine(const std::string& name) const { return object_of<Engine>(info("engine", name)); }

FeatureLoop Registry::feature(const std::string& plugin, const std::string& function) const {
  return function_in<std::remove_pointer_t<FeatureLoop>>(info(features_kind, plugin), "ophion_feature_" + function);
}

std::shared_ptr<const Reader> Registry::reader_for(const fs::path& file) const { return object_of<Reader>(reader_info(file)); }

const PluginInfo& Registry::reader_info(const fs::path& file) const {
  const std::string name = lower(file.filename().string());
  const PluginInfo* best = nullptr;
  std::size_t length = 0;
  std::vector<std::string> known;
  for (const PluginInfo& plugin : plugins_) {
    if (plugin.kind != "reader") continue;
    for (const std::string& suffix : plugin.suffixes) {
      known.push_back(suffix);
      if (suffix.size() > length && name.ends_with(lower(suffix))) {
        best = &plugin;
        length = suffix.size();
      }
    }
  }
  if (!best) throw DataError(file.string() + ": no reader for a file of this name; known endings: " + joined(known, "none"));
  return *best;
}

Value Registry::schema(const std::string& method) const {
  const PluginInfo& plugin = info("method", method);
  if (plugin.schema.empty()) {
    fs::path expected = plugin.file;
    throw PluginError("method '" + method + "' has no schema: expected " + expected.replace_extension(".schema.json").string());
  }
  return read_schema(plugin.schema);
}

}  // namespace ophion
