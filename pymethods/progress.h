/// From a script's `ctx.report(…)` and `ctx.should_stop` to the host's callback.
#pragma once

#include "cpython.h"

#include <memory>

#include <ophion/method.h>

#include "ref.h"

namespace ophion {

/// The host's side of one training. The Python callables may outlive it: they then say "stop" and do nothing else.
class ProgressBridge {
 public:
  explicit ProgressBridge(const TrainContext& context);
  ~ProgressBridge();
  ProgressBridge(const ProgressBridge&) = delete;
  ProgressBridge& operator=(const ProgressBridge&) = delete;

  /// report(epoch, epochs, metrics) -> bool; with the GIL held.
  PyRef report() const;
  /// should_stop() -> bool; with the GIL held.
  PyRef should_stop() const;

  /// Throws what the host's callback threw, if it did. That counts more than what Python made of it.
  void rethrow() const;

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace ophion
