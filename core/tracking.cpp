/// Tells experiment trackers of a run, where its config asks for that.
#include "tracking.h"

#include <ophion/error.h>
#include <ophion/registry.h>

namespace ophion {

Tracking::Tracking(const Config& config, const std::filesystem::path& folder) {
  const Value& track = config.resolved().at("track");
  if (!track.find("mlflow") && !track.at("tensorboard").as_boolean()) return;
  Value arguments = Value::object();
  arguments.set("folder", folder.string());
  arguments.set("name", config.name());
  arguments.set("track", track);
  try {
    job_ = config.registry().tool("track")->start(arguments);
  } catch (const ConfigError& problem) {  // the tool knows no file
    throw ConfigError(config.file().string(), problem.pointer(), problem.problem());
  }
}

void Tracking::epoch(const Progress& progress) {
  if (!job_) return;
  Value metrics = Value::object();
  for (const auto& [name, value] : progress.metrics) metrics.set(name, value);
  Value arguments = Value::object();
  arguments.set("method", progress.method);
  arguments.set("epoch", progress.epoch);
  if (progress.folds > 0) arguments.set("fold", progress.fold);
  arguments.set("metrics", std::move(metrics));
  try {
    job_->run(arguments, {});
  } catch (const Interrupted&) {
    // Of the training in whose callback this is; it goes on being interrupted until it notices.
  }
}

void Tracking::finish() {
  if (job_) job_->finish();
}

}  // namespace ophion
