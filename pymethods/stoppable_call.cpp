/// One thread watches all calls that can be stopped, and raises KeyboardInterrupt in those whose time has come.
#include "stoppable_call.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <ophion/runtime.h>

#include "error.h"
#include "gil.h"
#include "host_signals.h"

namespace ophion {

using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto look_every = 20ms;        // at the host's wish, which a signal handler may leave; and at what was raised
constexpr auto first_raise = 200ms;      // for code that asks `should_stop` by itself
constexpr auto told_raise = 5s;          // for code that was told: to restore its best and return
constexpr auto next_raise = 250ms;       // for `finally` blocks
constexpr int gentle_raises = 2;
constexpr double endless = 1e9;          // seconds; a clock can't count much further

}  // namespace

/// The calls under way and the thread that looks at them. Never destroyed: the thread runs to the end of the process.
/// The mutex is never held while the GIL is taken; it is taken by threads that hold the GIL.
struct Watch {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<StoppableCall*> calls;  // of one thread: in the order in which they began
  bool started = false;

  static Watch& get() {
    static Watch& watch = *new Watch;
    return watch;
  }

  void start();
  void add(StoppableCall& call);
  /// Asks whether the call shall stop; with the mutex.
  static bool shall_stop(StoppableCall& call, Clock::time_point now) noexcept;
  static bool due(const StoppableCall& call, Clock::time_point now) noexcept;
  /// When the calls must be looked at next, or nothing when something is due now; with the mutex.
  std::optional<Clock::time_point> next_look();
  /// With the GIL and the mutex.
  void raise_where_due();
  /// In the innermost call of the current thread that is beyond gentle raises; with the GIL.
  void raise_again_here() noexcept;
  [[noreturn]] void run();
};

namespace {

/// KeyboardInterrupt for code that swallowed it twice: whoever catches this one has it raised again at once, so that a loop around a
/// `try` ends. With the GIL held.
PyObject* unstoppable_interrupt() {
  static PyObject* type = nullptr;
  if (type) return type;
  static PyType_Slot slots[] = {{Py_tp_init, reinterpret_cast<void*>(+[](PyObject*, PyObject*, PyObject*) {
                                   Watch::get().raise_again_here();
                                   return 0;
                                 })},
                                {0, nullptr}};
  static PyType_Spec spec{"ophion.StillRunning", 0, 0, Py_TPFLAGS_DEFAULT, slots};
  const PyRef bases = check(PyTuple_Pack(1, PyExc_KeyboardInterrupt), "making an exception");
  type = check(PyType_FromSpecWithBases(&spec, bases.get()), "making an exception").release();
  return type;
}

}  // namespace

bool Watch::shall_stop(StoppableCall& call, Clock::time_point now) noexcept {
  if (call.stop_ != StoppableCall::Stop::none) return true;
  if (call.interrupts_ == StoppableCall::Interrupts::heeded && interrupted()) call.stop_ = StoppableCall::Stop::interrupt;
  else if (now >= call.deadline_.time()) call.stop_ = StoppableCall::Stop::time_limit;
  else return false;
  const bool asks = call.interrupts_ == StoppableCall::Interrupts::heeded;  // a training
  call.raise_at_ = asks ? now + first_raise : now;
  return true;
}

bool Watch::due(const StoppableCall& call, Clock::time_point now) noexcept {
  return call.stop_ != StoppableCall::Stop::none && !call.settled_ && !call.in_host_ && now >= call.raise_at_;
}

std::optional<Clock::time_point> Watch::next_look() {
  const Clock::time_point now = Clock::now();
  Clock::time_point next = Clock::time_point::max();
  for (StoppableCall* call : calls) {
    if (call->settled_) continue;
    const bool stops = shall_stop(*call, now);
    if (due(*call, now)) return std::nullopt;
    const bool looked_at = stops || call->interrupts_ == StoppableCall::Interrupts::heeded;
    next = std::min(next, looked_at ? now + look_every : call->deadline_.time());
  }
  return next;
}

void Watch::raise_where_due() {
  const Clock::time_point now = Clock::now();
  for (StoppableCall* call : calls) {
    if (!due(*call, now)) continue;
    if (call->thread_->async_exc) {  // it waits for a C function to return
      call->raise_at_ = now + look_every;
    } else if (std::exchange(call->delivering_, false)) {
      call->raise_at_ = now + next_raise;
    } else {
      call->delivering_ = true;
      call->raise_at_ = now + look_every;
      ++call->raised_;
      PyThreadState_SetAsyncExc(call->thread_->thread_id,
                                call->raised_ <= gentle_raises ? PyExc_KeyboardInterrupt : unstoppable_interrupt());
    }
  }
}

void Watch::raise_again_here() noexcept {
  const PyThreadState* thread = PyThreadState_Get();
  const std::lock_guard lock(mutex);
  for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
    if ((*call)->thread_ != thread || (*call)->settled_ || (*call)->in_host_ || (*call)->raised_ <= gentle_raises) continue;
    PyThreadState_SetAsyncExc(thread->thread_id, unstoppable_interrupt());
    return;
  }
}

void Watch::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex);
      const std::optional<Clock::time_point> next = next_look();
      if (next) {
        if (*next == Clock::time_point::max()) changed.wait(lock);
        else changed.wait_until(lock, *next);
        continue;
      }
    }
    const Gil gil;
    const std::lock_guard lock(mutex);
    raise_where_due();
  }
}

void Watch::start() {
  const SignalsBlocked blocked;
  std::thread([this] {
    try {
      run();
    } catch (const std::exception&) {
      // the process is ending
    }
  }).detach();
  // In a forked child nobody watches; the mutex must be free there all the same.
  pthread_atfork([] { get().mutex.lock(); }, [] { get().mutex.unlock(); }, [] { get().mutex.unlock(); });
}

void Watch::add(StoppableCall& call) {
  {
    const std::lock_guard lock(mutex);
    if (!started) start();
    started = true;
    calls.push_back(&call);
    call.watched_ = true;
  }
  changed.notify_one();
}

Deadline::Deadline(double seconds) : seconds_(seconds) {
  if (!(seconds >= 0)) throw Error("CallOptions.time_limit: expected 0 or more seconds, found " + std::to_string(seconds));
  if (seconds == 0 || seconds > endless) return;
  time_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

StoppableCall::StoppableCall(std::string doing, const Deadline& deadline, Interrupts interrupts)
    : doing_(std::move(doing)), deadline_(deadline), interrupts_(interrupts), thread_(PyThreadState_Get()) {
  unstoppable_interrupt();  // made here, where failing does no harm
  Watch::get().add(*this);
}

/// The watch needs the GIL to raise anything: from here on it can't, and what it raised late is taken back.
void StoppableCall::end() noexcept {
  if (!watched_) return;
  Watch& watch = Watch::get();
  {
    const std::lock_guard lock(watch.mutex);
    std::erase(watch.calls, this);
    watched_ = false;
  }
  take_back();
}

void StoppableCall::take_back() noexcept {
  if (thread_->async_exc) PyThreadState_SetAsyncExc(thread_->thread_id, nullptr);
}

bool StoppableCall::should_stop() noexcept {
  const Clock::time_point now = Clock::now();
  const std::lock_guard lock(Watch::get().mutex);
  if (!Watch::shall_stop(*this, now)) return false;
  if (!told_ && raised_ == 0) raise_at_ = now + told_raise;
  told_ = true;
  return true;
}

void StoppableCall::settle() noexcept {
  {
    const std::lock_guard lock(Watch::get().mutex);
    settled_ = true;
  }
  take_back();
}

void StoppableCall::throw_stop() const {
  if (stop_ == Stop::interrupt) throw Interrupted(doing_ + ": interrupted");
  std::array<char, 32> seconds{};
  std::snprintf(seconds.data(), seconds.size(), "%g", deadline_.seconds());
  throw TimeLimit(doing_ + " took longer than its time_limit of " + seconds.data() + " s");
}

void StoppableCall::enter_host() noexcept {
  {
    const std::lock_guard lock(Watch::get().mutex);
    in_host_ = true;
  }
  take_back();
}

void StoppableCall::leave_host() noexcept {
  const std::lock_guard lock(Watch::get().mutex);
  in_host_ = false;
}

}  // namespace ophion
