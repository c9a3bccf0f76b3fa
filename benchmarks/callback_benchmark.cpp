/// What a C function pays for each call of a Python function: PyFunction::callback beside a ctypes callback of the same function.
#include "bare_python.h"
#include "measure.h"

#include <cmath>
#include <cstdlib>

#include <ophion/function.h>
#include <ophion/runtime.h>

using namespace ophion;
using namespace ophion::benchmarks;

extern "C" {

OPHION_EXPORT double sum_of_calls(double (*function)(double, void*), void* data, int n) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += function(1e-6 * i, data);
  return sum;
}

/// Without the void*, for which ctypes would make one more object a call.
OPHION_EXPORT double sum_of_plain_calls(double (*function)(double), int n) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += function(1e-6 * i);
  return sum;
}

}  // extern "C"

namespace {

const std::string plain = OPHION_SOURCE_DIR "/benchmarks/plain/callbacks.py";
constexpr int calls = 20'000;
constexpr int pairs = 51;

/// The least that a call of Python can be: by the C API alone, the GIL held, nothing checked.
double bare_call(double x, void* function) {
  PyObject* arguments[2] = {nullptr, PyFloat_FromDouble(x)};
  PyObject* const result = PyObject_Vectorcall(static_cast<PyObject*>(function), arguments + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
  const double y = PyFloat_AS_DOUBLE(result);
  Py_DECREF(result);
  Py_DECREF(arguments[1]);
  return y;
}

void compare(const std::string& what, const Object& function, const std::string& caller) {
  auto call = PyFunction<double(double)>(function).callback();
  const PyFunction<double(int)> by_ctypes(plain + ":" + caller);
  const auto by_ophion = [&] { return sum_of_calls(call.function(), call.data(), calls); };
  if (std::abs(by_ophion() - by_ctypes(calls)) > 1e-9) std::exit(1);
  call.rethrow();

  const auto nanoseconds = [](const std::vector<double>& seconds) { return 1e9 * median(seconds) / calls; };
  const Pair each = interleave(pairs, by_ophion, [&] { by_ctypes(calls); });
  const Pair held = interleave(
      pairs,
      [&] {
        const PythonLock python;
        by_ophion();
      },
      [&] { by_ctypes(calls); });
  const Pair bare = interleave(
      pairs,
      [&] {
        const PythonLock python;
        sum_of_calls(bare_call, function.get(), calls);
      },
      [&] { by_ctypes(calls); });
  report('k', "callback of " + what + ", PythonLock held / ctypes", held.ratio(), 0.2,
         text("%.0f ns / %.0f ns", nanoseconds(held.first), nanoseconds(held.second)));
  note('k', "callback of " + what + " / ctypes", each.ratio(), text("%.0f ns / %.0f ns", nanoseconds(each.first), nanoseconds(each.second)));
  note('k', "the same by the bare C API / ctypes", bare.ratio(), text("%.0f ns / %.0f ns", nanoseconds(bare.first), nanoseconds(bare.second)));
}

}  // namespace

int main() {
  RuntimeOptions options;
  options.python = OPHION_BENCHMARK_PYTHON;
  configure(options);
  compare("math.exp", Object::import("math.exp"), "call_exp");
  compare("def square(x)", Object::from_file(plain, "square"), "call_square");
}
