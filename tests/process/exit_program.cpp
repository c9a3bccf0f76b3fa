/// Ends in the way that its argument names; tests look at its exit code and output.
#include "tests/pymethods/support.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include <ophion/error.h>
#include <ophion/function.h>
#include <ophion/iterate.h>
#include <ophion/runtime.h>

using namespace ophion;
using testing_support::call_function;

namespace {

std::unique_ptr<Backend> static_model;
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

/// What a program has of Python, still in use when it ends.
struct Objects {
  Object object = to_python(std::vector<int>{1, 2});
  PyFunction<double(double)> function{"math.sqrt"};
  PyFunction<double(double)>::Callback callback = function.callback();
  PyRange<double> range{PyFunction<Object(int)>("batches.numbers")(3)};
  Object iterator = as_iterator(std::vector<int>{1, 2});
  ~Objects() {
    const Object copy = object;
    if (*range.begin() != 0) std::abort();
    std::printf("objects gone\n");
  }
};
std::unique_ptr<Objects> static_objects;

void call_for_ever(const char* function) {
  for (;;) {
    try {
      run(function);
    } catch (...) {
      return;
    }
  }
}

/// Three threads of the host that call Python until the end, `milliseconds` before it.
void start_callers(const char* function, int milliseconds) {
  for (int i = 0; i < 3; ++i) std::thread(call_for_ever, function).detach();
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

void load_static_model() {
  Spec spec{"classification", {"a"}, {"background", "signal"}, {}};
  Payload payload;
  payload.members.emplace("model.bin", std::string(8, '\0'));
  static_model = testing_support::ProbeMethod().load(payload, spec, Value::object(), {});
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
  } else if (ending == "static_objects") {
    static_objects = std::make_unique<Objects>();
    if (*static_objects->range.begin() != 0) return 1;
  } else if (ending == "exit") {
    std::exit(3);
  } else if (ending == "exit_in_thread") {
    std::thread([] { std::exit(4); }).join();
  } else if (ending == "exit_in_busy_thread") {
    start_callers("add", 50);
    std::thread([] {
      run("add");  // it has a thread state of its own
      std::exit(4);
    }).join();
  } else if (ending == "exit_in_python") {
    run("exit_by_c");
  } else if (ending == "daemon") {
    run("start_daemon");
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  } else if (ending == "torch_daemon") {
    run("start_torch_daemon");
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  } else if (ending == "helper") {
    run("start_helper_for_exit");
  } else if (ending == "quick_exit") {
    std::quick_exit(6);
  } else if (ending == "exception") {
    throw Error("nobody catches this");
  } else if (ending == "endless_thread") {
    run("start_endless_thread");
  } else if (ending == "calling_threads") {
    start_callers("add", 50);
  } else if (ending == "torch_threads") {
    start_callers("gradient", 3000);
  } else if (ending == "static_model") {
    load_static_model();
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
