/// Evaluates models on events that need not be those of their training, and compares them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ophion/config.h>
#include <ophion/export.h>
#include <ophion/model.h>
#include <ophion/value.h>

namespace ophion {

/// Evaluates the models of files, all of the same task, classes and targets. They are told apart by their files' names, with the folder's in
/// front where these are the same.
class OPHION_EXPORT Evaluator {
 public:
  /// Loads them. Throws what `Model::load` does, and ModelError where two answer different questions.
  explicit Evaluator(const std::vector<std::filesystem::path>& models, const LoadOptions& options = {});

  /// Events as a config's "data" says, in the parts that it makes. Features are the models' own; their transforms and policies for
  /// missing values are too. How metrics are computed and the report looks is the config's affair. Throws DataError, ConfigError.
  Value evaluate(const Config& config, const std::filesystem::path& output = {}) const;
  /// All events of these samples, as one part, "test". Each names its class (of a regression: none; targets are the columns of their names).
  Value evaluate(const std::vector<SampleConfig>& samples, const std::filesystem::path& output = {}) const;
  // Both give what a run's metrics.json holds: {"methods": {name: {"model", "metrics", "importance"}}, "comparison", "best", …}; and, with
  // `output`, make that folder with metrics.json, scores.parquet and report/. It must not be there yet, or be empty.

 private:
  struct Plan;
  Value evaluate(const Plan& plan, const std::filesystem::path& output) const;

  struct Entry {
    std::string name;
    std::filesystem::path file;
    Model model;
  };
  std::vector<Entry> models_;
  Registry registry_;
};

/// Draws the report of a run, or of an evaluation, again from what its folder holds. Throws DataError where that is no such folder.
OPHION_EXPORT void redraw_report(const std::filesystem::path& folder, const Registry& registry = Registry());

}  // namespace ophion
