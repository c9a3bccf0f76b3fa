/// Looks for the settings of a method that do best on validation events, as the method's "tune" says.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include <ophion/config.h>
#include <ophion/method.h>
#include <ophion/value.h>

#include "evaluation.h"
#include "events.h"
#include "run_folder.h"

namespace ophion {

/// Whether the config's method of that number is to be tuned.
bool is_tuned(const Config& config, std::size_t index);

/// Hands configs with settings from the ends of the method's space to `check`, which throws for what can't be. ConfigError with the pointer of
/// the setting that is none.
void check_tuning(const Config& config, std::size_t index, const std::function<void(const Config& tried)>& check);

struct Tuned {
  Config config;  ///< with the best settings
  Value report;   ///< {"metric", "direction", "trials": [{"number", "params", "value", "state", "seconds", "error"}], "best", "params", "importance"}
};

/// Trains the method with one set of settings after another, on the training events, and judges each on the validation events: test events are
/// not looked at. The study lies in the run's folder; where there is one of an earlier, unfinished run, it goes on. Throws Interrupted, and
/// the first trial's own error when none gave a model.
Tuned tune(const Config& config, std::size_t index, const std::shared_ptr<const Method>& plugin, const Spec& spec, const Events& events,
           const Evaluation& evaluation, const RunFolder& folder, const Value& provenance, const ProgressCallback& progress);

}  // namespace ophion
