/// Finds a Python, opens its libpython, and with it libophion_pymethods: the last step before a plug-in that wants Python.
#include "python_launcher.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <sstream>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "python_probe.h"
#include "text.h"

namespace ophion {
namespace fs = std::filesystem;
namespace {

/// The choice that was opened. Never destroyed: Python outlives every static object.
std::atomic<const PythonChoice*> opened = nullptr;

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return fs::equivalent(a, b, ignored);
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// --- a Python that is in the process already -----------------------------------------------------------------------------------

/// The libpython (or the executable that holds one) that is mapped into this process, whoever brought it.
struct LoadedPython {
  fs::path file;
  std::string version;
  bool running = false;
};

/// A function of the C API of the Python in this process, null when there is none. A libpython that came with a host's plug-in is not
/// in the global scope, so the loaded objects are looked through by name too.
void* python_symbol(const char* name) {
  if (void* found = ::dlsym(RTLD_DEFAULT, name)) return found;
  // Opened when the list has been gone through: it is locked meanwhile, and another thread that opens a library waits for it with the
  // loader's other lock in its hand.
  std::vector<fs::path> files;
  ::dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* found) {
        fs::path file = object->dlpi_name ? object->dlpi_name : "";
        if (file.filename().string().starts_with("libpython3")) static_cast<std::vector<fs::path>*>(found)->push_back(std::move(file));
        return 0;
      },
      &files);
  for (const fs::path& file : files) {
    void* const handle = ::dlopen(file.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    if (!handle) continue;
    void* const found = ::dlsym(handle, name);
    ::dlclose(handle);
    if (found) return found;
  }
  return nullptr;
}

std::optional<LoadedPython> python_in_process() {
  const auto version = reinterpret_cast<const char* (*)()>(python_symbol("Py_GetVersion"));
  const auto is_initialized = reinterpret_cast<int (*)()>(python_symbol("Py_IsInitialized"));
  if (!version || !is_initialized) return std::nullopt;
  LoadedPython python;
  const std::string text = version();  // "3.11.7 (main, …"; may be called before Python is started
  python.version = text.substr(0, text.find(' '));
  python.running = is_initialized() != 0;
  Dl_info where{};
  if (::dladdr(reinterpret_cast<void*>(version), &where) != 0) python.file = where.dli_fname;
  return python;
}

// --- which executable ----------------------------------------------------------------------------------------------------------

struct Candidate {
  fs::path executable;
  std::string reason;
};

/// A name without a slash is looked up in PATH; a folder stands for the environment in it.
fs::path executable_of(const fs::path& given) {
  std::error_code ignored;
  if (fs::is_directory(given, ignored)) return given / "bin" / "python3";
  if (given.has_parent_path()) return fs::absolute(given);
  std::istringstream folders(environment("PATH"));
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (is_file(fs::path(folder) / given)) return fs::path(folder) / given;
  }
  return given;
}

Candidate candidate() {
  if (const auto python = runtime_options().python; !python.empty()) return {executable_of(python), "RuntimeOptions.python"};
  if (const auto python = environment("OPHION_PYTHON"); !python.empty()) return {executable_of(python), "$OPHION_PYTHON"};
  for (const char* name : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    if (const auto folder = environment(name); !folder.empty()) {
      return {fs::path(folder) / "bin" / "python3", std::string("$") + name};
    }
  }
  const fs::path of_build = OPHION_BUILD_PYTHON_EXECUTABLE;
  if (is_file(of_build)) return {of_build, "the Python Ophion was built with"};
  return {executable_of("python3"), "the first python3 in PATH"};
}

// --- which libpython -----------------------------------------------------------------------------------------------------------

/// The shared libpython of an installation: where its build says, or in its own lib folders (it may have been moved, and Conda's says
/// ".a"). Empty when it has none.
fs::path own_libpython(const PythonFacts& facts) {
  const std::string name = "libpython" + minor_version(facts.version) + ".so";
  std::vector<fs::path> files{fs::path(facts.library_folder) / facts.library_name};
  for (const fs::path& folder : {fs::path("lib"), fs::path("lib") / facts.multiarch, fs::path("lib64")}) {
    for (const char* ending : {".1.0", ".1", ""}) files.push_back(fs::path(facts.base_prefix) / folder / (name + ending));
  }
  for (const fs::path& file : files) {
    if (file.filename().string().find(".so") != std::string::npos && is_file(file)) return file;
  }
  return {};
}

/// Another installation of the same minor version that has a shared libpython; that of the very same version if there is one. With
/// `libpython` given, only the installation whose library that is.
std::optional<PythonFacts> installation_with_libpython(const std::string& version, const fs::path& libpython) {
  const std::string name = "python" + minor_version(version);
  std::vector<fs::path> executables;
  if (!libpython.empty()) {
    for (fs::path folder = libpython.parent_path(); folder.has_relative_path(); folder = folder.parent_path()) {
      executables.push_back(folder / "bin" / name);
    }
  }
  executables.emplace_back(OPHION_BUILD_PYTHON_EXECUTABLE);
  for (const char* folder : {"/usr/local/bin", "/usr/bin"}) executables.push_back(fs::path(folder) / name);
  std::istringstream folders(environment("PATH"));
  for (std::string folder; std::getline(folders, folder, ':');) executables.push_back(fs::path(folder) / name);

  std::optional<PythonFacts> found;
  for (const fs::path& executable : executables) {
    if (!is_file(executable)) continue;
    try {
      PythonFacts facts = ask_python(executable);
      const fs::path own = own_libpython(facts);
      const bool fits = libpython.empty() ? !own.empty() : same_file(own, libpython);
      if (!fits || minor_version(facts.version) != minor_version(version)) continue;
      if (facts.version == version) return facts;
      if (!found) found = std::move(facts);
    } catch (const Error&) {  // something else of that name: not this one
    }
  }
  return found;
}

/// Start that installation's Python and give it the packages of the chosen environment.
void borrow_libpython(PythonChoice& choice, const PythonFacts& chosen, const PythonFacts& owner, const std::string& why) {
  choice.libpython = own_libpython(owner);
  choice.libpython_version = owner.version;
  choice.start_executable = owner.base_executable;
  choice.site_packages = chosen.site_packages;
  choice.problems.push_back(chosen.executable.string() + " (Python " + chosen.version + ") " + why + "; using the library of Python " +
                            owner.version + ", " + choice.libpython.string() + ", with the packages of the former");
}

std::string versions_present(const fs::path& folder) {
  std::vector<std::string> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("cp3") || name.size() < 4) continue;
    const std::string version = "3." + name.substr(3);
    if (is_file(pymethods_file(folder, version + ".0"))) found.push_back(version);
  }
  if (found.empty()) return "there is none at all in " + folder.string();
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return std::stoi(a.substr(2)) < std::stoi(b.substr(2)); });
  std::string text = "there is one for Python ";
  for (std::size_t i = 0; i < found.size(); ++i) text += (i == 0 ? "" : ", ") + found[i];
  return text;
}

void need_pymethods(const fs::path& folder, const std::string& who, const std::string& version) {
  if (is_file(pymethods_file(folder, version))) return;
  throw PluginError(who + ": Ophion has no libophion_pymethods for Python " + minor_version(version) + "; " +
                    versions_present(folder));
}

PythonChoice attach(const LoadedPython& python, const fs::path& folder) {
  PythonChoice choice;
  choice.reason = "this process already runs a Python";
  choice.version = choice.libpython_version = python.version;
  choice.libpython = python.file;
  need_pymethods(folder, "the Python " + python.version + " that this process already runs", python.version);
  return choice;
}

/// Makes the names of a library that is in the process visible to those opened later. Does nothing for a program that holds
/// Python itself: its names are visible.
void promote(const fs::path& libpython) {
  if (!::dlopen(libpython.c_str(), RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL)) ::dlerror();
}

}  // namespace

PythonChoice choose_python(const fs::path& folder) {
  if (const PythonChoice* fixed = opened.load()) return *fixed;
  const std::optional<LoadedPython> loaded = python_in_process();
  if (loaded && loaded->running) return attach(*loaded, folder);

  const Candidate asked = candidate();
  const std::string who = asked.executable.string() + " (" + asked.reason + ")";
  PythonFacts facts;
  try {
    facts = ask_python(asked.executable);
  } catch (const Error& problem) {
    throw PluginError(who + ": " + problem.what());
  }
  need_pymethods(folder, who, facts.version);

  PythonChoice choice;
  choice.executable = facts.executable;
  choice.reason = asked.reason;
  choice.version = facts.version;
  choice.prefix = facts.prefix;
  choice.base_prefix = facts.base_prefix;
  choice.libpython = own_libpython(facts);
  choice.libpython_version = facts.version;
  if (loaded && !same_file(loaded->file, choice.libpython)) {
    const std::string linked = "the program is linked to the library of Python " + loaded->version + ", " + loaded->file.string();
    if (minor_version(loaded->version) != minor_version(facts.version)) {
      throw PluginError(who + " is Python " + facts.version + ", but " + linked);
    }
    const auto owner = installation_with_libpython(loaded->version, loaded->file);
    if (owner) {
      borrow_libpython(choice, facts, *owner, "is not the Python of this program");
    } else if (loaded->version == facts.version) {
      choice.libpython = loaded->file;
      choice.problems.push_back(linked + ", and not to that of " + facts.executable.string());
    } else {
      throw PluginError(who + " is Python " + facts.version + ", but " + linked + ", whose executable was not found");
    }
  } else if (choice.libpython.empty()) {
    const auto owner = installation_with_libpython(facts.version, {});
    if (!owner) {
      throw PluginError(who + " is Python " + facts.version + " without a shared library, and no other Python " +
                        minor_version(facts.version) + " that has one was found: install one (Debian: libpython" +
                        minor_version(facts.version) + ") or choose another by OPHION_PYTHON");
    }
    borrow_libpython(choice, facts, *owner, "has no shared library");
  }
  return choice;
}

PythonChoice choose_python() { return choose_python(library_folder()); }

const PythonChoice& open_python() {
  if (const PythonChoice* done = opened.load()) return *done;
  // Held while libraries are opened. Nothing under it takes the GIL: their constructors don't.
  static std::mutex& opening = *new std::mutex;
  const std::lock_guard lock(opening);
  if (const PythonChoice* done = opened.load()) return *done;

  PythonChoice choice = choose_python();
  if (python_in_process()) {
    promote(choice.libpython);
  } else if (!::dlopen(choice.libpython.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
    throw PluginError("could not open the library of Python " + choice.libpython_version + ": " + dl_error());
  }
  const fs::path pymethods = pymethods_file(library_folder(), choice.version);
  // Local: plug-ins name it, and a host's Python must not find our libcrypto before its own.
  if (!::dlopen(pymethods.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    throw PluginError("could not open " + pymethods.string() + " for Python " + choice.version + ": " + dl_error());
  }
  for (const std::string& problem : choice.problems) log(LogLevel::warning, problem);
  opened.store(new PythonChoice(std::move(choice)));
  return *opened.load();
}

fs::path python_executable() {
  const PythonChoice* done = opened.load();
  return done && !done->executable.empty() ? done->executable : candidate().executable;
}

fs::path python_environment() {
  const PythonChoice* done = opened.load();
  if (done && !done->prefix.empty()) return done->prefix;
  const fs::path executable = python_executable();  // of a host's Python too: the host says in RuntimeOptions which it is
  return executable.has_parent_path() ? executable.parent_path().parent_path() : fs::path();
}

bool python_is_open() noexcept { return opened.load() != nullptr; }

bool python_is_running() noexcept {
  const auto python = python_in_process();
  return python && python->running;
}

fs::path pymethods_file(const fs::path& folder, const std::string& version) {
  std::string minor = minor_version(version);
  std::erase(minor, '.');
  return folder / ("cp" + minor) /
         ("libophion_pymethods.so." + std::to_string(OPHION_VERSION_MAJOR) + "." + std::to_string(OPHION_VERSION_MINOR));
}

const fs::path& library_folder() {
  static const fs::path& folder = *new fs::path([] {
    Dl_info where{};
    ::dladdr(reinterpret_cast<void*>(&library_folder), &where);
    std::error_code problem;
    fs::path file = fs::canonical(where.dli_fname ? where.dli_fname : "", problem);
    if (problem) file = fs::read_symlink("/proc/self/exe");  // a program that was started by its name alone
    const fs::path beside = file.parent_path() / "ophion";
    const fs::path from_program = file.parent_path().parent_path() / OPHION_FOLDER;
    return !fs::is_directory(beside) && fs::is_directory(from_program) ? from_program : beside;
  }());
  return folder;
}

fs::path package_folder() {
  const fs::path own = library_folder() / "python";
  const fs::path around = library_folder().parent_path().parent_path().parent_path();
  return !is_file(own / "ophion" / "__init__.py") && is_file(around / "ophion" / "__init__.py") ? around : own;
}

}  // namespace ophion
