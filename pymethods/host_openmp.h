/// The OpenMP that the host and PyTorch share, when the host has one of the usual name: each thread's setting stays the host's.
#pragma once

#include <atomic>

namespace ophion {

namespace detail {
extern std::atomic<int (*)()> openmp_get;
extern std::atomic<void (*)(int)> openmp_set;
}  // namespace detail

/// Looks for it; cheap enough for when libraries were loaded, not for every call.
void look_for_openmp() noexcept;

/// Puts this thread's number of OpenMP threads back: `threads` of a call, and PyTorch by itself, change it.
class HostOpenMp {
 public:
  HostOpenMp() noexcept {
    if (auto* get = detail::openmp_get.load(std::memory_order_acquire)) threads_ = get();
  }
  ~HostOpenMp() {
    if (threads_ > 0 && detail::openmp_get.load()() != threads_) detail::openmp_set.load()(threads_);
  }
  HostOpenMp(const HostOpenMp&) = delete;
  HostOpenMp& operator=(const HostOpenMp&) = delete;

 private:
  int threads_ = 0;
};

}  // namespace ophion
