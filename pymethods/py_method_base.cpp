/// The verbs of all methods that live in Python.
#include <ophion/py_method_base.h>

#include "cpython.h"

#include <ophion/error.h>

#include "c_output.h"
#include "fingerprint.h"
#include "method_face.h"
#include "numpy_api.h"
#include "progress.h"
#include "py_backend.h"
#include "rehearsal.h"
#include "scope.h"
#include "stoppable_call.h"

namespace ophion {
namespace {

/// Trains and saves; the trained object and all that Python made of the events is gone when this returns.
Payload train_and_save(const MethodFace& face, const TrainingData& data, const TrainContext& context, int threads,
                       const Deadline& deadline, Loan& loan) {
  StoppableCall training(face.doing("train"), deadline, StoppableCall::Interrupts::heeded);
  const ProgressBridge host(context, training);
  PyRef model;
  try {
    model = training.run([&] {
      const PyRef described = make_context(context, threads, false, &host);
      return face.train(make_training_data(data, loan).get(), described.get());
    });
  } catch (const Error&) {
    host.rethrow();
    throw;
  }
  host.rethrow();
  // There is a model: no interruption may lose it, and it has as long to be saved as it had to be trained.
  StoppableCall saving(face.doing("save"), Deadline(context.call.time_limit), StoppableCall::Interrupts::ignored);
  return saving.run([&] {
    Payload payload;
    payload.members = face.save(model.get());
    face.export_native(model.get(), payload);
    face.export_onnx(model.get(), make_context(context, threads, false).get(), payload);
    payload.info.set("versions", face.versions(model.get()));
    payload.info.set("importance", face.importance(model.get()));
    payload.info.set("carries_code", face.carries_code(payload.members));
    payload.stopped = training.was_stopped() || host.stopped();
    return payload;
  });
}

}  // namespace

void PyMethodBase::check(const TrainContext& context) const {
  const PythonScope scope;
  ensure_numpy();
  const MethodFace face(*this, context.options);
  face.check(make_context(context, threads_for(context.call), false).get());
}

Payload PyMethodBase::train(const TrainingData& data, const TrainContext& context) const {
  if (data.train.rows() == 0) throw DataError("method '" + context.name + "': there are no events to train on");
  const PythonScope scope;
  ensure_numpy();
  const CapturedOutput captured;
  const MethodFace face(*this, context.options);
  const int threads = threads_for(context.call);
  const ThreadLimit limit(threads);
  const Deadline deadline(context.call.time_limit);
  rehearse(face, data, context, threads, deadline);
  Loan loan;
  const Fingerprint events(data);
  Payload payload = train_and_save(face, data, context, threads, deadline, loan);
  events.demand_unchanged(face.who());
  loan.demand_back(face.who(), "train");
  return payload;
}

bool PyMethodBase::carries_code(const Payload& payload) const {
  const PythonScope scope;
  ensure_numpy();
  return MethodFace(*this, Value::object()).carries_code(payload.members);
}

std::unique_ptr<Backend> PyMethodBase::load(const Payload& payload, const Spec& spec, const Value& options,
                                            const CallOptions& call) const {
  const PythonScope scope;
  ensure_numpy();
  const MethodFace face(*this, options);
  TrainContext context;
  const Value* name = options.find("name");
  context.name = name && name->is_text() ? name->as_text() : traits().name;
  context.spec = spec;
  context.options = options;
  const int threads = threads_for(call);
  const ThreadLimit limit(threads);
  StoppableCall loading(face.doing("load"), Deadline(call.time_limit), StoppableCall::Interrupts::ignored);
  PyRef model = loading.run([&] { return face.load(payload.members, make_context(context, threads, false).get()); });
  return std::make_unique<PyBackend>(face, std::move(model), spec, call);
}

}  // namespace ophion
