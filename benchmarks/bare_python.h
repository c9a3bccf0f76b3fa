/// Python's C API with nothing around it: what Ophion is compared with. One program has one file, which includes this.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#include <numpy/arrayobject.h>

#include <cstdlib>
#include <initializer_list>
#include <string>

#include <ophion/ophion.h>

namespace ophion::benchmarks {

/// Holds the GIL for a scope.
class Hold {
 public:
  Hold() : state_(PyGILState_Ensure()) {}
  ~Hold() { PyGILState_Release(state_); }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

 private:
  PyGILState_STATE state_;
};

inline PyObject* check(PyObject* object) {
  if (object) return object;
  PyErr_Print();
  std::exit(1);
}

/// Lets Ophion start Python, and prepares it for bare calls of modules in benchmarks/plain. All of Python's threads: one.
inline Registry start_python() {
  RuntimeOptions options;
  options.python = OPHION_BENCHMARK_PYTHON;
  configure(options);
  Registry registry({OPHION_BENCHMARK_PLUGINS});
  Payload nothing;
  nothing.members["nothing"] = "";
  registry.method("identity")->load(nothing, Spec{"regression", {"x"}, {}, {"y"}}, Value::object(), {});
  const Hold gil;
  if (_import_array() < 0) check(nullptr);
  PyObject* const folder = check(PyUnicode_FromString(OPHION_SOURCE_DIR "/benchmarks/plain"));
  PyList_Insert(PySys_GetObject("path"), 0, folder);
  Py_DECREF(folder);
  return registry;
}

/// module.name, a new reference. With the GIL held, as all below.
inline PyObject* find(const char* module, const char* name) {
  PyObject* const imported = check(PyImport_ImportModule(module));
  PyObject* const found = check(PyObject_GetAttrString(imported, name));
  Py_DECREF(imported);
  return found;
}

/// callable(*arguments); takes over the references of the arguments.
inline PyObject* call(PyObject* callable, std::initializer_list<PyObject*> arguments) {
  PyObject* const result = check(PyObject_Vectorcall(callable, arguments.begin(), arguments.size(), nullptr));
  for (PyObject* argument : arguments) Py_DECREF(argument);
  return result;
}

inline PyObject* to_text(const std::string& text) { return check(PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()))); }
inline PyObject* to_bytes(const std::string& text) { return check(PyBytes_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()))); }

/// A NumPy array over the program's own memory.
template <class T>
PyObject* array_over(const T* numbers, std::initializer_list<npy_intp> shape, int type) {
  return check(PyArray_SimpleNewFromData(static_cast<int>(shape.size()), shape.begin(), type, const_cast<T*>(numbers)));
}

}  // namespace ophion::benchmarks
