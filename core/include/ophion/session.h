/// Session: the flow for one Config, top to bottom.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ophion/config.h>
#include <ophion/dataset.h>
#include <ophion/export.h>
#include <ophion/model.h>

namespace ophion {

/// How one method of a run fared.
struct MethodResult {
  std::string name;
  std::string type;
  std::optional<Model> model;
  std::string status;   ///< "done", "stopped" (the host asked; the best so far is kept), "failed", "not started"
  std::string error;    ///< why there is no model
  double seconds = 0;   ///< wall time of the training
  Value metrics;        ///< {"test": {"auc": …, "auc_error": …}, "train": …, "validation": …}
  Value folds;          ///< of a cross-validation: {"metrics": [of each fold], "mean": …, "spread": …}; else null
  Value tuning;         ///< null: not tuned; else {"metric", "trials": [{"number", "params", "value", "state", …}], "best", "params", "importance"}
  Value importance;     ///< {"part", "metric", "permutation": [{"feature", "value", "error"}], "own": {"name", "values"}}; null: not computed
};

class OPHION_EXPORT TrainedRun {
 public:
  const std::filesystem::path& folder() const noexcept { return folder_; }
  /// In the order of the config.
  const std::vector<MethodResult>& methods() const noexcept { return methods_; }
  /// The model that did best on validation data (on training data if there is none), never chosen on test.
  const Model& best() const;
  /// The model of the method of that name in the config.
  const Model& model(const std::string& name) const;
  /// What metrics.json holds.
  const Value& metrics() const noexcept { return metrics_; }
  /// The stop that `interrupt` or the callback asked for came before the end.
  bool stopped() const noexcept { return stopped_; }

 private:
  friend class Session;
  friend class RunInProgress;
  std::filesystem::path folder_;
  std::vector<MethodResult> methods_;
  Value metrics_;
  bool stopped_ = false;
};

class OPHION_EXPORT Session {
 public:
  explicit Session(Config config);
  /// With the program's own events in place of `data.samples`.
  Session(Config config, Dataset events);

  /// Goes on in this run folder of an earlier, unfinished run with the same config.
  Session& resume(std::filesystem::path run);

  /// Everything that can be found wrong before data is read: plug-ins, what each method's own check sees (a script's functions, an
  /// estimator's parameters). Throws ConfigError, PluginError, PythonError.
  void check() const;
  /// Opens every file of `data.samples` and looks for the columns wanted; no event is read. Throws DataError.
  void check_files() const;

  /// Trains every method of the config and writes the run folder. Throws when none gave a model.
  TrainedRun train(const ProgressCallback& progress = nullptr) const;

 private:
  std::vector<std::shared_ptr<const Method>> checked_methods() const;

  Config config_;
  std::optional<Dataset> events_;
  std::filesystem::path resume_;
};

}  // namespace ophion
