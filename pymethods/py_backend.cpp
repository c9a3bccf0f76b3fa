/// The way of every event: nothing here is slower than it must be.
#include "py_backend.h"

#include <array>
#include <bit>
#include <optional>

#include <ophion/error.h>

#include "call.h"
#include "core/isolation/worker_service.h"
#include "guest.h"
#include "interpreter.h"
#include "scope.h"
#include "scores.h"
#include "shutdown.h"
#include "stoppable_call.h"

namespace ophion {
namespace {

/// In a worker nobody else uses the libraries: a limit stays from call to call instead of costing each of them 25 µs. It is made
/// anew now and then, for libraries that were loaded meanwhile. With the GIL held.
void limit_worker(int threads, bool anew) {
  static auto& kept = *new std::optional<ThreadLimit>();
  static int kept_for = 0;
  if (threads == kept_for && !anew) return;
  kept.reset();
  kept_for = threads;
  if (threads > 0) kept.emplace(threads);
}

}  // namespace

PyBackend::PyBackend(const MethodFace& face, PyRef model, const Spec& spec, const CallOptions& call)
    : predict_(face.predict_function()),
      model_(std::move(model)),
      features_(spec.features.size()),
      outputs_(spec.outputs()),
      threads_(threads_for(call)),
      time_limit_(call.time_limit),
      who_(face.who()),
      doing_(face.who() + ": predict()"),
      versions_(face.versions(model_.get())) {}

const std::string& PyBackend::name() const noexcept {
  static const std::string python = "python";
  return python;
}

/// Who holds the GIL, or comes when Python is being stopped, would wait for ever.
bool PyBackend::may_wait() const noexcept { return python_running() && !on_exit_thread() && PyGILState_Check() == 0; }

void PyBackend::demand_shapes(const MatrixView& features, std::size_t scores) const {
  if (features.type() != DType::float32) throw Error(doing_ + ": expected float32 features, found float64");
  if (features.columns() != features_) {
    throw Error(doing_ + ": expected " + std::to_string(features_) + " features, found " +
                std::to_string(features.columns()));
  }
  if (scores != features.rows() * outputs_) {
    throw Error(doing_ + ": expected room for " + std::to_string(features.rows() * outputs_) + " scores, found " +
                std::to_string(scores));
  }
}

void PyBackend::score(const MatrixView& features, std::span<float> out) const {
  Loan loan;
  {
    const PyRef events = loan.lend(features);
    // The first place is free for vectorcall's own use.
    std::array<PyObject*, 3> arguments{nullptr, model_.get(), events.get()};
    const PyRef scores =
        check(PyObject_Vectorcall(predict_.get(), arguments.data() + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr), doing_);
    take_scores(scores.get(), features, out, who_);
  }
  loan.demand_back(who_, "predict");
}

void PyBackend::predict(const MatrixView& features, std::span<float> out) const {
  demand_shapes(features, out.size());
  if (features.rows() == 0) return;
  bool is_first = false;
  {
    const CallScope scope;
    is_first = ++calls_ == 1;
    std::optional<ThreadLimit> limit;
    if (in_worker()) limit_worker(threads_, std::has_single_bit(calls_));
    else if (threads_ > 0) limit.emplace(threads_);
    std::optional<Guest> guest;
    if (changes_things_ || std::has_single_bit(calls_)) guest.emplace(doing_, Guest::Call::prediction);
    if (time_limit_ > 0) {
      StoppableCall(doing_, Deadline(time_limit_), StoppableCall::Interrupts::ignored).run([&] { score(features, out); });
    } else {
      score(features, out);
    }
    if (guest && guest->leave()) changes_things_ = true;
  }
  if (is_first) renew_exit_hook();  // it may load libraries
}

}  // namespace ophion
