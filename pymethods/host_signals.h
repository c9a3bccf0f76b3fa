/// Signals belong to the host: its handlers stay, and none of its signals is delivered to a thread of ours.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <array>
#include <cstddef>

namespace ophion {

/// The host's signal handlers, which importing `signal` replaces: put back at its end.
class HostSignals {
 public:
  HostSignals() {
    for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], nullptr, &actions_[i]);
  }
  ~HostSignals() {
    for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], &actions_[i], nullptr);
  }
  HostSignals(const HostSignals&) = delete;
  HostSignals& operator=(const HostSignals&) = delete;

 private:
  static constexpr std::array signals{SIGINT, SIGTERM, SIGCHLD, SIGSEGV, SIGPIPE, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  std::array<struct sigaction, signals.size()> actions_{};
};

/// While it lives, threads are made that no asynchronous signal is delivered to.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) sigdelset(&all, signal);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace ophion
