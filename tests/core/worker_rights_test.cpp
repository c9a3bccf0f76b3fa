/// Worker processes without rights: what they can't do any more, and kernels that can't take rights away.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <fstream>

#include <gmock/gmock.h>

#include <ophion/error.h>

#include "core/error_of.h"
#include "core/guests.h"
#include "core/temporary_folder.h"

using namespace ophion;
namespace fs = std::filesystem;

namespace {

/// What a program says of a model without rights on a kernel that answers `call` with ENOSYS. Such a kernel is made by a filter, in a
/// copy of this process.
std::string text_without(long call) {
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) return "no pipe";
  const pid_t copy = fork();
  if (copy == 0) {
    sock_filter steps[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const sock_fprog program{4, steps};
    std::string text;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) text = "no filter";
    try {
      WorkerSettings settings;
      settings.drop_rights = true;
      loaded(R"({"predict": "sum"})", settings);
      text = "loaded";
    } catch (const WorkerError& error) {
      text = error.what();
    }
    static_cast<void>(!write(pipe_ends[1], text.data(), text.size()));
    _exit(0);
  }
  close(pipe_ends[1]);
  char text[1000];
  const ssize_t size = read(pipe_ends[0], text, sizeof text);
  close(pipe_ends[0]);
  waitpid(copy, nullptr, 0);
  return {text, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

}  // namespace

TEST(Isolation, TakesRightsAway) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "old") << "content" << std::flush;
  WorkerSettings settings;
  settings.drop_rights = true;
  const std::string options = R"({"predict": "trespass", "folder": ")" + folder.path().string() + "\"}";
  const auto backend = loaded(options, settings);
  const std::string found = error_of<Error>([&] { score(*backend, -1, 1); });
  const std::string no = "Operation not permitted";
  EXPECT_EQ(found, "socket: " + no + "; unix: " + no + "; pair: done; write: Permission denied; append: Permission denied; truncate: " + no +
                       "; open to truncate: " + no + "; chmod: " + no + "; remove: Permission denied; rename: Permission denied; folder: " +
                       "Permission denied; read: done; fork: " + no + "; exec: " + no + "; signal: " + no +
                       "; own signal: done; thread: done; temporary: done");
  EXPECT_EQ(score(*backend, 1, 2), 3.0f);
}

TEST(Isolation, LetsATrainingWithoutRightsWriteItsCheckpoints) {
  const TemporaryFolder folder;
  WorkerSettings settings;
  settings.drop_rights = true;
  TrainContext context = context_of("{}");
  context.checkpoints = folder.path();
  const ThreeEvents events;
  const auto method = isolated_method(guest_registry(), "guest", settings);
  EXPECT_TRUE(method->train(events.data(), context).info.at("checkpoint").as_boolean());
  context.checkpoints = folder.path() / "elsewhere";
  fs::create_directory(context.checkpoints);
  EXPECT_TRUE(method->train(events.data(), context).info.at("checkpoint").as_boolean()) << "a worker for another folder was used";
}

TEST(Isolation, RefusesToRunWithoutRightsWhereTheKernelHasNoLandlock) {
  constexpr long landlock_create_ruleset = 444;
  EXPECT_EQ(text_without(landlock_create_ruleset),
            "a worker process can't drop its rights: the kernel has no Landlock (Linux 5.13 or newer, with 'landlock' among its security "
            "modules): Function not implemented");
}

TEST(Isolation, RefusesToRunWithoutRightsWhereTheKernelHasNoSeccomp) {
  EXPECT_EQ(text_without(SYS_seccomp), "a worker process can't drop its rights: the kernel has no seccomp filters: Function not implemented");
}
