/// One worker process and the thread that watches it.
#include "isolation/worker_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
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

#include "isolation/shared_memory.h"
#include "python_launcher.h"

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

/// What of this process a new one gets: three files of its own, no signal blocked or ignored, a group of its own, so that Ctrl-C in
/// a terminal is the host's alone.
class SpawnPlan {
 public:
  SpawnPlan(int memory, int socket) {
    posix_spawn_file_actions_init(&files_);
    posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    // Both are above 4 here, so that neither is lost when the other gets its number.
    posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files_, memory, 3);
    posix_spawn_file_actions_adddup2(&files_, socket, 4);
    posix_spawn_file_actions_addclosefrom_np(&files_, 5);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  /// The process's number, or minus errno.
  pid_t start(const std::string& program, const std::string& host, const std::vector<std::string>& environment) const {
    std::vector<std::string> words{program, OPHION_VERSION, host};
    std::vector<char*> arguments, variables;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    for (const std::string& variable : environment) variables.push_back(const_cast<char*>(variable.c_str()));
    for (char** variable = environ; variable && *variable; ++variable) variables.push_back(*variable);
    variables.push_back(nullptr);
    pid_t id = 0;
    const int problem = posix_spawn(&id, program.c_str(), &files_, &attributes_, arguments.data(), variables.data());
    return problem == 0 ? id : -problem;
  }

 private:
  posix_spawn_file_actions_t files_;
  posix_spawnattr_t attributes_;
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
  const std::string program = worker_program().string();
  state_->host = getpid();
  std::promise<pid_t> promise;
  std::future<pid_t> started = promise.get_future();
  {
    const AllSignalsBlocked blocked;
    // The kernel ends a worker with the *thread* that started it: so that thread lives as long as the worker.
    watcher_ = std::thread([state = state_, promise = std::move(promise), ended = std::move(ended), program, memory, socket, environment]() mutable {
      pid_t id = -EMFILE;
      {
        const Descriptor high_memory(fcntl(memory, F_DUPFD_CLOEXEC, 10)), high_socket(fcntl(socket, F_DUPFD_CLOEXEC, 10));
        if (high_memory && high_socket) {
          id = SpawnPlan(high_memory.get(), high_socket.get()).start(program, std::to_string(state->host), environment);
        }
      }
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
  throw WorkerError("a worker process could not be started (" + program + "): " + std::generic_category().message(-id));
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

std::filesystem::path worker_program() { return library_folder() / "ophion_worker"; }

}  // namespace ophion
