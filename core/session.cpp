/// Session: the flow for one Config, top to bottom.
#include <ophion/session.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "events.h"
#include "run_folder.h"
#include "run_in_progress.h"
#include "run_log.h"
#include "tuning.h"
#include "tracking.h"

namespace ophion {

Session::Session(Config config) : config_(std::move(config)) {
  if (config_.data().samples.empty()) {
    throw ConfigError(config_.file().string(), "/data", "missing key 'samples', which only a program with its own events may leave out");
  }
}

Session::Session(Config config, Dataset events) : config_(std::move(config)), events_(std::move(events)) {}

Session& Session::resume(std::filesystem::path run) {
  resume_ = std::move(run);
  return *this;
}

void Session::check() const { checked_methods(); }

std::vector<std::shared_ptr<const Method>> Session::checked_methods() const {
  const Spec spec = spec_of(config_, events_ ? &*events_ : nullptr);
  auto methods = methods_of(config_);
  for (std::size_t i = 0; i < methods.size(); ++i) {
    check_method(config_, i, spec, *methods[i]);
    if (is_tuned(config_, i)) check_tuning(config_, i, [&](const Config& tried) { check_method(tried, i, spec, *methods[i]); });
  }
  return methods;
}

void Session::check_files() const { ophion::check_files(config_); }

namespace {

/// A run begins without the interruption of an earlier one; an interruption that other runs are still to notice stays.
class RunningNow {
 public:
  RunningNow() {
    if (runs_.fetch_add(1) == 0) clear_interrupt();
  }
  ~RunningNow() { runs_.fetch_sub(1); }
  RunningNow(const RunningNow&) = delete;
  RunningNow& operator=(const RunningNow&) = delete;

 private:
  inline static std::atomic<int> runs_ = 0;
};

}  // namespace

TrainedRun Session::train(const ProgressCallback& progress) const {
  const RunningNow running;
  RunLog log_lines;
  auto methods = checked_methods();
  std::optional<RunFolder> folder;
  if (!resume_.empty()) folder = RunFolder::reopen(resume_, config_);
  else if (!events_) RunFolder::demand_place(config_);  // reading files may take hours
  const Events events = events_ ? take_events(config_, *events_) : read_events(config_);
  if (!folder) folder = RunFolder::make(config_);
  log_lines.open(folder->log_file());

  Tracking tracking(config_, folder->path());
  const ProgressCallback told = [&](const Progress& now) {
    tracking.epoch(now);
    return !progress || progress(now);
  };
  RunInProgress run(config_, std::move(methods), spec_of(config_, events_ ? &*events_ : nullptr), events, *folder, !resume_.empty());
  for (std::size_t i = 0; i < config_.methods().size(); ++i) run.train(i, told);
  TrainedRun done = run.finish();
  tracking.finish();
  return done;
}

const Model& TrainedRun::best() const {
  const Value* name = metrics_.find("best");
  if (!name || !name->is_text()) throw Error("the run in " + folder_.string() + " gave no model");
  return model(name->as_text());
}

const Model& TrainedRun::model(const std::string& name) const {
  std::vector<std::string> names;
  for (const auto& method : methods_) {
    names.push_back(method.name);
    if (method.name != name) continue;
    if (!method.model) throw Error("method '" + name + "' gave no model: " + method.error);
    return *method.model;
  }
  throw Error("the run has no method '" + name + "'" + nearest_names(name, names));
}

}  // namespace ophion
