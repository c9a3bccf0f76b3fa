/// The one interpreter of the process: started once, on a thread of its own, and never ended.
#pragma once

#include "cpython.h"

#include <atomic>

namespace ophion {

struct PythonChoice;

/// not_started → ours (Ophion started it) or hosts (the process ran one already) → stopped (the process is ending).
enum class PythonState : int { not_started, ours, hosts, stopped };

namespace detail {
extern std::atomic<PythonState> python_state;
}

inline PythonState python_state() noexcept { return detail::python_state.load(std::memory_order_acquire); }

inline bool python_running() noexcept {
  const PythonState state = python_state();
  return state == PythonState::ours || state == PythonState::hosts;
}

/// Python runs when this returns: started from what core chose, or attached to. Cheap once it does.
/// Throws PluginError or PythonError when it does not start, and the same again on every later call.
void ensure_python();

/// The same with a choice made by the caller; does nothing when Python runs already.
void start_python(const PythonChoice& choice);

}  // namespace ophion
