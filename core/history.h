/// What a training tells while it goes on: passed on to the host, and kept.
#pragma once

#include <filesystem>
#include <fstream>

#include <ophion/method.h>
#include <ophion/value.h>

#include "events.h"

namespace ophion {

/// Passes progress on to the host and keeps every epoch: also in a file, one line of JSON each, at once, so that a run that is killed
/// has its history.
class History {
 public:
  /// `host` must outlive it. `folds`: of the cross-validation, 0 where there is none.
  History(const std::filesystem::path& file, const ProgressCallback& host, int folds);
  /// What comes from now on is of that fold, from 0.
  void begin_fold(Fold fold) { fold_ = fold; }
  /// False when the training shall stop. Throws Error when it can't be written down.
  bool operator()(const Progress& now);
  /// The host asked for the end.
  bool stopped() const noexcept { return stopped_; }
  const Value::Array& epochs() const noexcept { return epochs_; }

 private:
  void drop_half_a_line() const;

  const ProgressCallback& host_;
  std::filesystem::path file_;
  std::ofstream stream_;
  Value::Array epochs_;
  const int folds_;
  Fold fold_ = 0;
  bool stopped_ = false;
};

}  // namespace ophion
