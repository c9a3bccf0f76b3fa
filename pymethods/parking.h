/// Python's other threads while the process ends: brought to rest, so that nothing is torn down under them.
#pragma once

#include "cpython.h"

namespace ophion {

/// Puts a call of `park_python_threads` into Python's exit functions, before those that are there: libraries' own, which may take
/// away what their threads still use (PyTorch's do). With the GIL held.
void park_before_exit_functions();

/// Every other thread stops at its next line of Python code, without the GIL. At most for 1.5 s: an exit function may wait for one of
/// them. Returns when all of them are at rest, or after half a second. With the GIL held, which is released meanwhile.
void park_python_threads() noexcept;

/// They never go on again, and the caller never gives the GIL back: returns when those that are in C code have come for it, or after
/// half a second.
void park_python_threads_for_good() noexcept;

}  // namespace ophion
