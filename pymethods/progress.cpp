/// The callables that a training gets, as C functions.
#include "progress.h"

#include <exception>
#include <string>
#include <utility>

#include <ophion/runtime.h>

#include "call.h"
#include "gil.h"
#include "value.h"

namespace ophion {

/// Guarded by the GIL.
struct ProgressBridge::State {
  const TrainContext* context = nullptr;  // null once the training is over
  StoppableCall* call = nullptr;          // the same
  std::exception_ptr failure;  // what the host's callback threw
  bool stop = false;           // the host does not want to go on
};

namespace {

using State = ProgressBridge::State;
constexpr const char* capsule_name = "ophion.progress";

State& state_of(PyObject* capsule) {
  return **static_cast<std::shared_ptr<State>*>(PyCapsule_GetPointer(capsule, capsule_name));
}

PyRef make_capsule(const std::shared_ptr<State>& state) {
  auto owned = std::make_unique<std::shared_ptr<State>>(state);
  PyRef capsule = check(PyCapsule_New(owned.get(), capsule_name,
                                      [](PyObject* object) {
                                        delete static_cast<std::shared_ptr<State>*>(PyCapsule_GetPointer(object, capsule_name));
                                      }),
                        "preparing a training");
  static_cast<void>(owned.release());
  return capsule;
}

Progress read_progress(const TrainContext& context, long long epoch, long long epochs, const Value& metrics) {
  Progress progress;
  progress.method = context.name;
  progress.epoch = epoch;
  progress.epochs = epochs;
  for (const auto& [name, value] : metrics.as_object()) progress.metrics.emplace_back(name, value.as_number());
  return progress;
}

/// A thread of the script's may be in the host's code when the training ends, and the call with it. Both ends with the GIL held.
class InHost {
 public:
  explicit InHost(State& state) noexcept : state_(state) { state_.call->enter_host(); }
  ~InHost() {
    if (state_.call) state_.call->leave_host();
  }
  InHost(const InHost&) = delete;
  InHost& operator=(const InHost&) = delete;

 private:
  State& state_;
};

/// Asks the host, without the GIL; what it throws is kept for `rethrow`.
bool ask_host(State& state, const Progress& progress) {
  // A copy: another thread of the script's may end the training while this one waits for the host.
  const ProgressCallback callback = state.context->progress;
  if (!callback) return progress.keep_going();
  try {
    const InHost in_host(state);
    const GilRelease released;
    return callback(progress) && progress.keep_going();
  } catch (...) {
    state.failure = std::current_exception();
    return false;
  }
}

PyObject* report(PyObject* capsule, PyObject* arguments) {
  long long epoch = 0, epochs = 0;
  PyObject* metrics = nullptr;
  if (!PyArg_ParseTuple(arguments, "LLO!:report", &epoch, &epochs, &PyDict_Type, &metrics)) return nullptr;
  const std::shared_ptr<State> state = *static_cast<std::shared_ptr<State>*>(PyCapsule_GetPointer(capsule, capsule_name));
  if (!state->context || state->stop) Py_RETURN_FALSE;
  try {
    const Value numbers = to_value(metrics, "report()");
    state->stop = !ask_host(*state, read_progress(*state->context, epoch, epochs, numbers));
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_ValueError, error.what());
    return nullptr;
  }
  if (state->failure) {  // no script can catch this by `except Exception` and train on for hours
    PyErr_SetString(PyExc_KeyboardInterrupt, "the host's progress callback failed");
    return nullptr;
  }
  return PyBool_FromLong(!state->stop && !(state->call && state->call->should_stop()));
}

PyObject* should_stop(PyObject* capsule, PyObject*) {
  const State& state = state_of(capsule);
  return PyBool_FromLong(!state.context || state.stop || state.call->should_stop());
}

PyObject* settle(PyObject* capsule, PyObject*) {
  const State& state = state_of(capsule);
  if (state.call) state.call->settle();
  Py_RETURN_NONE;
}

PyMethodDef report_definition{"report", report, METH_VARARGS, nullptr};
PyMethodDef should_stop_definition{"should_stop", should_stop, METH_NOARGS, nullptr};
PyMethodDef settle_definition{"settle", settle, METH_NOARGS, nullptr};

PyRef bound(PyMethodDef& definition, const std::shared_ptr<State>& state) {
  return check(PyCFunction_New(&definition, make_capsule(state).get()), "preparing a training");
}

}  // namespace

ProgressBridge::ProgressBridge(const TrainContext& context, StoppableCall& call) : state_(std::make_shared<State>()) {
  state_->context = &context;
  state_->call = &call;
}

ProgressBridge::~ProgressBridge() {
  state_->context = nullptr;
  state_->call = nullptr;
}

PyRef ProgressBridge::report() const { return bound(report_definition, state_); }
PyRef ProgressBridge::should_stop() const { return bound(should_stop_definition, state_); }
PyRef ProgressBridge::settle() const { return bound(settle_definition, state_); }

bool ProgressBridge::stopped() const noexcept { return state_->stop; }

void ProgressBridge::rethrow() const {
  if (state_->failure) std::rethrow_exception(state_->failure);
}

}  // namespace ophion
