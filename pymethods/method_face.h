/// The Python module behind a method, as C++ functions. With the GIL held; the other side is ophion.contract.
#pragma once

#include "cpython.h"

#include <map>
#include <string>
#include <vector>

#include <ophion/method.h>
#include <ophion/py_method_base.h>

#include "loan.h"
#include "progress.h"
#include "ref.h"

namespace ophion {

/// A plug-in's module, imported and checked against the contract once; borrowed, kept for ever. `kind`: "method", "reader", "tool".
/// `plugin` is the plug-in's object itself: the module may lie beside the shared object that holds the object's class.
/// `of`: whose module it is, for errors.
PyObject* face_module(const std::string& module, const char* kind, const void* plugin, const std::string& of = "");

using Members = std::map<std::string, std::string>;

/// One method's face, for work on one config. What fails in it names the user's script.
class MethodFace {
 public:
  MethodFace(const PyMethodBase& method, const Value& options);

  /// What the module says in TASKS; all where it doesn't.
  std::vector<std::string> tasks() const;
  /// "mlp.py", or the estimator, or the method's own name where the user gave no code.
  const std::string& who() const noexcept { return who_; }
  /// "mlp.py: train()", for errors.
  std::string doing(const char* function) const { return who_ + ": " + function + "()"; }

  void check(PyObject* context) const;
  PyRef train(PyObject* data, PyObject* context) const;
  Members save(PyObject* model) const;
  PyRef load(const Members& members, PyObject* context) const;
  bool carries_code(const Members& members) const;
  /// Puts the neutral form of a model into the payload, or why there is none.
  void export_native(PyObject* model, Payload& payload) const;
  /// Puts the ONNX form of a model into the payload where the config asks for it, or why there is none.
  void export_onnx(PyObject* model, PyObject* context, Payload& payload) const;
  /// {package: version} of what the model's scores depend on.
  Value versions(PyObject* model) const;
  /// {"name", "values": [{"feature", "value"}]}, or null where the trainer has no measure of its own.
  Value importance(PyObject* model) const;
  /// predict(model, x): what is called for every batch.
  PyRef predict_function() const;

 private:
  PyObject* module_;  // borrowed from face_module
  const PyMethodTraits& traits_;  // the method's, which outlives this
  std::string who_;
};

/// An ophion.contract.Context. Without a `host` it has nobody to report to and nobody who stops it.
PyRef make_context(const TrainContext& context, int threads, bool rehearsal, const ProgressBridge* host = nullptr);

/// An ophion.contract.TrainingData whose arrays are lent.
PyRef make_training_data(const TrainingData& data, Loan& loan);

/// The threads of NumPy's, scikit-learn's and PyTorch's libraries, limited while it lives; 0 leaves them alone.
class ThreadLimit {
 public:
  explicit ThreadLimit(int threads);
  ~ThreadLimit();
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  PyRef manager_;
};

/// The limit that holds: the method's own, else that of RuntimeOptions.
int threads_for(const CallOptions& call);

}  // namespace ophion
