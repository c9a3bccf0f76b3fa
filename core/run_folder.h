/// The folder of one run: runs/<name>/<UTC time>/. Nothing in it is ever overwritten.
#pragma once

#include <filesystem>
#include <string>

#include <ophion/config.h>
#include <ophion/value.h>

namespace ophion {

class RunFolder {
 public:
  /// Error where none can be made. Makes nothing.
  static void demand_place(const Config& config);
  /// Makes a new one and writes config.resolved.json.
  static RunFolder make(const Config& config);
  /// Opens that of an earlier run; ConfigError when its config was another (naming the first difference).
  static RunFolder reopen(const std::filesystem::path& folder, const Config& config);

  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path model(const std::string& method) const { return path_ / "models" / (method + ".ophion"); }
  std::filesystem::path history(const std::string& method) const { return path_ / "history" / (method + ".jsonl"); }
  /// A trained fold of a method, until the model of all folds is there.
  std::filesystem::path fold(const std::string& method, int number) const { return checkpoints(method) / ("fold" + std::to_string(number) + ".ophion"); }
  std::filesystem::path checkpoints(const std::string& method) const { return path_ / "checkpoints" / method; }
  /// The trials of a method that is tuned: a SQLite file.
  std::filesystem::path study(const std::string& method) const { return path_ / "tuning" / (method + ".db"); }
  std::filesystem::path scores() const { return path_ / "scores.parquet"; }
  std::filesystem::path log_file() const { return path_ / "run.log"; }

  /// Writes metrics.json and points runs/<name>/latest here.
  void finish(const Value& metrics) const;

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace ophion
