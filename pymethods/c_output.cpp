/// A pipe and a thread that reads it for each of the two descriptors. They are made once and stay: a worker process that outlives a
/// training has the pipe as its stdout, and must not find it closed.
#include "c_output.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "cpython.h"
#include "gil.h"

namespace ophion {
namespace {

constexpr std::chrono::seconds longest_wait_for_sink{2};  // for a sink that takes its time

class Channel {
 public:
  Channel(int descriptor, LogLevel level) : descriptor_(descriptor), level_(level) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw Error("capturing C output: no pipe could be made");
    read_end_ = ends[0];
    write_end_ = ends[1];
    std::thread([this] { read_for_ever(); }).detach();
  }

  void redirect() {
    original_ = fcntl(descriptor_, F_DUPFD_CLOEXEC, 3);
    if (original_ >= 0) dup2(write_end_, descriptor_);  // a host without that descriptor has nothing to capture
  }

  /// All that was written meanwhile has been handed on when this returns, unless the sink hangs.
  void put_back() {
    if (original_ < 0) return;
    dup2(original_, descriptor_);
    close(original_);
    original_ = -1;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, longest_wait_for_sink, [this] { return !busy_ && unread() == 0; });
    const std::string rest = std::exchange(line_, {});
    lock.unlock();
    if (!rest.empty()) log(level_, rest);
  }

 private:
  int unread() const {
    int bytes = 0;
    return ioctl(read_end_, FIONREAD, &bytes) == 0 ? bytes : 0;
  }

  void read_for_ever() {
    sigset_t asynchronous;  // the host's signals are not for this thread
    sigfillset(&asynchronous);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigdelset(&asynchronous, signal);
    pthread_sigmask(SIG_BLOCK, &asynchronous, nullptr);
    std::array<char, 65536> part{};
    for (;;) {
      pollfd ready{read_end_, POLLIN, 0};
      if (poll(&ready, 1, -1) < 0) continue;
      {
        const std::lock_guard lock(mutex_);
        busy_ = true;
      }
      const ssize_t size = read(read_end_, part.data(), part.size());
      if (size > 0) hand_on({part.data(), static_cast<std::size_t>(size)});
      {
        const std::lock_guard lock(mutex_);
        busy_ = false;
      }
      changed_.notify_all();
      if (size <= 0) return;
    }
  }

  /// Whole lines; the sink runs without the lock.
  void hand_on(std::string_view text) {
    for (std::size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
      std::string line = take_line();
      line += text.substr(0, end);
      log(level_, line);
    }
    const std::lock_guard lock(mutex_);
    line_ += text;
  }
  std::string take_line() {
    const std::lock_guard lock(mutex_);
    return std::exchange(line_, {});
  }

  int descriptor_;
  LogLevel level_;
  int read_end_ = -1;
  int write_end_ = -1;
  int original_ = -1;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool busy_ = false;  ///< the reader has taken something that is not handed on yet
  std::string line_;   ///< not ended yet
};

struct Capture {
  std::mutex mutex;
  int count = 0;
};

/// Never destroyed, as its threads are not.
Capture& capture() {
  static Capture& the_capture = *new Capture;
  return the_capture;
}

std::array<Channel*, 2> channels() {
  static const std::array<Channel*, 2> both{new Channel(1, LogLevel::script_output), new Channel(2, LogLevel::script_error)};
  return both;
}

}  // namespace

CapturedOutput::CapturedOutput() : active_(false) {
  const RuntimeOptions options = runtime_options();
  if (!options.capture_c_output || !options.log_sink) return;
  const GilRelease released;
  const std::lock_guard lock(capture().mutex);
  if (capture().count == 0) {
    const auto both = channels();
    std::fflush(nullptr);  // what the host has not written yet is the host's
    for (Channel* one : both) one->redirect();
  }
  ++capture().count;
  active_ = true;
}

CapturedOutput::~CapturedOutput() {
  if (!active_) return;
  const GilRelease released;
  const std::lock_guard lock(capture().mutex);
  if (--capture().count > 0) return;
  std::fflush(stdout);
  std::fflush(stderr);
  for (Channel* one : channels()) one->put_back();
}

}  // namespace ophion
