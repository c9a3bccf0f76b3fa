/// A call of a user's code, after which process and thread are as they were before.
#pragma once

#include "cpython.h"

#include <sys/time.h>

#include <array>
#include <cfenv>
#include <csignal>
#include <string>

#include "ref.h"

namespace ophion {

/// What a script may leave changed is remembered at the beginning and put back at the end: the list is in ophion._guest; here are the
/// handlers of signals, the alarm and the floating-point environment. Made and destroyed with the GIL held, by one thread.
class Guest {
 public:
  enum class Call { prediction, any_other };  ///< predictions go on drawing other random numbers, and are too many to look for patches

  /// `doing` names the call in the log: "mlp.py: train()".
  Guest(std::string doing, Call call);
  ~Guest() { leave(); }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  /// Puts everything back; whether there was anything. Says in the log what it was, and which threads go on. Once.
  bool leave() noexcept;

 private:
  static constexpr int signals = 32;  // real-time signals are nobody's habit

  std::string put_back_handlers() noexcept;

  std::string doing_;
  PyRef remembered_;  // ophion._guest.Guest; nothing once it is left
  std::array<struct sigaction, signals> handlers_{};
  itimerval alarm_{};
  std::fenv_t floating_point_{};
};

}  // namespace ophion
