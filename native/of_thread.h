/// Memory that a thread keeps from one call to its next.
#pragma once

#include <utility>

namespace ophion::native {

/// The calling thread's own T, made at its first use and gone with the thread. A program's static objects may still score when they are
/// destroyed, after the main thread's own objects: they get a new one, which goes with the process.
template <class T>
T& of_thread() {
  thread_local constinit T* kept = nullptr;  // has no destructor, so that it may be looked at to the very end
  struct Owner {
    ~Owner() { delete std::exchange(kept, nullptr); }
  };
  if (!kept) [[unlikely]] {
    kept = new T;
    thread_local const Owner owner;
  }
  return *kept;
}

}  // namespace ophion::native
