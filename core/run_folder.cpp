/// The folder of one run.
#include "run_folder.h"

#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>

#include <ophion/error.h>

#include "durable_file.h"
#include "text.h"

namespace ophion {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(const fs::path& folder, const std::error_code& problem) {
  throw Error("cannot make the folder " + folder.string() + ": " + problem.message());
}

/// The pointer of the first place in which two configs differ.
std::string first_difference(const Value& a, const Value& b, const std::string& pointer) {
  if (a.is_object() && b.is_object()) {
    for (const auto& [key, value] : a.as_object()) {
      const Value* other = b.find(key);
      if (!other) return pointer + "/" + key;
      if (!(value == *other)) return first_difference(value, *other, pointer + "/" + key);
    }
    for (const auto& [key, value] : b.as_object()) {
      if (!a.find(key)) return pointer + "/" + key;
    }
  } else if (a.is_array() && b.is_array() && a.size() == b.size()) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!(a.at(i) == b.at(i))) return first_difference(a.at(i), b.at(i), pointer + "/" + std::to_string(i));
    }
  }
  return pointer;
}

}  // namespace

void RunFolder::demand_place(const Config& config) {
  const fs::path wanted = config.output() / config.name();
  fs::path there = wanted;
  std::error_code problem;
  while (!fs::exists(there, problem) && there.has_relative_path()) there = there.parent_path();
  if (!fs::is_directory(there, problem)) fail(wanted, std::make_error_code(std::errc::not_a_directory));
  if (access(there.c_str(), W_OK | X_OK) != 0) fail(wanted, {errno, std::generic_category()});
}

RunFolder RunFolder::make(const Config& config) {
  const fs::path parent = config.output() / config.name();
  make_folder(parent);
  const std::string time = utc_now("%Y-%m-%dT%H%M%SZ");
  // Two runs in one second: the second one gets "-2". create_directory says whether it was this call that made it.
  for (int attempt = 1;; ++attempt) {
    const fs::path path = parent / (attempt == 1 ? time : time + "-" + std::to_string(attempt));
    std::error_code problem;
    if (fs::create_directory(path, problem)) {
      const RunFolder folder(path);
      for (const char* part : {"models", "history", "checkpoints"}) make_folder(path / part);
      write_atomically(path / "config.resolved.json", write_json(config.resolved()) + "\n");
      return folder;
    }
    if (problem) fail(path, problem);
  }
}

RunFolder RunFolder::reopen(const fs::path& folder, const Config& config) {
  std::error_code problem;
  const fs::path path = fs::canonical(folder, problem);
  const fs::path file = path / "config.resolved.json";
  std::ifstream stream(file, std::ios::binary);
  if (problem || !stream) throw Error("cannot resume " + folder.string() + ": it holds no config.resolved.json");
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const Value earlier = read_json(text, file.string());
  if (!(earlier == config.resolved())) {
    throw ConfigError(config.file().string(), first_difference(earlier, config.resolved(), ""),
                      "is not what it was in the run to be resumed, " + path.string());
  }
  for (const fs::path& part : {path, path / "models"}) sweep_unfinished(part);
  return RunFolder(path);
}

void RunFolder::finish(const Value& metrics) const {
  write_atomically(path_ / "metrics.json", write_json(metrics) + "\n");
  // A link can't be replaced in place: a new one under another name is renamed over the old.
  const fs::path latest = path_.parent_path() / "latest";
  const fs::path fresh = path_.parent_path() / (".latest." + std::to_string(getpid()));
  std::error_code problem;
  fs::remove(fresh, problem);
  fs::create_directory_symlink(path_.filename(), fresh, problem);
  if (!problem) fs::rename(fresh, latest, problem);
  if (problem) throw Error("cannot point " + latest.string() + " at this run: " + problem.message());
}

}  // namespace ophion
