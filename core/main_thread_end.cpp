/// exit() destroys the calling thread's own objects first of all.
#include "main_thread_end.h"

#include <unistd.h>

#include <atomic>

namespace ophion {
namespace {

std::atomic<void (*)()> at_end{nullptr};

struct MainThread {
  bool seen = false;
  ~MainThread() {
    if (auto* function = at_end.load()) function();
  }
};

void look_out() noexcept {
  if (gettid() != getpid()) return;
  static thread_local MainThread thread;
  thread.seen = true;
}

/// Programs that link this library load it in their main thread.
[[maybe_unused]] const bool looked_out = (look_out(), true);

}  // namespace

void at_main_thread_end(void (*function)()) noexcept {
  at_end = function;
  look_out();
}

}  // namespace ophion
