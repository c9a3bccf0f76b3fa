/// Finds ONNX Runtime's shared library.
#include "onnxruntime.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <vector>

#include <ophion/error.h>
#include <ophion/runtime.h>

namespace ophion::ort {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t api_version = 1;
constexpr int log_nothing = 4;  // but what ends the process: errors come back as texts
constexpr int device_allocator = 0, default_memory = 0;

struct ApiBase {
  const Api* (*get)(std::uint32_t version);
  const char* (*version)();
};

/// PREFIX/lib*/python3*/{site,dist}-packages/onnxruntime/capi/libonnxruntime.so.X.Y.Z
std::vector<fs::path> of_environment(const fs::path& prefix) {
  std::vector<fs::path> found;
  const auto each = [](const fs::path& folder, const char* beginning, const auto& what) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      if (entry.path().filename().string().starts_with(beginning)) what(entry.path());
    }
  };
  each(prefix, "lib", [&](const fs::path& lib) {
    each(lib, "python3", [&](const fs::path& python) {
      for (const char* packages : {"site-packages", "dist-packages"}) {
        each(python / packages / "onnxruntime" / "capi", "libonnxruntime.so", [&](const fs::path& file) { found.push_back(file); });
      }
    });
  });
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<fs::path> where_to_look() {
  if (const fs::path given = runtime_options().onnxruntime; !given.empty()) return {given};
  if (const char* given = std::getenv("OPHION_ONNXRUNTIME"); given && *given != '\0') return {given};
  std::vector<fs::path> files = of_environment(python_environment());
  files.emplace_back("libonnxruntime.so.1");
  return files;
}

Library open(void* handle, const std::string& file) {
  const auto get_base = reinterpret_cast<const ApiBase* (*)()>(::dlsym(handle, "OrtGetApiBase"));
  const ApiBase* base = get_base ? get_base() : nullptr;
  if (!base) throw PluginError(file + " is no ONNX Runtime: it has no OrtGetApiBase");
  Library library;
  library.version = base->version();
  library.api = base->get(api_version);
  if (!library.api) throw PluginError(file + ": ONNX Runtime " + library.version + " has no API of version 1");
  const auto demand = [&](Status* status) {
    if (status) throw PluginError(file + ": ONNX Runtime " + library.version + ": " + library.api->message(status));
  };
  demand(library.api->create_env(log_nothing, "ophion", &library.env));
  demand(library.api->create_cpu_memory_info(device_allocator, default_memory, &library.memory));
  return library;
}

Library find() {
  std::string looked;
  for (const fs::path& file : where_to_look()) {
    if (void* handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) return open(handle, file.string());
    const char* why = ::dlerror();
    looked += "\n  " + (why ? std::string(why) : file.string());
  }
  throw PluginError(
      "ONNX Runtime was not found: install the Python package onnxruntime into the environment " + python_environment().string() +
      ", or name the shared library in RuntimeOptions::onnxruntime or OPHION_ONNXRUNTIME. What was tried:" + looked);
}

}  // namespace

const Library& library() {
  static std::mutex& mutex = *new std::mutex;
  static const Library* found = nullptr;
  const std::lock_guard lock(mutex);
  if (!found) found = new Library(find());
  return *found;
}

void check(Status* status, const std::string& doing) {
  if (!status) return;
  const Api& api = *library().api;
  const std::string text = api.message(status);
  api.release_status(status);
  throw ModelError(doing + ": " + text);
}

}  // namespace ophion::ort
