/// What holds for the whole process: options, the log sink, the wish to stop, and the report on Python.
#include <ophion/runtime.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <ophion/error.h>

#include "log_listeners.h"
#include "python_launcher.h"

namespace ophion {
namespace {

/// Everybody who hears what is logged: the host's sink (number 0) and the listeners. Replaced, never changed, so that a
/// line is handed out without a lock.
using Hearers = std::vector<std::pair<int, std::shared_ptr<const LogSink>>>;

/// Never destroyed: threads of the host and of Python may log while the process ends.
struct Store {
  std::mutex mutex;
  RuntimeOptions options;
  std::shared_ptr<const Hearers> hearers = std::make_shared<const Hearers>();
  int last_listener = 0;

  /// Puts `sink` in the place of number `id`, or takes that out when it is null. Gives back what was there before, to be
  /// destroyed outside the lock.
  std::shared_ptr<const Hearers> replace(int id, std::shared_ptr<const LogSink> sink) {
    auto changed = std::make_shared<Hearers>(*hearers);
    std::erase_if(*changed, [id](const auto& hearer) { return hearer.first == id; });
    if (sink) changed->emplace_back(id, std::move(sink));
    return std::exchange(hearers, std::move(changed));
  }
};

Store& store() {
  static Store& the_store = *new Store;
  return the_store;
}

std::shared_ptr<const LogSink> shared(LogSink sink) {
  return sink ? std::make_shared<const LogSink>(std::move(sink)) : nullptr;
}

std::atomic<bool> stop_asked = false;
static_assert(std::atomic<bool>::is_always_lock_free, "interrupt() must be safe in a signal handler");

}  // namespace

void configure(RuntimeOptions options) {
  if (options.threads < 0) {
    throw Error("RuntimeOptions.threads: expected 0 or more, found " + std::to_string(options.threads));
  }
  std::shared_ptr<const LogSink> sink = shared(options.log_sink);
  std::shared_ptr<const Hearers> before;
  bool too_late = false;
  {
    const std::lock_guard lock(store().mutex);
    too_late = options.python != store().options.python && python_is_open();
    if (!too_late) {
      std::swap(store().options, options);
      before = store().replace(0, std::move(sink));
    }
  }
  if (too_late) {
    const PythonChoice& open = open_python();
    throw Error("RuntimeOptions.python '" + options.python.string() + "' came too late: this process already uses Python " +
                open.libpython_version + " (" + open.libpython.string() + ")");
  }
}

RuntimeOptions runtime_options() {
  const std::lock_guard lock(store().mutex);
  return store().options;
}

int add_log_listener(LogSink listener) {
  const auto sink = shared(std::move(listener));
  const std::lock_guard lock(store().mutex);
  store().replace(++store().last_listener, sink);
  return store().last_listener;
}

void remove_log_listener(int id) noexcept {
  std::shared_ptr<const Hearers> before;
  const std::lock_guard lock(store().mutex);
  before = store().replace(id, nullptr);
}

LogHearers log_hearers() noexcept {
  const std::lock_guard lock(store().mutex);
  const Hearers& all = *store().hearers;
  return {std::any_of(all.begin(), all.end(), [](const auto& hearer) { return hearer.first == 0; }), !all.empty()};
}

void log(LogLevel level, std::string_view line) {
  std::shared_ptr<const Hearers> hearers;
  {
    const std::lock_guard lock(store().mutex);
    hearers = store().hearers;
  }
  for (const auto& hearer : *hearers) {
    try {
      (*hearer.second)(level, line);
    } catch (...) {  // a message that can't be shown must not end a training
    }
  }
}

void tell_progress(const StepProgress& progress) {
  const ProgressSink sink = runtime_options().progress_sink;
  try {
    if (sink) sink(progress);
  } catch (...) {  // what can't be shown must not end a training
  }
}

void interrupt() noexcept { stop_asked.store(true); }
bool interrupted() noexcept { return stop_asked.load(); }
void clear_interrupt() noexcept { stop_asked.store(false); }

Value python_report() {
  Value report = Value::object();
  PythonChoice choice;
  Value problems = Value::array();
  try {
    choice = choose_python();
  } catch (const std::exception& error) {
    problems.push_back(error.what());
  }
  for (const std::string& problem : choice.problems) problems.push_back(problem);
  const std::filesystem::path package = package_folder() / "ophion";
  std::error_code ignored;
  if (!std::filesystem::is_directory(package, ignored)) problems.push_back("no Python package at " + package.string());
  report.set("executable", choice.executable.string());
  report.set("reason", choice.reason);
  report.set("version", choice.version);
  report.set("libpython", choice.libpython.string());
  report.set("prefix", choice.prefix);
  report.set("base_prefix", choice.base_prefix);
  report.set("running", python_is_running());
  report.set("pymethods", choice.version.empty() ? "" : pymethods_file(library_folder(), choice.version).string());
  report.set("package", package.string());
  report.set("problems", std::move(problems));
  return report;
}

}  // namespace ophion
