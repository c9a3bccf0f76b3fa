/// The moment at which the main thread ends the process, before any static object is destroyed.
#pragma once

#include <ophion/export.h>

namespace ophion {

/// Has `function` called when the main thread leaves: by return from main or exit(), before all functions of atexit and all static
/// destructors, also of objects that were made later than this; or by pthread_exit, when the process goes on. One function a process.
/// It is not called where this library was loaded by another thread, until the main thread itself has called this.
OPHION_EXPORT void at_main_thread_end(void (*function)()) noexcept;

}  // namespace ophion
