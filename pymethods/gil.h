/// Who holds the GIL: taken and given back by scope, with a Python thread state that each C++ thread keeps.
#pragma once

#include "cpython.h"

namespace ophion {

/// Holds the GIL for a scope; may be nested. A thread's first use costs about 15 µs, later ones 50 ns, because the
/// thread's PyThreadState is kept until the thread ends. Hold no lock of your own while making one: whoever has the GIL may want it.
class Gil {
 public:
  /// Throws Error when Python does not run. While the process ends, threads wait here for its end.
  Gil();
  ~Gil();
  Gil(const Gil&) = delete;
  Gil& operator=(const Gil&) = delete;

  /// False where a Gil can't be made: Python does not run, or this thread is past the end of its C++ life.
  static bool available() noexcept;

 private:
  enum class Way : char { held_already, kept_state, foreign_state };
  Way way_ = Way::held_already;
  PyGILState_STATE token_{};
};

/// Lets go of the GIL, which this thread holds, for a scope.
class GilRelease {
 public:
  GilRelease() noexcept : state_(PyEval_SaveThread()) {}
  /// A host that finalises its own Python meanwhile ends the thread here, by unwinding: hence not noexcept.
  ~GilRelease() noexcept(false) { PyEval_RestoreThread(state_); }
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  PyThreadState* state_;
};

}  // namespace ophion
