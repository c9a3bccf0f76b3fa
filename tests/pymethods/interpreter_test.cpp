/// The interpreter: started once, with the chosen environment, without a trace on the host.
#include "pymethods/support.h"

#include <gmock/gmock.h>

#include <cfenv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <thread>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "pymethods/gil.h"
#include "pymethods/ref.h"

namespace ophion {
namespace {

using testing_support::call_function;

class Interpreter : public testing_support::PythonTest {};

void host_handler(int) {}

// Each of these runs in a process of its own, so that Python is really started there.

[[noreturn]] void leave_signal_handlers() {
  std::signal(SIGCHLD, host_handler);
  testing_support::start_test_python();
  struct sigaction interrupt {}, child {}, pipe {};
  sigaction(SIGINT, nullptr, &interrupt);
  sigaction(SIGCHLD, nullptr, &child);
  sigaction(SIGPIPE, nullptr, &pipe);
  const bool untouched = interrupt.sa_handler == SIG_DFL && child.sa_handler == host_handler;
  _exit(untouched && pipe.sa_handler == SIG_IGN ? 0 : 1);
}

[[noreturn]] void leave_closed_pipes() {
  RuntimeOptions options;
  options.ignore_sigpipe = false;
  configure(options);
  testing_support::start_test_python();
  struct sigaction pipe {};
  sigaction(SIGPIPE, nullptr, &pipe);
  _exit(pipe.sa_handler == SIG_DFL ? 0 : 1);
}

[[noreturn]] void use_another_environment() {
  PythonChoice choice;
  choice.executable = OPHION_TEST_PYTHON;
  choice.prefix = "/usr/nowhere";
  for (int i = 0; i < 2; ++i) {  // the second try says the same and does not hang
    try {
      start_python(choice);
    } catch (const PluginError& error) {
      std::fprintf(stderr, "%d: %s\n", i, error.what());
    }
  }
  _exit(0);
}

[[noreturn]] void use_a_wrong_home() {
  setenv("PYTHONHOME", "/usr/nowhere", 1);
  PythonChoice choice;
  choice.executable = OPHION_TEST_PYTHON;
  try {
    start_python(choice);
  } catch (const PluginError& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  _exit(0);
}

TEST(InterpreterDeathTest, LeavesTheHostsSignalHandlersAlone) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(leave_signal_handlers(), testing::ExitedWithCode(0), "");
}

TEST(InterpreterDeathTest, LeavesClosedPipesAloneWhenAskedTo) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(leave_closed_pipes(), testing::ExitedWithCode(0), "");
}

TEST(InterpreterDeathTest, RefusesAnExecutableOfAnotherEnvironment) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(use_another_environment(), testing::ExitedWithCode(0), "1: Python .* started with the wrong environment: expected /usr/nowhere, found ");
}

TEST(InterpreterDeathTest, TellsWhyItDoesNotStart) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(use_a_wrong_home(), testing::ExitedWithCode(0), "did not start: .*encoding");
}

TEST_F(Interpreter, UsesTheChosenEnvironment) {
  const Gil gil;
  EXPECT_EQ(from_text(PySys_GetObject("executable"), ""), OPHION_TEST_PYTHON);
}

TEST_F(Interpreter, StartsWorkersWithTheRealPython) {
  const Gil gil;
  const PyRef executable = call_function("multiprocessing.spawn", "get_executable");
  const std::string text = PyBytes_Check(executable.get()) ? PyBytes_AS_STRING(executable.get())
                                                           : from_text(executable.get(), "");
  EXPECT_EQ(text, OPHION_TEST_PYTHON);
}

TEST_F(Interpreter, IsUtf8WhateverTheLocale) {
  const Gil gil;
  EXPECT_EQ(from_text(call_function("sys", "getfilesystemencoding").get(), ""), "utf-8");
}

TEST_F(Interpreter, NeverRunsUserCodeOnPythonsMainThread) {
  const Gil gil;
  const PyRef main = call_function("threading", "main_thread");
  const PyRef current = call_function("threading", "current_thread");
  EXPECT_NE(main.get(), current.get());
}

TEST_F(Interpreter, KeepsOneThreadStateAThread) {
  std::thread([] {
    PyThreadState *first = nullptr, *second = nullptr;
    {
      const Gil gil;
      first = PyThreadState_Get();
      const Gil nested;
      EXPECT_EQ(PyThreadState_Get(), first);
    }
    {
      const Gil gil;
      second = PyThreadState_Get();
    }
    EXPECT_EQ(first, second);
  }).join();
}

TEST_F(Interpreter, DeletesTheThreadStatesOfThreadsThatEnded) {
  const auto count = [] {
    const Gil gil;
    std::size_t states = 0;
    PyThreadState* state = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    for (; state; state = PyThreadState_Next(state)) ++states;
    return states;
  };
  const std::size_t before = count();
  for (int i = 0; i < 20; ++i) std::thread([] { const Gil gil; }).join();
  EXPECT_LE(count(), before + 1);  // the last one's is deleted by the next new thread
}

TEST_F(Interpreter, AThreadCanEndWhileAnotherHoldsTheGil) {
  std::promise<void> used, may_end;
  std::thread thread([&] {
    { const Gil gil; }
    used.set_value();
    may_end.get_future().wait();
  });
  used.get_future().wait();
  const Gil gil;
  may_end.set_value();
  thread.join();  // would wait for ever if the thread's end took the GIL
}

TEST_F(Interpreter, ReferencesAreDroppedByAnyThread) {
  PyObject* object = nullptr;
  PyRef reference;
  {
    const Gil gil;
    object = PyList_New(0);
    reference = PyRef::borrow(object);
    EXPECT_EQ(Py_REFCNT(object), 2);
  }
  std::thread([held = std::move(reference)]() mutable { held = PyRef(); }).join();
  const Gil gil;
  EXPECT_EQ(Py_REFCNT(object), 1);
  Py_DECREF(object);
}

TEST_F(Interpreter, MovingAReferenceCountsNothing) {
  const Gil gil;
  PyRef first = PyRef::steal(PyList_New(0));
  PyObject* object = first.get();
  PyRef second = std::move(first);
  EXPECT_EQ(first.get(), nullptr);
  EXPECT_EQ(second.get(), object);
  EXPECT_EQ(Py_REFCNT(object), 1);
  PyObject* mine = second.release();
  EXPECT_FALSE(second);
  Py_DECREF(mine);
}

TEST_F(Interpreter, PythonMayDivideByZeroInAHostThatTrapsThat) {
  feclearexcept(FE_ALL_EXCEPT);
  feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
  {
    const PythonScope scope;
    call_function("arrays", "divide_by_zero");
    EXPECT_EQ(fegetexcept(), 0);
  }
  EXPECT_EQ(fegetexcept(), FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
  fedisableexcept(FE_ALL_EXCEPT);
}

}  // namespace
}  // namespace ophion
