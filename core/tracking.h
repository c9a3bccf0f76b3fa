/// Tells experiment trackers of a run, where its config asks for that.
#pragma once

#include <filesystem>
#include <memory>

#include <ophion/config.h>
#include <ophion/method.h>
#include <ophion/tool.h>

namespace ophion {

/// Destroyed without `finish`, it tells them that the run failed.
class Tracking {
 public:
  /// ConfigError when a tracker that is asked for is not installed or can't be reached. `folder` holds config.resolved.json.
  Tracking(const Config& config, const std::filesystem::path& folder);
  void epoch(const Progress& progress);
  /// Once the run folder is complete.
  void finish();

 private:
  std::unique_ptr<Job> job_;  ///< none where nothing is asked for
};

}  // namespace ophion
