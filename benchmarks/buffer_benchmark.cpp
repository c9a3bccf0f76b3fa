/// Memory that both sides keep: np.asarray of a Buffer beside that of nanobind's ndarray, a view beside the buffer protocol alone.
/// buffer_benchmark FOLDER: where nanobind_buffer is, if it was built.
#include "bare_python.h"
#include "measure.h"

#include <string>
#include <vector>

#include <ophion/buffer.h>
#include <ophion/view.h>

using namespace ophion;
using namespace ophion::benchmarks;

namespace {

/// Nanoseconds a call of either, by turns, with the GIL held as their caller says.
template <class First, class Second>
void compare(const std::string& what, double goal, First&& first, Second&& second) {
  constexpr int calls = 20'000;
  const auto many = [](auto& work) {
    return [&work] {
      for (int i = 0; i < calls; ++i) work();
    };
  };
  many(first)();
  many(second)();
  const Pair times = interleave(101, many(first), many(second));
  const std::string details = text("%.0f ns / %.0f ns", 1e9 * median(times.first) / calls, 1e9 * median(times.second) / calls);
  if (goal > 0) report('m', what, times.ratio(), goal, details);
  else note('m', what, times.ratio(), details);
}

PyObject* new_array() { return call(find("numpy", "zeros"), {PyLong_FromLong(1000), to_text("float32")}); }

void asarray(const char* folder) {
  PyObject* const path = to_text(folder);
  PyList_Insert(PySys_GetObject("path"), 0, path);
  Py_DECREF(path);
  PyObject* const module = PyImport_ImportModule("nanobind_buffer");
  if (!module) {
    PyErr_Clear();
    std::puts("m | nanobind is not installed: np.asarray of a Buffer has nothing to be compared with");
    return;
  }
  Py_DECREF(module);
  PyObject* const convert = find("numpy", "asarray");
  const auto times = [&](const std::string& what, const Object& ours, const char* maker) {
    PyObject* const theirs = call(find("nanobind_buffer", maker), {});
    const auto converted = [convert](PyObject* object) {
      return [convert, object] { Py_DECREF(check(PyObject_Vectorcall(convert, &object, 1, nullptr))); };
    };
    compare("np.asarray of " + what + ", Buffer / nanobind::ndarray", 1, converted(ours.get()), converted(theirs));
    Py_DECREF(theirs);
  };
  times("1,000 floats", Buffer<float>::zeros(1000).object(), "vector");
  times("100 x 10 floats", Buffer<float>::zeros(100, 10).object(), "matrix");
}

/// PyObject_GetBuffer and release, with what a view needs to know: the format, the strides.
auto get_buffer(PyObject* object) {
  return [object] {
    Py_buffer buffer;
    if (PyObject_GetBuffer(object, &buffer, PyBUF_RECORDS_RO) < 0) check(nullptr);
    PyBuffer_Release(&buffer);
  };
}

float seen;

void views() {
  const Object array = Object::steal(new_array());
  const auto view_of = [](const Object& object) {
    return [&object] { seen += view<float>(object)[0]; };
  };
  compare("view<float>(array) / GetBuffer and release", 2, view_of(array), get_buffer(array.get()));
  const Object memoryview = Object::steal(check(PyMemoryView_FromObject(array.get())));
  compare("view<float>(memoryview) / the same", 0, view_of(memoryview), get_buffer(memoryview.get()));
  PyThreadState* const state = PyEval_SaveThread();
  compare("view<float>(array), taking the GIL / the same in Hold", 0, view_of(array), [take = get_buffer(array.get())] {
    const Hold gil;
    take();
  });
  PyEval_RestoreThread(state);
}

}  // namespace

int main(int count, char** arguments) {
  RuntimeOptions options;
  options.python = OPHION_BENCHMARK_PYTHON;
  configure(options);
  Buffer<float>::zeros(1).object();  // starts Python
  const Hold gil;
  if (count > 1) asarray(arguments[1]);
  views();
}
