/// Ends in the way that its argument names; tests look at its exit code and output.
#include "tests/pymethods/support.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include <ophion/runtime.h>

using namespace ophion;
using testing_support::call_function;

namespace {

PyRef static_reference;  // destroyed after main, by a process whose Python has been stopped

void run(const char* function) {
  const PythonScope scope;
  call_function("endings", function);
}

/// Destroyed after the soft stop: Python must say no, not hang.
struct UsesPythonTooLate {
  ~UsesPythonTooLate() {
    try {
      const Gil gil;
      std::printf("had the GIL\n");
    } catch (const std::exception& error) {
      std::printf("%s\n", error.what());
    }
  }
};

void call_for_ever() {
  for (;;) {
    try {
      run("add");
    } catch (...) {
      return;
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::string ending = count > 1 ? arguments[1] : "";
  static const auto too_late = ending == "late_use" ? std::make_unique<UsesPythonTooLate>() : nullptr;
  if (ending == "start_in_thread") std::thread(testing_support::start_test_python).join();
  else testing_support::start_test_python();
  run("register");
  run("print_unfinished");
  if (ending == "static_reference") {
    const Gil gil;
    static_reference = call_function("endings", "tensor");
  } else if (ending == "exit") {
    std::exit(3);
  } else if (ending == "exit_in_python") {
    run("exit_by_c");
  } else if (ending == "daemon") {
    run("start_daemon");
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  } else if (ending == "endless_thread") {
    run("start_endless_thread");
  } else if (ending == "calling_threads") {
    for (int i = 0; i < 3; ++i) std::thread(call_for_ever).detach();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  } else if (ending == "busy") {
    RuntimeOptions options;
    options.log_sink = [](LogLevel, std::string_view line) {
      std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
    };
    configure(options);
    std::thread([] {
      const Gil gil;
      std::this_thread::sleep_for(std::chrono::seconds(30));
    }).detach();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return 0;
}
