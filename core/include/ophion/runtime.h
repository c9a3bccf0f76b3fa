/// What holds for the whole process: which Python, how many threads, where messages go.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <ophion/export.h>
#include <ophion/value.h>

namespace ophion {

enum class LogLevel { debug, info, warning, error, script_output, script_error };

/// Takes one line at a time, without its end; called from any thread, never with the GIL held. `script_output` and
/// `script_error` are what Python code wrote to its stdout and stderr.
using LogSink = std::function<void(LogLevel, std::string_view line)>;

/// How far a long step is that is no training (a training tells its own callback): reading, importance, comparison, drawing.
struct StepProgress {
  std::string step;  ///< "reading zz.root"
  std::uint64_t done = 0;
  std::uint64_t total = 0;  ///< 0: not known
  std::string unit;         ///< what is counted: "events"
};

/// Called from any thread, never with the GIL held.
using ProgressSink = std::function<void(const StepProgress&)>;

struct RuntimeOptions {
  /// The Python executable; empty: $OPHION_PYTHON, $VIRTUAL_ENV, $CONDA_PREFIX, the environment Ophion was built with.
  std::filesystem::path python;
  /// The shared library of ONNX Runtime; empty: $OPHION_ONNXRUNTIME, the package onnxruntime of the Python environment, the system's.
  std::filesystem::path onnxruntime;
  /// Threads of torch, OpenMP and BLAS in every call; 0: as the libraries choose.
  int threads = 0;
  /// Null: what scripts print goes to the process's stdout and stderr, messages of Ophion itself go nowhere.
  LogSink log_sink;
  /// Null: nobody is told.
  ProgressSink progress_sink;
  /// What C code writes to the process's stdout and stderr (descriptors 1 and 2) while a training runs goes to log_sink as well, line by
  /// line; so does what the host writes there meanwhile. The sink must then write elsewhere, or it would hear itself for ever.
  bool capture_c_output = false;
  /// A SIGPIPE that the host left at its default is ignored once Python runs, so that a closed pipe is an error in
  /// Python and not the host's end; false leaves it alone.
  bool ignore_sigpipe = true;
};

/// Sets the options; `python` must be set before the first use of Python (else Error), the others take effect at once.
OPHION_EXPORT void configure(RuntimeOptions options);
OPHION_EXPORT RuntimeOptions runtime_options();

/// Hands a line to the sink, if there is one.
OPHION_EXPORT void log(LogLevel level, std::string_view line);

/// Tells the progress sink, if there is one.
OPHION_EXPORT void tell_progress(const StepProgress& progress);

/// Asks every running training to stop at the next chance, keeping its best epoch. Safe in a signal handler and from any thread.
OPHION_EXPORT void interrupt() noexcept;
/// True once `interrupt` was called, until `clear_interrupt`.
OPHION_EXPORT bool interrupted() noexcept;
OPHION_EXPORT void clear_interrupt() noexcept;

/// The folder of the environment (of the Python) that would be used, or is: nothing is started, nor asked. Empty when there is none.
OPHION_EXPORT std::filesystem::path python_environment();

/// Which Python would be used (or is), why, and what is missing; nothing is started. Keys: executable, reason, version, libpython,
/// prefix, base_prefix, running, pymethods, package, problems (a list of texts; empty when all is well).
OPHION_EXPORT Value python_report();

}  // namespace ophion
