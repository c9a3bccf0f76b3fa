/// Options, log lines, interruption, and the choice of a Python.
#include <ophion/runtime.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

#include <dlfcn.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include <ophion/error.h>
#include <ophion/method.h>

#include "core/error_of.h"
#include "core/temporary_folder.h"
#include "log_listeners.h"
#include "python_launcher.h"
#include "python_probe.h"

using namespace ophion;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
namespace fs = std::filesystem;

namespace {

/// Every test leaves options and environment as it found them.
class RuntimeTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"OPHION_PYTHON", "VIRTUAL_ENV", "CONDA_PREFIX"}) ::unsetenv(name);
  }
  void TearDown() override {
    configure({});
    clear_interrupt();
    for (const char* name : {"OPHION_PYTHON", "VIRTUAL_ENV", "CONDA_PREFIX"}) ::unsetenv(name);
  }

  /// A program that does what a shell script says.
  fs::path program(const std::string& script, const std::string& name = "python3") {
    const fs::path file = folder_.path() / name;
    write_text(file, "#!/bin/sh\n" + script + "\n");
    fs::permissions(file, fs::perms::owner_all);
    return file;
  }
  /// The folder of a library that serves these minor versions of Python.
  fs::path library_for(const std::vector<std::string>& versions) {
    for (const std::string& version : versions) {
      const fs::path file = pymethods_file(folder_.path() / "ophion", version + ".0");
      fs::create_directories(file.parent_path());
      write_text(file, "");
    }
    fs::create_directories(folder_.path() / "ophion");
    return folder_.path() / "ophion";
  }
  std::string refusal(const fs::path& library) {
    return error_of<PluginError>([&] { choose_python(library); });
  }
  static std::string question_of(const fs::path& executable, int milliseconds = 10'000) {
    return error_of<Error>([&] { ask_python(executable, std::chrono::milliseconds(milliseconds)); });
  }

  TemporaryFolder folder_;
  const fs::path build_python_ = OPHION_PYTHON_OF_BUILD;
};

/// Tests that ask a real Python.
class PythonChoiceTest : public RuntimeTest {
 protected:
  void SetUp() override {
    RuntimeTest::SetUp();
    if (build_python_.empty()) GTEST_SKIP() << "built without Python";
  }
};

void on_signal(int) { interrupt(); }

TEST_F(RuntimeTest, HandsEveryLineToTheSink) {
  std::vector<std::string> lines;
  RuntimeOptions options;
  options.log_sink = [&](LogLevel level, std::string_view line) {
    lines.push_back((level == LogLevel::warning ? "warning " : "other ") + std::string(line));
  };
  configure(options);
  log(LogLevel::warning, "first");
  log(LogLevel::script_output, "second");
  EXPECT_THAT(lines, ElementsAre("warning first", "other second"));
  configure({});
  log(LogLevel::error, "nobody hears this");
  EXPECT_EQ(lines.size(), 2u);
}

TEST_F(RuntimeTest, LetsASinkFailAndChangeTheSink) {
  int heard = 0;
  RuntimeOptions options;
  options.log_sink = [&](LogLevel, std::string_view) {
    ++heard;
    configure({});  // would never return if a lock were held
    throw std::runtime_error("the disk is full");
  };
  configure(options);
  EXPECT_NO_THROW(log(LogLevel::info, "line"));
  log(LogLevel::info, "line");
  EXPECT_EQ(heard, 1);
}

TEST_F(RuntimeTest, LetsOthersListenBesideTheSink) {
  std::vector<std::string> lines;
  const int id = add_log_listener([&](LogLevel, std::string_view line) { lines.emplace_back(line); });
  log(LogLevel::info, "heard");
  remove_log_listener(id);
  log(LogLevel::info, "not heard");
  EXPECT_THAT(lines, ElementsAre("heard"));
}

TEST_F(RuntimeTest, ServesThreadsThatLogWhileTheSinkChanges) {
  std::atomic<int> heard = 0;
  RuntimeOptions options;
  options.log_sink = [&](LogLevel, std::string_view) { ++heard; };
  configure(options);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([] { for (int k = 0; k < 500; ++k) log(LogLevel::debug, "line"); });
  for (int i = 0; i < 200; ++i) configure(options);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(heard, 2000);
}

TEST_F(RuntimeTest, RefusesANegativeNumberOfThreads) {
  RuntimeOptions options;
  options.threads = -1;
  EXPECT_THAT(error_of<Error>([&] { configure(options); }), HasSubstr("expected 0 or more, found -1"));
}

TEST_F(RuntimeTest, StopsTrainingsFromASignalHandler) {
  Progress progress;
  EXPECT_TRUE(progress.keep_going());
  const auto before = std::signal(SIGUSR1, on_signal);
  std::raise(SIGUSR1);
  std::signal(SIGUSR1, before);
  EXPECT_TRUE(interrupted());
  EXPECT_FALSE(progress.keep_going());
  clear_interrupt();
  EXPECT_FALSE(interrupted());
}

TEST_F(PythonChoiceTest, AsksAPythonWhatItIs) {
  const PythonFacts facts = ask_python(build_python_);
  EXPECT_THAT(facts.version, StartsWith("3."));
  EXPECT_EQ(facts.implementation, "cpython");
  EXPECT_EQ(facts.executable, build_python_);
  EXPECT_TRUE(fs::is_directory(facts.base_prefix));
  ASSERT_FALSE(facts.site_packages.empty());
  EXPECT_TRUE(fs::is_directory(facts.site_packages.front()));
}

TEST_F(RuntimeTest, SaysWhatIsWrongWithAnExecutable) {
  EXPECT_EQ(question_of(folder_.path() / "none"), "there is no such file");
  EXPECT_EQ(question_of(folder_.path()), "is a folder, not an executable");
  EXPECT_EQ(question_of("/bin/echo"), "is no Python: it printed '-I -S -c '");
  EXPECT_EQ(question_of(program("exit 3")), "is no Python: it printed nothing");
  EXPECT_EQ(question_of(program("echo 'python3: command not found' >&2; exit 127")), "is no Python: it printed 'python3: command not found'");
  EXPECT_EQ(question_of(program(R"(printf '\001ophion\0003.10.4\000\001')")), "is Python 3.10.4; Ophion needs 3.11 or newer");
  write_text(folder_.path() / "text", "no program");
  EXPECT_THAT(question_of(folder_.path() / "text"), HasSubstr("could not be started: Permission denied"));
}

TEST_F(RuntimeTest, WaitsNoLongerThanItMust) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(question_of(program("sleep 60"), 300), "gave no answer in 300 ms");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST_F(PythonChoiceTest, UnderstandsAPythonBehindALauncherScript) {
  const PythonFacts facts = ask_python(program("echo 'a launcher speaks'; exec " + build_python_.string() + " \"$@\""));
  EXPECT_EQ(facts.executable, build_python_);
}

TEST_F(PythonChoiceTest, AsksEvenWhereTheHostReapsItsChildren) {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  EXPECT_EQ(ask_python(build_python_).implementation, "cpython");
  std::signal(SIGCHLD, before);
}

TEST_F(PythonChoiceTest, ChoosesThePythonInTheOrderOfTheManual) {
  const std::string version = ask_python(build_python_).version;
  const fs::path library = library_for({minor_version(version)});
  EXPECT_EQ(choose_python(library).reason, "the Python Ophion was built with");

  const fs::path environment = folder_.path() / "conda";
  fs::create_directories(environment / "bin");
  fs::create_symlink(build_python_, environment / "bin" / "python3");
  ::setenv("CONDA_PREFIX", environment.c_str(), 1);
  EXPECT_EQ(choose_python(library).reason, "$CONDA_PREFIX");
  ::setenv("VIRTUAL_ENV", environment.c_str(), 1);
  EXPECT_EQ(choose_python(library).reason, "$VIRTUAL_ENV");
  ::setenv("OPHION_PYTHON", build_python_.c_str(), 1);
  EXPECT_EQ(choose_python(library).reason, "$OPHION_PYTHON");
  RuntimeOptions options;
  options.python = environment;  // a folder stands for the Python in it
  configure(options);
  const PythonChoice choice = choose_python(library);
  EXPECT_EQ(choice.reason, "RuntimeOptions.python");
  EXPECT_EQ(choice.version, version);
  EXPECT_EQ(choice.executable, environment / "bin" / "python3");
}

TEST_F(PythonChoiceTest, NamesTheExecutableAndWhyItWasChosenWhenItWillNotDo) {
  ::setenv("VIRTUAL_ENV", "/no/such/place", 1);
  EXPECT_EQ(refusal(library_for({"3.98", "3.99"})), "/no/such/place/bin/python3 ($VIRTUAL_ENV): there is no such file");
  ::setenv("OPHION_PYTHON", build_python_.c_str(), 1);
  EXPECT_THAT(refusal(library_for({"3.98", "3.99"})),
              AllOf(StartsWith(build_python_.string() + " ($OPHION_PYTHON): Ophion has no libophion_pymethods for Python 3."),
                    HasSubstr("; there is one for Python 3.98, 3.99")));
}

TEST_F(PythonChoiceTest, SaysWhatPymethodsThereAre) {
  ::setenv("OPHION_PYTHON", build_python_.c_str(), 1);
  EXPECT_THAT(refusal(folder_.path() / "nowhere"), HasSubstr("there is none at all in "));
  EXPECT_THAT(refusal(library_for({"3.8", "3.99"})), HasSubstr("there is one for Python 3.8, 3.99"));
}

TEST_F(PythonChoiceTest, FindsTheLibraryOfThePythonItself) {
  ::setenv("OPHION_PYTHON", build_python_.c_str(), 1);
  const std::string version = ask_python(build_python_).version;
  const PythonChoice choice = choose_python(library_for({minor_version(version)}));
  EXPECT_THAT(choice.libpython.filename().string(), StartsWith("libpython" + minor_version(version) + ".so"));
  EXPECT_TRUE(fs::exists(choice.libpython));
}

TEST_F(PythonChoiceTest, BorrowsALibraryForAPythonWithoutOne) {
  // The real Python of the build, but for where it says its library is.
  const PythonFacts facts = ask_python(build_python_);
  ::setenv("OPHION_PYTHON", program("exec " + build_python_.string() + " -I -S -c \"$(printf '%s' \"$4\" | sed "
                                    "-e 's|, variable(\\\"LIBDIR\\\"), variable(\\\"INSTSONAME\\\")|, \\\"/nowhere\\\", \\\"libpython.a\\\"|' "
                                    "-e 's|sys.prefix, base,|sys.prefix, \\\"/nowhere\\\",|')\"").c_str(), 1);
  const PythonChoice choice = choose_python(library_for({minor_version(facts.version)}));
  EXPECT_EQ(minor_version(choice.libpython_version), minor_version(facts.version));
  EXPECT_TRUE(fs::exists(choice.libpython));
  EXPECT_TRUE(fs::exists(choice.start_executable));
  EXPECT_EQ(choice.site_packages, facts.site_packages);
  ASSERT_EQ(choice.problems.size(), 1u);
  EXPECT_THAT(choice.problems[0], HasSubstr("has no shared library; using the library of Python " + choice.libpython_version));
}

TEST_F(RuntimeTest, ReportsProblemsInsteadOfThrowing) {
  ::setenv("OPHION_PYTHON", "/no/such/python", 1);
  const Value report = python_report();
  EXPECT_EQ(report.at("executable").as_text(), "");
  EXPECT_FALSE(report.at("running").as_boolean());
  ASSERT_GE(report.at("problems").size(), 1u);
  EXPECT_EQ(report.at("problems").at(0).as_text(), "/no/such/python ($OPHION_PYTHON): there is no such file");
}

TEST_F(RuntimeTest, APythonIsLookedForWhileOtherThreadsOpenLibraries) {
  // A library of a Python that a host's plug-in brought, and one that comes and goes: both of few names and without a needed library.
  const fs::path small = fs::path(OPHION_BINARY_DIR) / "tests" / "features" / "angles" / "angles_features.so";
  const TemporaryFolder folder;
  const fs::path python = folder.path() / "libpython3.99.so", other = folder.path() / "other.so";
  fs::copy_file(small, python);
  fs::copy_file(small, other);
  const auto look_and_open = [&] {
    ::alarm(20);
    if (!::dlopen(python.c_str(), RTLD_NOW | RTLD_LOCAL)) std::_Exit(1);
    std::atomic<bool> looks = true;
    std::thread opens([&] {
      while (looks) {
        if (void* library = ::dlopen(other.c_str(), RTLD_NOW | RTLD_LOCAL)) ::dlclose(library);
      }
    });
    for (int i = 0; i < 5'000; ++i) python_is_running();
    looks = false;
    opens.join();
    std::_Exit(0);
  };
  EXPECT_EXIT(look_and_open(), testing::ExitedWithCode(0), "");
}

}  // namespace
