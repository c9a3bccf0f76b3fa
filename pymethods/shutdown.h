/// The end of the process: Python is told, but never finalised.
#pragma once

namespace ophion {

/// Has the soft stop run at the end of the process, by return, exit or quick_exit: Python's atexit functions are called, its streams
/// flushed, and the GIL is kept, so that no Python thread runs on while C++ destructors tear down the libraries it uses. Py_FinalizeEx
/// would hang or abort.
void stop_python_at_exit();

/// Registers it again if libraries were loaded since: their static destructors run before what was registered earlier,
/// and the stop must come before them; likewise their Python exit functions, before which Python's other threads are brought to rest.
/// The GIL need not be held.
void renew_exit_hook();

/// True on the thread that runs the soft stop or comes after it.
bool on_exit_thread() noexcept;

}  // namespace ophion
