/// One worker process and the thread that watches it.
#include "isolation/worker_process.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <future>
#include <mutex>
#include <system_error>
#include <utility>

#include <ophion/error.h>
#include <ophion/export.h>

#include "isolation/spawn.h"

namespace ophion {
namespace {

/// While it lives, threads are made that take none of the host's signals.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

std::string text_of_ending(const siginfo_t& info) {
  if (info.si_pid == 0) return "ended, and how is not known, since the program itself collects its children";
  if (info.si_code == CLD_EXITED) return "ended with exit status " + std::to_string(info.si_status);
  const char* name = strsignal(info.si_status);
  return "was ended by signal " + std::to_string(info.si_status) + " (" + (name ? name : "unknown") + ")" +
         (info.si_status == SIGKILL ? ", as the kernel does when memory runs out" : "");
}

}  // namespace

struct WorkerProcess::State {
  std::mutex mutex;
  std::condition_variable reaped;
  pid_t id = 0;
  pid_t host = 0;
  bool alive = false;
  std::string ending;

  /// Its whole group: what it has started goes with it. Only while it is not reaped, so the number can't be another's.
  void kill_group() noexcept {
    if (alive) ::kill(-id, SIGKILL);
  }

  /// Sleeps until it has ended. Its number stays taken until all of its group are gone too.
  void watch() {
    siginfo_t info{};
    while (waitid(P_PID, static_cast<id_t>(id), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    const std::lock_guard lock(mutex);
    kill_group();
    siginfo_t last{};
    while (waitid(P_PID, static_cast<id_t>(id), &last, WEXITED) != 0 && errno == EINTR) {
    }
    ending = text_of_ending(info);
    alive = false;
    reaped.notify_all();
  }
};

WorkerProcess::WorkerProcess(int memory, int socket, const std::vector<std::string>& environment, std::function<void()> ended)
    : state_(std::make_shared<State>()) {
  const std::filesystem::path program = worker_program();
  state_->host = getpid();
  std::promise<pid_t> promise;
  std::future<pid_t> started = promise.get_future();
  {
    const AllSignalsBlocked blocked;
    // The kernel ends a worker with the *thread* that started it: so that thread lives as long as the worker.
    watcher_ = std::thread([state = state_, promise = std::move(promise), ended = std::move(ended), program, memory, socket, environment]() mutable {
      const pid_t id = spawn(program, {OPHION_VERSION, std::to_string(state->host)}, {memory, socket}, environment);
      state->id = id;
      state->alive = id > 0;
      promise.set_value(id);
      if (id <= 0) return;
      state->watch();
      ended();
    });
  }
  const pid_t id = started.get();
  if (id > 0) return;
  watcher_.join();
  throw WorkerError("a worker process could not be started (" + program.string() + "): " + std::generic_category().message(-id));
}

WorkerProcess::~WorkerProcess() {
  kill();
  if (getpid() == state_->host) watcher_.join();
  else watcher_.detach();  // a copy that fork made has no such thread
}

void WorkerProcess::kill() noexcept {
  if (getpid() != state_->host) return;  // a copy that fork made: the worker is the other one's
  std::unique_lock lock(state_->mutex);
  state_->kill_group();
  state_->reaped.wait(lock, [this] { return !state_->alive; });
}

bool WorkerProcess::alive() const noexcept {
  const std::lock_guard lock(state_->mutex);
  return state_->alive;
}

int WorkerProcess::id() const noexcept { return state_->id; }

std::string WorkerProcess::ending() const {
  const std::lock_guard lock(state_->mutex);
  return state_->ending;
}

}  // namespace ophion
