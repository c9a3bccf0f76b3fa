/// Guests in worker processes: whatever they do, the host gets an error that says what, and goes on.
#include "isolation/isolated_method.h"

#include <dirent.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <numeric>
#include <thread>

#include <gmock/gmock.h>

#include <ophion/error.h>
#include <ophion/isolation.h>
#include <ophion/model.h>
#include <ophion/runtime.h>

#include "core/error_of.h"
#include "core/temporary_folder.h"
#include "isolation/wire.h"

using namespace ophion;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
namespace fs = std::filesystem;

namespace {

/// The address sanitizer would make of a worker's crash an exit status of its own; it reads this when a worker starts.
const int crashes_stay_signals = setenv("ASAN_OPTIONS", "handle_segv=0", 1);

const Registry& guest_registry() {
  static const Registry all({fs::path(OPHION_BINARY_DIR) / "tests" / "guests"});
  return all;
}

Spec spec_of_two() { return {"classification", {"x", "y"}, {"background", "signal"}, {}}; }

Value options_of(const std::string& json) { return read_json(json, "options"); }

std::unique_ptr<Backend> loaded(const std::string& options, WorkerSettings settings = {}, const CallOptions& call = {}, int workers = 1) {
  return isolated_method(guest_registry(), "guest", std::move(settings), workers)->load({}, spec_of_two(), options_of(options), call);
}

float score(const Backend& backend, float x, float y) {
  const float row[] = {x, y};
  float out = 0;
  backend.predict(MatrixView(row, 1, 2), {&out, 1});
  return out;
}

TrainContext context_of(const std::string& options) {
  TrainContext context;
  context.name = "one";
  context.spec = spec_of_two();
  context.options = options_of(options);
  return context;
}

/// Three events in this program's own memory.
struct ThreeEvents {
  std::vector<float> x{1, 2, 3, 4, 5, 6};
  std::vector<std::int32_t> labels{1, 0, 1};
  std::vector<double> weights{0.5, 1, 2};
  TrainingData data() const { return {{MatrixView(x.data(), 3, 2), labels, {}, weights}, {}}; }
};

int open_files() {
  return static_cast<int>(std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
}

bool exists(long process) { return ::kill(static_cast<pid_t>(process), 0) == 0; }

bool comes_true(const std::function<bool()>& what) {
  for (int i = 0; i < 500; ++i) {
    if (what()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace

TEST(Isolation, ScoresInAnotherProcess) {
  const auto backend = loaded(R"({"predict": "sum"})");
  EXPECT_EQ(backend->name(), "guest");
  EXPECT_NE(backend->versions().at("process").as_integer(), getpid());
  EXPECT_EQ(score(*backend, 1, 2), 3.0f);
  std::vector<float> x(300'000);
  std::iota(x.begin(), x.end(), 0.0f);
  std::vector<float> out(150'000);
  backend->predict(MatrixView(x.data(), 150'000, 2), out);
  EXPECT_EQ(out[0], 1.0f);
  EXPECT_EQ(out[149'999], x[299'998] + x[299'999]);
}

TEST(Isolation, KeepsTheOrderInWhichRowsLie) {
  const auto backend = isolated_method(guest_registry(), "guest", {})->load({}, {"regression", {"x", "y"}, {}, {"a"}}, options_of(R"({"predict": "strides"})"), {});
  std::vector<float> x(12), out(6);
  backend->predict(MatrixView(x.data(), 6, 2), out);
  EXPECT_THAT(std::vector(out.begin(), out.begin() + 2), ElementsAre(2.0f, 1.0f));
  backend->predict(MatrixView(x.data(), 6, 2, 1, 6), out);
  EXPECT_THAT(std::vector(out.begin(), out.begin() + 2), ElementsAre(1.0f, 6.0f));
}

TEST(Isolation, LendsSharedMemoryWithoutACopyAndForReadingOnly) {
  const auto x = shared_floats(20'000);
  std::fill_n(x.get(), 20'000, 1.0f);
  std::vector<float> out(10'000);
  loaded(R"({"predict": "sum"})")->predict(MatrixView(x.get(), 10'000, 2), out);
  EXPECT_EQ(out[9'999], 2.0f);
  const auto writer = loaded(R"({"predict": "write"})");
  EXPECT_THAT(error_of<WorkerError>([&] { writer->predict(MatrixView(x.get(), 10'000, 2), out); }), HasSubstr("signal 11"));
  EXPECT_EQ(x[0], 1.0f);
}

TEST(Isolation, NamesHowAWorkerEndedAndGoesOn) {
  const struct {
    const char* behaviour;
    const char* ending;
  } cases[] = {{"exit", "ended with exit status 7"}, {"exit by C", "ended with exit status 3"},
               {"segfault", "was ended by signal 11 (Segmentation fault)"}, {"abort", "was ended by signal 6 (Aborted)"}};
  for (const auto& one : cases) {
    const auto backend = loaded(std::string(R"({"name": "net", "predict": ")") + one.behaviour + "\"}");
    const auto other = loaded(R"({"predict": "sum"})");
    EXPECT_EQ(score(*backend, 1, 1), 2.0f);
    EXPECT_EQ(error_of<WorkerError>([&] { score(*backend, -1, 1); }),
              std::string("method 'net': predict(): the worker process ") + one.ending);
    EXPECT_EQ(score(*other, 2, 2), 4.0f);
    EXPECT_EQ(score(*backend, 3, 1), 4.0f);
  }
}

TEST(Isolation, EndsACallAtItsTimeLimit) {
  CallOptions call;
  call.time_limit = 0.2;
  const auto backend = loaded(R"({"name": "net", "predict": "loop"})", {}, call);
  EXPECT_EQ(error_of<TimeLimit>([&] { score(*backend, -1, 1); }),
            "method 'net': predict() took longer than its time_limit of 0.2 s; its worker process was ended");
  EXPECT_EQ(score(*backend, 1, 1), 2.0f);
}

TEST(Isolation, LimitsMemory) {
#ifdef OPHION_SANITIZE
  GTEST_SKIP() << "sanitizers take terabytes of addresses";
#endif
  WorkerSettings settings;
  settings.memory_limit = std::size_t{1} << 30;
  const auto backend = loaded(R"({"name": "net", "predict": "bomb"})", settings);
  EXPECT_EQ(error_of<WorkerError>([&] { score(*backend, -1, 1); }),
            "method 'net': predict(): the worker process ran out of memory (its memory_limit is 1073741824 bytes)");
  EXPECT_EQ(score(*backend, 1, 1), 2.0f);
}

TEST(Isolation, BringsEveryKindOfErrorBack) {
  const auto with = [](const char* behaviour) { return std::string(R"({"predict": ")") + behaviour + "\"}"; };
  const auto backend = loaded(with("throw"));
  EXPECT_EQ(error_of<Error>([&] { score(*backend, -1, 1); }), "no luck");
  EXPECT_EQ(score(*backend, 1, 1), 2.0f);
  EXPECT_EQ(error_of<DataError>([&] { score(*loaded(with("data")), -1, 1); }), "bad row");
  EXPECT_EQ(error_of<TimeLimit>([&] { score(*loaded(with("time")), -1, 1); }), "too long");
  try {
    score(*loaded(with("config")), -1, 1);
    ADD_FAILURE();
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.pointer(), "/methods/0");
    EXPECT_STREQ(error.what(), "a.json /methods/0: bad");
  }
  try {
    score(*loaded(with("python")), -1, 1);
    ADD_FAILURE();
  } catch (const PythonError& error) {
    EXPECT_STREQ(error.what(), "predict(): ValueError: two\nlines\n  File \"x.py\", line 3");
    EXPECT_EQ(error.type(), "ValueError");
    EXPECT_EQ(error.traceback(), "  File \"x.py\", line 3");
    ASSERT_EQ(error.causes().size(), 1u);
    EXPECT_EQ(error.causes()[0].message, "'k'");
  }
}

TEST(Isolation, FailsToLoadAsInThisProcess) {
  EXPECT_EQ(error_of<Error>([] { loaded(R"({"load": "throw"})"); }), "no luck");
  EXPECT_EQ(error_of<WorkerError>([] { loaded(R"({"load": "exit"})"); }), "method 'guest': load(): the worker process ended with exit status 7");
}

TEST(Isolation, HandsOnEveryLineInOrder) {
  std::vector<std::string> lines;
  RuntimeOptions options;
  options.log_sink = [&](LogLevel level, std::string_view line) {
    EXPECT_EQ(level, LogLevel::script_output);
    lines.emplace_back(line);
  };
  configure(options);
  const auto backend = loaded(R"({"predict": "log"})");
  EXPECT_EQ(score(*backend, -1, 1), 0.0f);
  configure({});
  ASSERT_EQ(lines.size(), 1000u);
  EXPECT_EQ(lines[0], "line 0\xff");
  EXPECT_EQ(lines[999], "line 999\xff");
}

TEST(Isolation, HandsOnLinesBetweenCallsWithTheNext) {
  std::vector<std::string> lines;
  RuntimeOptions options;
  options.log_sink = [&](LogLevel, std::string_view line) { lines.emplace_back(line); };
  configure(options);
  const auto backend = loaded(R"({"predict": "late"})");
  score(*backend, -1, 1);
  EXPECT_TRUE(lines.empty());
  EXPECT_TRUE(comes_true([&] {
    score(*backend, 1, 1);
    return !lines.empty();
  }));
  configure({});
  EXPECT_THAT(lines, ElementsAre("late"));
}

TEST(Isolation, TrainsOnEventsOfThisProcess) {
  const TemporaryFolder folder;
  TrainContext context = context_of(R"({"train": "epochs"})");
  context.checkpoints = folder.path();
  std::vector<double> losses;
  context.progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.method, "one");
    EXPECT_EQ(progress.metrics[1].first, "nothing");
    EXPECT_TRUE(std::isnan(progress.metrics[1].second));
    losses.push_back(progress.metrics[0].second);
    return progress.epoch < 3;
  };
  const ThreeEvents events;
  const Payload payload = isolated_method(guest_registry(), "guest", {})->train(events.data(), context);
  EXPECT_THAT(losses, ElementsAre(1.0, 0.5, 1.0 / 3));
  EXPECT_EQ(payload.info.at("epochs").as_integer(), 3);
  EXPECT_NE(payload.info.at("process").as_integer(), getpid());
  EXPECT_EQ(payload.members.at("sums"), "21.000000 2 3.500000 0 0");
  EXPECT_EQ(payload.members.at("bytes"), std::string("\0\xff\n", 3));
  EXPECT_TRUE(fs::exists(folder.path() / "checkpoint"));
}

TEST(Isolation, LetsTheHostsOwnExceptionEndATraining) {
  TrainContext context = context_of(R"({"train": "until stopped"})");
  context.progress = [](const Progress& progress) -> bool {
    if (progress.epoch == 2) throw std::domain_error("enough");
    return true;
  };
  const auto method = isolated_method(guest_registry(), "guest", {});
  const ThreeEvents events;
  EXPECT_EQ(error_of<std::domain_error>([&] { method->train(events.data(), context); }), "enough");
  EXPECT_NO_THROW(method->check(context_of("{}")));
}

TEST(Isolation, PassesInterruptOn) {
  TrainContext context = context_of(R"({"train": "wait for interrupt"})");
  const auto method = isolated_method(guest_registry(), "guest", {});
  method->check(context);  // a worker waits
  std::thread later([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    interrupt();
  });
  const ThreeEvents events;
  EXPECT_EQ(method->train(events.data(), context).members.at("sums"), "21.000000 2 3.500000 0 0");
  later.join();
  clear_interrupt();
  TrainContext next = context_of(R"({"train": "until stopped"})");
  next.progress = [](const Progress& progress) { return progress.epoch < 3; };
  EXPECT_EQ(method->train(events.data(), next).info.at("epochs").as_integer(), 3);
}

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

TEST(Isolation, ScoresInSeveralWorkersAtOnce) {
  const TemporaryFolder folder;
  const auto backend = loaded(R"({"predict": "meet", "folder": ")" + folder.path().string() + "\"}", {}, {}, 4);
  std::vector<std::thread> threads;
  std::atomic<int> met = 0;
  for (int t = 0; t < 4; ++t) threads.emplace_back([&] { met += score(*backend, 1, 1) == 1.0f; });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(met, 4) << "each waits for the others in its call";
}

TEST(Isolation, GivesEveryThreadItsOwnScores) {
  const auto backend = loaded(R"({"predict": "sum"})", {}, {}, 2);
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 300; ++i) wrong += score(*backend, static_cast<float>(t), static_cast<float>(i)) != static_cast<float>(t + i);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
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

TEST(Isolation, ForgetsSharedMemoryHoweverMuchGoesAtOnce) {
  const auto backend = loaded(R"({"predict": "sum"})");
  std::vector<float> out(1024);
  const auto score_all = [&](std::size_t count) {
    std::vector<std::shared_ptr<float[]>> blocks;
    for (std::size_t i = 0; i < count; ++i) {
      blocks.push_back(shared_floats(2048));
      std::fill_n(blocks.back().get(), 2048, static_cast<float>(i));
      backend->predict(MatrixView(blocks.back().get(), 1024, 2), out);
      ASSERT_EQ(out[1023], static_cast<float>(2 * i));
    }
  };
  for (int i = 0; i < 3; ++i) ASSERT_NO_FATAL_FAILURE(score_all(600));
}

TEST(Isolation, NamesTheFolderForTemporaryFilesThatIsNotThere) {
  const std::string before = getenv("TMPDIR") ? getenv("TMPDIR") : "";
  setenv("TMPDIR", "/no/such/folder", 1);
  EXPECT_EQ(error_of<WorkerError>([] { loaded("{}"); }), "there is no folder for temporary files (TMPDIR): No such file or directory");
  before.empty() ? unsetenv("TMPDIR") : setenv("TMPDIR", before.c_str(), 1);
}

TEST(Isolation, TakesNoSignalOfTheHostsTerminal) {
  const auto backend = loaded(R"({"predict": "sum"})");
  const auto process = static_cast<pid_t>(backend->versions().at("process").as_integer());
  EXPECT_EQ(getpgid(process), process);
}

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

TEST(Isolation, RefusesToRunWithoutRightsWhereTheKernelHasNoLandlock) {
  constexpr long landlock_create_ruleset = 444;
  EXPECT_EQ(text_without(landlock_create_ruleset),
            "a worker process can't drop its rights: the kernel has no Landlock (Linux 5.13 or newer, with 'landlock' among its security "
            "modules): Function not implemented");
}

TEST(Isolation, RefusesToRunWithoutRightsWhereTheKernelHasNoSeccomp) {
  EXPECT_EQ(text_without(SYS_seccomp), "a worker process can't drop its rights: the kernel has no seccomp filters: Function not implemented");
}

TEST(Wire, KeepsEveryBit) {
  const Value value = Value::Object{{"nothing", Value()},
                                    {"yes", true},
                                    {"number", std::numeric_limits<std::int64_t>::min()},
                                    {"real", 1.0},
                                    {"bytes", std::string("\0\xff", 2)},
                                    {"list", Value::Array{1, "two", Value::object(), Value::array()}}};
  EXPECT_EQ(unpack(pack(value)), value);
  EXPECT_EQ(unpack(pack(value)).at("real").type(), Value::Type::real);
  EXPECT_TRUE(std::isnan(unpack(pack(Value(std::nan("")))).as_number()));
}

TEST(Wire, RefusesWhatItDidNotPack) {
  const std::string good = pack(Value::Array{1, "two", Value::Object{{"three", 3.0}}});
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_THROW(unpack(good.substr(0, size)), WorkerError) << size;
  }
  EXPECT_THROW(unpack(good + "x"), WorkerError);
  EXPECT_THROW(unpack("\x09"), WorkerError);
  std::string many = pack(Value::Array{1});
  many[8] = '\x7f';  // a list of so many items that memory would not hold them
  EXPECT_THROW(unpack(many), WorkerError);
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += pack(Value::Array{0}).substr(0, 9);
  EXPECT_THROW(unpack(deep), WorkerError);
}
