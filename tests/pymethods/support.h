/// The one interpreter of a test program, with the tests' own modules on its path.
#pragma once

#include "pymethods/cpython.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include <ophion/py_method_base.h>

#include "core/python_launcher.h"
#include "pymethods/call.h"
#include "pymethods/interpreter.h"
#include "pymethods/numpy_api.h"
#include "pymethods/scope.h"

namespace ophion::testing_support {

inline void add_to_path(const std::string& folder) {
  check(PyList_Insert(PySys_GetObject("path"), 0, to_text(folder).get()), "changing sys.path");
}

inline void start_test_python() {
  static const bool started = [] {
    PythonChoice choice;
    choice.executable = OPHION_TEST_PYTHON;
    start_python(choice);
    const Gil gil;
    add_to_path(OPHION_SOURCE_DIR "/python_scripts");
    add_to_path(OPHION_SOURCE_DIR "/tests/pymethods/modules");
    ensure_numpy();
    return true;
  }();
  static_cast<void>(started);
}

/// module.function(*arguments), with the GIL held.
inline PyRef call_function(const char* module, const char* function, std::initializer_list<PyObject*> arguments = {}) {
  const PyRef callable = check(PyObject_GetAttrString(import_module(module).get(), function), "looking up a function");
  return call(callable.get(), arguments, std::string("calling ") + function);
}

/// The method whose Python face is modules/probe_method.py.
class ProbeMethod final : public PyMethodBase {
 public:
  const PyMethodTraits& traits() const noexcept override {
    static const PyMethodTraits traits{{"probe", {"classification", "regression"}}, "probe_method"};
    return traits;
  }
};

class PythonTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { start_test_python(); }
};

}  // namespace ophion::testing_support
