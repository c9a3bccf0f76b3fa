/// A call into Python that ends when its time is up, or when the host says `interrupt()`.
#pragma once

#include "cpython.h"

#include <chrono>
#include <string>
#include <type_traits>

#include <ophion/error.h>
#include <ophion/method.h>

namespace ophion {

/// When the calls of one training, load or prediction must be over.
class Deadline {
 public:
  Deadline() = default;  ///< never
  /// `seconds` from now; 0: never. Throws Error for what is no time.
  explicit Deadline(double seconds);
  bool exists() const noexcept { return seconds_ > 0; }
  double seconds() const noexcept { return seconds_; }
  std::chrono::steady_clock::time_point time() const noexcept { return time_; }

 private:
  double seconds_ = 0;
  std::chrono::steady_clock::time_point time_ = std::chrono::steady_clock::time_point::max();
};

/// One call, made by the thread that makes this object; with the GIL held, except for `should_stop`.
///
/// A training that shall stop is asked first: `should_stop` is true. Then a thread of Ophion's raises KeyboardInterrupt in the call's
/// thread, which comes up there as soon as the C function that runs returns: 0.2 s later, or 5 s after the code has been told and so
/// may be finishing. It is raised again 0.25 s after each delivery; from the third time on, nothing that catches it can go on.
class StoppableCall {
 public:
  enum class Stop { none, interrupt, time_limit };
  enum class Interrupts { heeded, ignored };

  /// `doing` names the call in errors: "mlp.py: train()".
  StoppableCall(std::string doing, const Deadline& deadline, Interrupts interrupts);
  ~StoppableCall() { end(); }
  StoppableCall(const StoppableCall&) = delete;
  StoppableCall& operator=(const StoppableCall&) = delete;

  /// Runs the call. What comes out of one that was stopped is Interrupted or TimeLimit, whatever Python made of it; one that gives a
  /// result in time has it kept.
  template <class Function>
  auto run(Function function) {
    try {
      if constexpr (std::is_void_v<std::invoke_result_t<Function>>) {
        function();
        end();
      } else {
        auto result = function();
        end();
        return result;
      }
    } catch (const Interrupted&) {
      end();
      if (stop_ == Stop::time_limit) throw_stop();
      throw;
    } catch (const Error&) {
      end();
      if (raised_ > 0) throw_stop();
      throw;
    }
  }

  /// Whether the call shall stop. Who asks knows from then on.
  bool should_stop() noexcept;
  /// Nothing is raised any more: the method's own face has taken notice and is about to return.
  void settle() noexcept;
  /// Whether the call was made to end before its time. After `run`.
  bool was_stopped() const noexcept { return told_ || raised_ > 0; }

  /// From here to `leave_host` the call's thread is in the host's code, where nothing may be raised.
  void enter_host() noexcept;
  void leave_host() noexcept;

 private:
  friend struct Watch;
  using Clock = std::chrono::steady_clock;

  void end() noexcept;
  void take_back() noexcept;
  [[noreturn]] void throw_stop() const;

  const std::string doing_;
  const Deadline deadline_;
  const Interrupts interrupts_;
  PyThreadState* const thread_;

  // Guarded by the watch's mutex while the call is watched.
  bool watched_ = false;
  bool settled_ = false;
  bool in_host_ = false;
  bool told_ = false;
  bool delivering_ = false;
  int raised_ = 0;
  Stop stop_ = Stop::none;
  Clock::time_point raise_at_ = Clock::time_point::max();
};

}  // namespace ophion
