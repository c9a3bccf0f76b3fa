/// Where a model comes from: config, data files, seed, source revision.
#include "provenance.h"

#include <fstream>
#include <set>
#include <string>

#include <ophion/runtime.h>

#include "durable_file.h"
#include "feature_functions.h"
#include "plugin_note.h"

namespace ophion {
namespace fs = std::filesystem;
namespace {

constexpr std::uintmax_t most_bytes_to_hash = std::uintmax_t{4} << 30;

std::string first_line_of(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

/// The commit checked out where the config lies, read from .git itself; null outside a repository.
Value git_commit(fs::path folder) {
  for (; !folder.empty(); folder = folder.parent_path()) {
    const fs::path git = folder / ".git";
    std::error_code ignored;
    if (fs::is_directory(git, ignored)) {
      const std::string head = first_line_of(git / "HEAD");
      const std::string mark = "ref: ";
      Value commit = Value::object();
      commit.set("folder", folder.string());
      if (!head.starts_with(mark)) return commit.set("commit", head), commit;
      const std::string ref = head.substr(mark.size());
      std::string hash = first_line_of(git / ref);
      std::ifstream packed(git / "packed-refs");
      for (std::string line; hash.empty() && std::getline(packed, line);) {
        if (line.ends_with(" " + ref)) hash = line.substr(0, line.find(' '));
      }
      if (hash.empty()) return nullptr;
      return commit.set("commit", hash), commit;
    }
    if (folder == folder.root_path()) break;
  }
  return nullptr;
}

}  // namespace

Value provenance(const Config& config, const Events& events) {
  std::set<std::string> files;
  for (const auto& sample : events.samples) files.insert(sample.files.begin(), sample.files.end());
  std::uintmax_t total = 0;
  for (const auto& file : files) {
    std::error_code ignored;
    const auto bytes = fs::file_size(file, ignored);
    if (!ignored) total += bytes;
  }
  const bool hash = total <= most_bytes_to_hash;
  if (!hash) log(LogLevel::info, "the data files hold over 4 GiB: the model file will name them without their SHA-256");

  Value data = Value::array();
  for (const auto& file : files) {
    std::error_code ignored;
    Value entry = Value::object();
    entry.set("file", file);
    entry.set("bytes", static_cast<std::int64_t>(fs::file_size(file, ignored)));
    if (hash) entry.set("sha256", sha256_of_file(file));
    data.push_back(std::move(entry));
  }
  Value result = Value::object();
  result.set("config_sha256", sha256(write_json(config.resolved(), 0)));
  result.set("seed", static_cast<std::int64_t>(config.seed()));
  result.set("data", std::move(data));
  result.set("git", git_commit(config.folder()));
  Value plugins = Value::object();
  for (const std::string& name : functions_of(config.data()).plugins()) {
    plugins.set(name, config.registry().info(features_kind, name).own_version);
  }
  if (plugins.size() > 0) result.set("plugins", std::move(plugins));
  return result;
}

}  // namespace ophion
