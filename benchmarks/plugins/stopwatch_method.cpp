/// The method "stopwatch": learns nothing. Between its check and its training a session reads the events and does nothing else of
/// weight, so that is timed, and told in the error by which it ends the run.
#include <ophion/error.h>
#include <ophion/plugin.h>

#include <memory>
#include <optional>

#include "../measure.h"

namespace {

using namespace ophion;

class StopwatchMethod final : public Method {
 public:
  const MethodTraits& traits() const noexcept override {
    static const MethodTraits traits{"stopwatch", {"classification"}};
    return traits;
  }

  void check(const TrainContext&) const override {
    memory_.emplace();
    begin_ = benchmarks::process_seconds();
  }

  /// "cpu seconds, peak of memory in bytes, what is left of it"
  Payload train(const TrainingData&, const TrainContext&) const override {
    const double seconds = benchmarks::process_seconds() - begin_;
    throw DataError(benchmarks::text("%.9g %.0f %.0f", seconds, memory_->bytes(), memory_->left()));
  }

  bool carries_code(const Payload&) const override { return false; }
  std::unique_ptr<Backend> load(const Payload&, const Spec&, const Value&, const CallOptions&) const override {
    throw ModelError("a stopwatch scores nothing");
  }

 private:
  mutable std::optional<benchmarks::PeakMemory> memory_;
  mutable double begin_ = 0;
};

}  // namespace

OPHION_METHOD("stopwatch", NeedsPython::no, StopwatchMethod)
