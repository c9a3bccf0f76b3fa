/// The C API of what holds for the whole process: versions, options, messages, interruption, Python.
#include <mutex>
#include <string>
#include <utility>

#include <ophion/export.h>
#include <ophion/runtime.h>
#include <ophion/value.h>

#include "border.h"
#include "options.h"

using namespace ophion;
using namespace ophion::c_api;

namespace {

constexpr bool same(std::int32_t level, LogLevel of_core) { return level == static_cast<std::int32_t>(of_core); }
static_assert(same(OPHION_LOG_DEBUG, LogLevel::debug) && same(OPHION_LOG_INFO, LogLevel::info) && same(OPHION_LOG_WARNING, LogLevel::warning) &&
              same(OPHION_LOG_ERROR, LogLevel::error) && same(OPHION_LOG_SCRIPT_OUTPUT, LogLevel::script_output) &&
              same(OPHION_LOG_SCRIPT_ERROR, LogLevel::script_error));

/// Options are read, changed and set: one thread at a time.
template <class Change>
void change_options(Change&& change) {
  static std::mutex& mutex = *new std::mutex;
  const std::lock_guard lock(mutex);
  RuntimeOptions options = runtime_options();
  change(options);
  configure(std::move(options));
}

}  // namespace

const char* ophion_version(void) { return OPHION_VERSION; }

int32_t ophion_abi(void) { return OPHION_ABI; }

ophion_status ophion_configure(const char* options) {
  return at_border(__func__, [&] {
    change_options([&](RuntimeOptions& chosen) {
      Options given_options("ophion_configure", options);
      std::string python = chosen.python.string(), onnxruntime = chosen.onnxruntime.string();
      given_options.take("python", python);
      given_options.take("onnxruntime", onnxruntime);
      given_options.take("threads", chosen.threads);
      given_options.take("capture_c_output", chosen.capture_c_output);
      given_options.take("ignore_sigpipe", chosen.ignore_sigpipe);
      given_options.end();
      chosen.python = python;
      chosen.onnxruntime = onnxruntime;
    });
  });
}

ophion_status ophion_set_log(ophion_log_callback callback, void* user) {
  return at_border(__func__, [&] {
    change_options([&](RuntimeOptions& chosen) {
      chosen.log_sink = nullptr;
      if (!callback) return;
      chosen.log_sink = [callback, user](LogLevel level, std::string_view line) {
        callback(static_cast<std::int32_t>(level), std::string(line).c_str(), user);
      };
    });
  });
}

void ophion_interrupt(void) { interrupt(); }

int32_t ophion_interrupted(void) { return interrupted() ? 1 : 0; }

void ophion_clear_interrupt(void) { clear_interrupt(); }

ophion_status ophion_python_report(char* text, size_t size, size_t* needed) {
  return text_at_border(__func__, text, size, needed, [&] { return write_json(python_report()); });
}
