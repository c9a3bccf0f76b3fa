/// Worker processes from their start to their end: who gets which, and what is left of them.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

#include <gmock/gmock.h>

#include <ophion/error.h>
#include <ophion/isolation.h>

#include "core/error_of.h"
#include "core/guests.h"
#include "core/temporary_folder.h"

using namespace ophion;
namespace fs = std::filesystem;

namespace {

int open_files() {
  return static_cast<int>(std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
}

bool exists(long process) { return ::kill(static_cast<pid_t>(process), 0) == 0; }

}  // namespace

TEST(Isolation, UsesOneWorkerForOneCallAfterTheOther) {
  const auto method = isolated_method(guest_registry(), "guest", {});
  const ThreeEvents events;
  const auto process = [&] { return method->train(events.data(), context_of("{}")).info.at("process").as_integer(); };
  const std::int64_t first = process();
  EXPECT_EQ(process(), first);
  EXPECT_EQ(method->load({}, spec_of_two(), Value::object(), {})->versions().at("process").as_integer(), first);
  EXPECT_EQ(process(), first);
}

TEST(Isolation, GivesEachModelAWorkerOfItsOwn) {
  const auto method = isolated_method(guest_registry(), "guest", {});
  const auto one = method->load({}, spec_of_two(), Value::object(), {});
  const auto two = method->load({}, spec_of_two(), Value::object(), {});
  EXPECT_NE(one->versions().at("process"), two->versions().at("process"));
}

TEST(Isolation, LivesLongerThanTheThreadThatLoaded) {
  std::unique_ptr<Backend> backend;
  std::thread([&] { backend = loaded(R"({"predict": "sum"})"); }).join();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(score(*backend, 1, 2), 3.0f);
}

TEST(Isolation, LeavesNothingBehind) {
  loaded("{}");  // what a first time opens for ever
  const int files = open_files();
  long process = 0;
  {
    const auto x = shared_floats(1'000'000);
    const auto backend = loaded(R"({"predict": "sum"})");
    process = static_cast<long>(backend->versions().at("process").as_integer());
    std::vector<float> out(500'000);
    backend->predict(MatrixView(x.get(), 500'000, 2), out);
    EXPECT_TRUE(exists(process));
  }
  EXPECT_FALSE(exists(process));
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child was left";
  EXPECT_EQ(open_files(), files);
}

TEST(Isolation, EndsItsWorkersWhenTheHostIsKilled) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t host = fork();
  if (host == 0) {
    const auto backend = loaded(R"({"predict": "loop"})");
    const long process = static_cast<long>(backend->versions().at("process").as_integer());
    static_cast<void>(!write(pipe_ends[1], &process, sizeof process));
    try {
      score(*backend, -1, 1);  // busy for ever
    } catch (...) {
    }
    _exit(0);
  }
  long process = 0;
  ASSERT_EQ(read(pipe_ends[0], &process, sizeof process), static_cast<ssize_t>(sizeof process));
  EXPECT_TRUE(exists(process));
  ::kill(host, SIGKILL);
  waitpid(host, nullptr, 0);
  EXPECT_TRUE(comes_true([&] {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    std::string text((std::istreambuf_iterator<char>(status)), {});
    return text.empty() || text.find("State:\tZ") != std::string::npos;
  }));
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST(Isolation, StartsAWorkerOfItsOwnInACopyThatForkMade) {
  const auto backend = loaded(R"({"predict": "sum"})");
  const pid_t copy = fork();
  if (copy == 0) {
    float found = 0;
    try {
      found = score(*backend, 2, 3);
    } catch (...) {
    }
    _exit(found == 5.0f ? 0 : 1);
  }
  int status = -1;
  waitpid(copy, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(score(*backend, 1, 2), 3.0f);
}

TEST(Isolation, OutlivesTheKeeperOfItsFolder) {
  auto backend = loaded(R"({"predict": "sum"})");
  const auto keeper = [] {
    for (const auto& task : fs::directory_iterator("/proc/self/task")) {
      std::ifstream children(task.path() / "children");
      for (pid_t child = 0; children >> child;) {
        std::ifstream name("/proc/" + std::to_string(child) + "/comm");
        if (std::string text; std::getline(name, text) && text == "ophion_keeper") return child;
      }
    }
    return pid_t{0};
  };
  ASSERT_TRUE(comes_true([&] { return keeper() != 0; }));
  const pid_t killed = keeper();
  ::kill(killed, SIGKILL);
  siginfo_t ending{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(killed), &ending, WEXITED | WNOWAIT), 0);
  ::signal(SIGPIPE, SIG_DFL);
  backend.reset();  // a word to nobody
}

TEST(Isolation, TakesNoSignalOfTheHostsTerminal) {
  const auto backend = loaded(R"({"predict": "sum"})");
  const auto process = static_cast<pid_t>(backend->versions().at("process").as_integer());
  EXPECT_EQ(getpgid(process), process);
}

TEST(Isolation, RemovesTheTemporaryFolderOfAWorkerHoweverThatEnds) {
  const TemporaryFolder temporary;  // of this test alone: others that run now make folders too
  setenv("TMPDIR", temporary.path().c_str(), 1);
  const auto count = [&] { return std::distance(fs::directory_iterator(temporary.path()), fs::directory_iterator()); };
  for (const bool without_rights : {false, true}) {
    WorkerSettings settings;
    settings.drop_rights = without_rights;
    {
      const auto backend = loaded(R"({"predict": "sum"})", settings);
      EXPECT_EQ(count(), 1);
    }
    EXPECT_EQ(count(), 0);
    EXPECT_THROW(score(*loaded(R"({"predict": "exit"})", settings), -1, 1), WorkerError);
    EXPECT_EQ(count(), 0);
  }
  unsetenv("TMPDIR");
}

TEST(Isolation, LeavesNoTemporaryFolderWhenTheHostIsKilled) {
  const TemporaryFolder temporary;
  setenv("TMPDIR", temporary.path().c_str(), 1);
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t host = fork();
  if (host == 0) {
    WorkerSettings settings;
    settings.drop_rights = true;
    const auto backend = loaded(R"({"predict": "fill"})", settings);
    score(*backend, -1, 1);  // makes files for ever, beside this call
    // A copy of the host that lives on, as workers of a DataLoader do for a while, holds up nothing.
    if (const pid_t copy = fork(); copy != 0) static_cast<void>(!write(pipe_ends[1], &copy, sizeof copy));
    for (;;) pause();
  }
  pid_t copy = 0;
  ASSERT_EQ(read(pipe_ends[0], &copy, sizeof copy), static_cast<ssize_t>(sizeof copy));
  EXPECT_FALSE(fs::is_empty(temporary.path()));
  ::kill(host, SIGKILL);
  waitpid(host, nullptr, 0);
  EXPECT_TRUE(comes_true([&] { return fs::is_empty(temporary.path()); }));
  ::kill(copy, SIGKILL);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  unsetenv("TMPDIR");
}

TEST(Isolation, NamesTheFolderForTemporaryFilesThatIsNotThere) {
  const std::string before = getenv("TMPDIR") ? getenv("TMPDIR") : "";
  setenv("TMPDIR", "/no/such/folder", 1);
  EXPECT_EQ(error_of<WorkerError>([] { loaded("{}"); }), "there is no folder for temporary files (TMPDIR): No such file or directory");
  before.empty() ? unsetenv("TMPDIR") : setenv("TMPDIR", before.c_str(), 1);
}
