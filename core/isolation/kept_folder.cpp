/// A temporary folder and the process that removes it.
#include "isolation/kept_folder.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string>
#include <system_error>
#include <thread>

#include <ophion/error.h>

#include "isolation/spawn.h"

namespace ophion {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(const std::string& what, int problem) { throw WorkerError(what + ": " + std::generic_category().message(problem)); }

fs::path make_folder() {
  std::error_code problem;
  const fs::path parent = fs::temp_directory_path(problem);
  if (problem) fail("there is no folder for temporary files (TMPDIR)", problem.value());
  std::string name = (parent / "ophion-worker-XXXXXX").string();
  if (!mkdtemp(name.data())) fail("cannot make the folder " + name, errno);
  return name;
}

}  // namespace

KeptFolder::KeptFolder() : host_(getpid()), path_(make_folder()) {
  try {
    start_keeper();
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    throw;
  }
}

void KeptFolder::start_keeper() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) fail("the keeper of " + path_.string() + " could not be started", errno);
  const Descriptor other_end(ends[0]);
  life_ = Descriptor(ends[1]);
  keeper_ = spawn(worker_program(), {OPHION_VERSION, std::to_string(host_), path_.string()}, {other_end.get()});
  if (keeper_ < 0) fail("the keeper of " + path_.string() + " could not be started (" + worker_program().string() + ")", -keeper_);
}

KeptFolder::~KeptFolder() {
  if (getpid() != host_) return;
  // A word, since a copy that fork made may hold this end for long; no signal where somebody has ended the keeper.
  static_cast<void>(send(life_.get(), "", 1, MSG_NOSIGNAL));
  life_ = Descriptor();
  while (waitpid(keeper_, nullptr, 0) < 0 && errno == EINTR) {
  }
  std::error_code ignored;
  fs::remove_all(path_, ignored);  // somebody may have ended the keeper
}

int keep_folder(int life, pid_t host, const fs::path& folder) {
  prctl(PR_SET_NAME, "ophion_keeper");
  const Descriptor end_of_host(static_cast<int>(syscall(SYS_pidfd_open, host, 0)));
  pollfd waited[] = {{life, POLLIN, 0}, {end_of_host.get(), POLLIN, 0}};
  if (getppid() == host) {
    while (poll(waited, 2, -1) < 0 && errno == EINTR) {
    }
  }
  // Its worker, which ends with the host, may not have ended yet.
  std::error_code problem;
  for (int attempt = 0; attempt < 1000; ++attempt) {
    fs::remove_all(folder, problem);
    if (!fs::exists(folder, problem)) return EXIT_SUCCESS;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return EXIT_FAILURE;
}

}  // namespace ophion
