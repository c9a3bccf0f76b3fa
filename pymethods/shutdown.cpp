/// The soft stop: what CPython's own finalisation does for scripts, without what libraries do not survive.
#include "interpreter.h"

#include <link.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "core/main_thread_end.h"
#include "gil.h"
#include "host_openmp.h"
#include "output.h"
#include "parking.h"
#include "ref.h"
#include "shutdown.h"

namespace ophion {
namespace {

constexpr std::chrono::milliseconds longest_wait_for_gil{1500};

std::atomic<pid_t> owner{0};            // a forked child must not stop what it only inherited
std::atomic<std::thread::id> exit_thread{};
std::atomic<unsigned long long> libraries_seen{0};

unsigned long long libraries_loaded() noexcept {
  unsigned long long loaded = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* result) {
        *static_cast<unsigned long long*>(result) = info->dlpi_adds;
        return 1;
      },
      &loaded);
  return loaded;
}

/// With the GIL held. What fails here has nobody left to be told.
void run_exit_functions() noexcept {
  PyObject* module = PyImport_ImportModule("atexit");
  PyObject* done = module ? PyObject_CallMethod(module, "_run_exitfuncs", nullptr) : nullptr;
  if (!done) PyErr_Clear();
  Py_XDECREF(done);
  Py_XDECREF(module);
  for (const char* name : {"stdout", "stderr"}) {
    PyObject* stream = PySys_GetObject(name);
    if (!stream || stream == Py_None) continue;
    PyObject* flushed = PyObject_CallMethod(stream, "flush", nullptr);
    if (!flushed) PyErr_Clear();
    Py_XDECREF(flushed);
  }
  flush_output();
  park_python_threads_for_good();
}

/// Ends the process after a while unless it is told not to: the last way out when what remains would wait for the GIL for ever.
class Watchdog {
 public:
  explicit Watchdog(int status) : state_(std::make_shared<State>()) {
    std::thread([state = state_, status] {
      std::unique_lock lock(state->mutex);
      if (state->changed.wait_for(lock, longest_wait_for_gil, [&] { return state->called_off; })) return;
      std::fflush(nullptr);
      _exit(status);
    }).detach();
  }
  void call_off() noexcept {
    const std::lock_guard lock(state_->mutex);
    state_->called_off = true;
    state_->changed.notify_all();
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool called_off = false;
  };
  std::shared_ptr<State> state_;
};

/// Whether the GIL comes free in time. CPython has no way to wait for it with a limit, so another thread waits.
bool gil_comes_free() {
  struct Probe {
    std::mutex mutex;
    std::condition_variable changed;
    bool had_gil = false;
  };
  const auto probe = std::make_shared<Probe>();
  std::thread([probe] {
    const PyGILState_STATE token = PyGILState_Ensure();
    {
      const std::lock_guard lock(probe->mutex);
      probe->had_gil = true;
      probe->changed.notify_all();
    }
    PyGILState_Release(token);
  }).detach();
  std::unique_lock lock(probe->mutex);
  return probe->changed.wait_for(lock, longest_wait_for_gil, [&] { return probe->had_gil; });
}

/// The thread that ends the process takes the GIL and never gives it back: Python's threads are at rest from now on, while destructors
/// of static objects that come later on this thread (libtorch's take the GIL) find it held.
void soft_stop(int status, void*) noexcept {
  if (getpid() != owner) return;
  // Python still runs its exit functions: they may call Ophion, so the state changes only when they are through.
  static std::atomic<bool> begun{false};
  if (python_state() != PythonState::ours || begun.exchange(true)) return;
  exit_thread = std::this_thread::get_id();
  try {
    if (PyGILState_Check()) {
      run_exit_functions();
    } else if (gil_comes_free()) {
      Watchdog watchdog(status);
      PyGILState_Ensure();
      watchdog.call_off();
      run_exit_functions();
    } else {
      log(LogLevel::warning, "Python was busy for 1.5 s at the end of the process: its exit functions were not run, "
                             "what it had not flushed is lost");
      Watchdog watchdog(status);  // for what else waits for the GIL; left on its own
    }
  } catch (...) {
    // no thread could be made: nothing more can be done for Python
  }
  auto expected = PythonState::ours;
  detail::python_state.compare_exchange_strong(expected, PythonState::stopped);
}

/// Exit functions and static objects that libraries have made since are otherwise taken down before the stop: PyTorch makes some when it
/// first computes a gradient, wherever that is.
void stop_before_all_else() {
  if (python_state() == PythonState::ours) on_exit(soft_stop, nullptr);
}

void soft_stop_quickly() noexcept { soft_stop(EXIT_FAILURE, nullptr); }  // quick_exit does not tell its status

}  // namespace

void stop_python_at_exit() {
  owner = getpid();
  libraries_seen = libraries_loaded();
  on_exit(soft_stop, nullptr);
  std::at_quick_exit(soft_stop_quickly);
  at_main_thread_end(stop_before_all_else);
}

void renew_exit_hook() {
  if (python_state() != PythonState::ours) return;
  const unsigned long long loaded = libraries_loaded();
  if (libraries_seen.exchange(loaded) == loaded) return;
  look_for_openmp();
  on_exit(soft_stop, nullptr);
  try {
    const Gil gil;
    park_before_exit_functions();
  } catch (const Error& error) {
    log(LogLevel::warning, error.what());
  }
}

bool on_exit_thread() noexcept { return exit_thread.load() == std::this_thread::get_id(); }

}  // namespace ophion
