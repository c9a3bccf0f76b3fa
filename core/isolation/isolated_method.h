/// A Method whose work is done in worker processes.
#pragma once

#include <memory>
#include <string>

#include <ophion/config.h>
#include <ophion/method.h>
#include <ophion/registry.h>

#include "isolation/worker.h"

namespace ophion {

WorkerSettings settings_of(const IsolationConfig& config);

/// What the method does, it does in a process of its own: the plug-in isn't opened here, and Python isn't started. A worker is kept
/// for the next call as long as the Method lives or a Backend of it.
/// `workers`: processes for each Backend, which score at the same time.
std::shared_ptr<const Method> isolated_method(const Registry& registry, const std::string& name, WorkerSettings settings, int workers = 1);

}  // namespace ophion
