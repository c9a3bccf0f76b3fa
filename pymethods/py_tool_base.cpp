/// Tools that live in Python: a job is a Python object with run, finish and abandon.
#include <ophion/py_tool_base.h>

#include "cpython.h"

#include <string>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "call.h"
#include "columns.h"
#include "method_face.h"
#include "numpy_api.h"
#include "scope.h"
#include "value.h"

namespace ophion {
namespace {

class PyJob final : public Job {
 public:
  PyJob(PyRef job, std::string module) : job_(std::move(job)), module_(std::move(module)) {}

  ~PyJob() override {
    if (finished_ || !Gil::available()) return;
    try {
      abandon();
    } catch (const std::exception& error) {
      log(LogLevel::warning, error.what());
    }
  }

  ToolResult run(const Value& arguments, const Columns& data) override {
    const PythonScope scope;
    static Name name("run");
    Loan loan;
    ToolResult result;
    {
      const PyRef lent = lend_columns(data, loan);
      const PyRef given = to_builtin(arguments);
      const PyRef returned = call_method(job_.get(), name, {given.get(), lent.get()}, module_ + ": run()");
      result = take_result(returned.get(), "run");
    }
    loan.demand_back(module_, "run");
    return result;
  }

  ToolResult finish() override {
    const PythonScope scope;
    static Name name("finish");
    const PyRef returned = call_method(job_.get(), name, {}, module_ + ": finish()");
    finished_ = true;
    return take_result(returned.get(), "finish");
  }

 private:
  void abandon() {
    const PythonScope scope;
    static Name name("abandon");
    call_method(job_.get(), name, {}, module_ + ": abandon()");
  }

  /// A dict, or (dict, {name: ndarray}).
  ToolResult take_result(PyObject* returned, const char* function) const {
    const std::string doing = module_ + ": " + function + "()";
    ToolResult result;
    if (!PyTuple_Check(returned)) {
      result.value = to_value(returned, doing);
      return result;
    }
    PyObject* arrays = PyTuple_GET_SIZE(returned) == 2 ? PyTuple_GET_ITEM(returned, 1) : nullptr;
    if (!arrays || !PyDict_Check(arrays)) throw Error(doing + " returned a tuple, expected (dict, {name: ndarray})");
    result.value = to_value(PyTuple_GET_ITEM(returned, 0), doing + "[0]");
    PyObject *key = nullptr, *array = nullptr;
    for (Py_ssize_t position = 0; PyDict_Next(arrays, &position, &key, &array);) {
      const PyRef held = PyRef::borrow(array);
      result.data.push_back(take_column(from_text(key, doing), held.get(), module_));
    }
    return result;
  }

  PyRef job_;
  std::string module_;
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<Job> PyToolBase::start(const Value& arguments) const {
  const PythonScope scope;
  ensure_numpy();
  static Name name("start");
  const std::string& module = python_module();
  PyRef job = call_method(face_module(module, "tool", this), name, {to_builtin(arguments).get()}, module + ": start()");
  return std::make_unique<PyJob>(std::move(job), module);
}

}  // namespace ophion
