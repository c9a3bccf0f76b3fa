/// Thread states: made at a thread's first use, kept while it lives, deleted later by whoever next holds the GIL.
#include "gil.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <new>
#include <thread>

#include <ophion/error.h>

#include "interpreter.h"
#include "shutdown.h"

namespace ophion {
namespace {

/// Thread states whose threads have ended. A thread that ends must not wait for the GIL (it may be joined by one that
/// holds it, or at exit, when the GIL never comes free), so it leaves its state here.
struct Orphan {
  PyThreadState* state;
  pid_t thread;
  Orphan* next;
};
std::atomic<Orphan*> orphans{nullptr};

void leave(Orphan* orphan) noexcept {
  orphan->next = orphans.load();
  while (!orphans.compare_exchange_weak(orphan->next, orphan)) {
  }
}

/// With the GIL held. A thread that is only ending may still want its state: the one that ends the process takes the GIL with it.
void delete_orphans() noexcept {
  for (Orphan* orphan = orphans.exchange(nullptr); orphan;) {
    Orphan* next = orphan->next;
    if (tgkill(getpid(), orphan->thread, 0) == 0) {
      leave(orphan);
    } else {
      PyThreadState_Clear(orphan->state);
      PyThreadState_Delete(orphan->state);
      delete orphan;
    }
    orphan = next;
  }
}

thread_local constinit bool thread_ended = false;

struct KeptState {
  PyThreadState* state = nullptr;
  ~KeptState() {
    thread_ended = true;
    if (!state || !python_running()) return;
    if (auto* orphan = new (std::nothrow) Orphan{state, gettid(), nullptr}) leave(orphan);
  }
};

KeptState& kept_state() noexcept {
  static thread_local KeptState kept;
  return kept;
}

/// After the stop nobody gets the GIL any more. A thread that comes now is left waiting for the process to end, as one is that
/// waits for the GIL itself; the thread that ends the process must not be, nor for ever one that it joins.
[[noreturn]] void wait_for_the_end() {
  if (!on_exit_thread()) std::this_thread::sleep_for(std::chrono::seconds(3));
  throw Error("Python has been stopped: the process is ending");
}

}  // namespace

Gil::Gil() {
  const PythonState state = python_state();
  if (state == PythonState::stopped) wait_for_the_end();
  if (state == PythonState::not_started) throw Error("Python has not been started");
  if (PyGILState_Check()) return;
  KeptState& kept = kept_state();
  if (kept.state) {
    way_ = Way::kept_state;
    PyEval_RestoreThread(kept.state);
    return;
  }
  if (thread_ended || PyGILState_GetThisThreadState()) {  // a thread of Python's own, or one at its very end
    way_ = Way::foreign_state;
    token_ = PyGILState_Ensure();
    return;
  }
  // The count of PyGILState_Ensure stays at one for good, so that no PyGILState_Release inside deletes the state.
  way_ = Way::kept_state;
  PyGILState_Ensure();
  kept.state = PyThreadState_Get();
  static const int forget_after_fork =  // Python deletes all other threads' states in a forked child
      pthread_atfork(nullptr, nullptr, [] { orphans.store(nullptr); });
  static_cast<void>(forget_after_fork);
  delete_orphans();
}

Gil::~Gil() {
  if (way_ == Way::kept_state) PyEval_SaveThread();
  else if (way_ == Way::foreign_state) PyGILState_Release(token_);
}

bool Gil::available() noexcept { return python_running() && !thread_ended; }

}  // namespace ophion
