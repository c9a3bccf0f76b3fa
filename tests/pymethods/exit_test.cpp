/// What a process that uses Python keeps, and how it ends: with its own exit code, all output and Python's exit functions run, and without hanging.
/// Each is a process of its own (tests/process/exit_program.cpp, host_program.cpp).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

namespace {

using testing::HasSubstr;

struct Ended {
  int code;  // 128 + signal where one ended it; 124 after a minute
  std::string output;
};

Ended run(const std::string& ending, const std::string& program = OPHION_EXIT_PROGRAM) {
  // PYTHONUNBUFFERED hides output that is lost at the end.
  const std::string command = "env -u PYTHONUNBUFFERED LC_ALL=C timeout 60 '" + program + "' " + ending + " 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  Ended ended{-1, ""};
  std::array<char, 4096> part{};
  while (const std::size_t size = std::fread(part.data(), 1, part.size(), pipe)) ended.output.append(part.data(), size);
  const int status = pclose(pipe);
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended;
}

class Ending : public testing::TestWithParam<std::pair<const char*, int>> {};

TEST_P(Ending, LosesNothingAndKeepsTheExitCode) {
  const Ended ended = run(GetParam().first);
  EXPECT_EQ(ended.code, GetParam().second);
  EXPECT_THAT(ended.output, HasSubstr("unfinished line"));
  EXPECT_THAT(ended.output, HasSubstr("exit function ran"));
}

INSTANTIATE_TEST_SUITE_P(Process, Ending,
                         testing::Values(std::pair("return", 0), std::pair("static_reference", 0), std::pair("static_objects", 0), std::pair("exit", 3),
                                         std::pair("quick_exit", 6), std::pair("static_model", 0),
                                         std::pair("exit_in_python", 5), std::pair("exit_in_thread", 4), std::pair("exit_in_busy_thread", 4), std::pair("daemon", 0),
                                         std::pair("torch_daemon", 0), std::pair("torch_threads", 0),
                                         std::pair("helper", 0),
                                         std::pair("endless_thread", 0), std::pair("calling_threads", 0),
                                         std::pair("start_in_thread", 0), std::pair("late_use", 0)),
                         [](const auto& ending) { return std::string(ending.param.first); });

TEST(Process, ThatUsesPythonAfterItsEndIsToldSo) {
  EXPECT_THAT(run("late_use").output, HasSubstr("Python has been stopped: the process is ending"));
}

TEST(Process, DropsItsObjectsAfterPythonsEnd) { EXPECT_THAT(run("static_objects").output, HasSubstr("objects gone")); }

TEST(Process, KeepsItsSignalHandlers) {
  const Ended ended = run("signals", OPHION_HOST_PROGRAM);
  EXPECT_EQ(ended.output, "");
  EXPECT_EQ(ended.code, 0);
}

TEST(Process, KeepsItsOpenMpSettingInEveryThread) {
#ifdef OPHION_SANITIZE
  GTEST_SKIP() << "sanitizers don't see what OpenMP's threads wait for";
#endif
  const Ended ended = run("openmp", OPHION_HOST_PROGRAM);
  EXPECT_EQ(ended.output, "");
  EXPECT_EQ(ended.code, 0);
}

TEST(Process, ThatEndsByAnExceptionHasLostNoOutput) {
  const Ended ended = run("exception");
  EXPECT_EQ(ended.code, 128 + 6);
  EXPECT_THAT(ended.output, HasSubstr("unfinished line"));
}

TEST(Process, LetsExitFunctionsWaitForTheirThreads) {
  EXPECT_THAT(run("helper").output, HasSubstr("helper ended\nhelper was waited for"));
}

TEST(Process, DoesNotWaitForEverForABusyPython) {
  const Ended ended = run("busy");
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.output, HasSubstr("Python was busy for 1.5 s at the end of the process"));
}

}  // namespace
