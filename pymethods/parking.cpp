/// Stops Python's other threads by a trace function, and looks at the kernel's view of them to know when they are at rest.
#include "parking.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include "call.h"
#include "gil.h"
#include "shutdown.h"

namespace ophion {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto longest_park = 1500ms;
constexpr auto longest_wait_for_rest = 500ms;
constexpr int looks_at_rest = 3;  // one after another: a thread that waits for a moment is not at rest

std::atomic<Clock::time_point> parked_until{Clock::time_point::min()};
std::atomic<bool> for_good{false};

/// Called by a thread before a line of its Python code.
int stop_here(PyObject*, PyFrameObject*, int, PyObject*) {
  if (on_exit_thread() || (!for_good && Clock::now() >= parked_until.load())) return 0;
  const GilRelease released;
  while (for_good || Clock::now() < parked_until.load()) std::this_thread::sleep_for(5ms);
  return 0;
}

/// Python's threads but this one, as the kernel numbers them; with the GIL held. With `stop`, they are told to.
std::vector<unsigned long> other_threads(bool stop) {
  std::vector<unsigned long> others;
  const PyThreadState* mine = PyThreadState_Get();
  PyThreadState* state = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
  for (; state; state = PyThreadState_Next(state)) {
    if (state == mine) continue;
    others.push_back(state->native_thread_id);
#if PY_VERSION_HEX < 0x030C0000
    if (stop && _PyEval_SetTrace(state, stop_here, nullptr) < 0) PyErr_Clear();
#endif
  }
#if PY_VERSION_HEX >= 0x030C0000
  if (stop) PyEval_SetTraceAllThreads(stop_here, nullptr);  // this thread too, where the function does nothing
#endif
  return others;
}

/// Whether a thread of this process runs, or wants to. One that has ended does not.
bool is_busy(unsigned long thread) noexcept {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "/proc/self/task/%lu/stat", thread);
  const int file = open(path.data(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  std::array<char, 512> text{};
  const ssize_t size = read(file, text.data(), text.size() - 1);
  close(file);
  const char* name_end = size > 0 ? std::strrchr(text.data(), ')') : nullptr;  // "123 (a name) S …"
  return name_end && (name_end[2] == 'R' || name_end[2] == 'D');
}

void wait_for_rest(const std::vector<unsigned long>& threads) {
  const Clock::time_point end = Clock::now() + longest_wait_for_rest;
  for (int looks = 0; looks < looks_at_rest && Clock::now() < end; std::this_thread::sleep_for(1ms)) {
    bool busy = false;
    for (const unsigned long thread : threads) busy = busy || is_busy(thread);
    looks = busy ? 0 : looks + 1;
  }
}

PyObject* park(PyObject*, PyObject*) {
  park_python_threads();
  Py_RETURN_NONE;
}

}  // namespace

void park_before_exit_functions() {
  static PyMethodDef definition{"ophion_park", park, METH_NOARGS, nullptr};
  static Name register_name("register");
  const PyRef function = check(PyCFunction_New(&definition, nullptr), "preparing the end");
  call_method(import_module("atexit").get(), register_name, {function.get()}, "preparing the end");
}

void park_python_threads() noexcept {
  if (!on_exit_thread()) return;  // somebody else runs Python's exit functions
  auto never = Clock::time_point::min();
  parked_until.compare_exchange_strong(never, Clock::now() + longest_park);
  try {
    const std::vector<unsigned long> others = other_threads(true);
    const GilRelease released;
    wait_for_rest(others);
  } catch (const std::exception&) {
    // no memory: they go on
  }
}

void park_python_threads_for_good() noexcept {
  for_good = true;
  try {
    wait_for_rest(other_threads(false));
  } catch (const std::exception&) {
    // no memory: nobody is waited for
  }
}

}  // namespace ophion
