/// From a training's `report`, `should_stop` and `settle` to the host's callback and to what stops the training.
#pragma once

#include "cpython.h"

#include <memory>

#include <ophion/method.h>

#include "ref.h"
#include "stoppable_call.h"

namespace ophion {

/// The host's side of one training. The Python callables may outlive it: they then say "stop" and do nothing else.
class ProgressBridge {
 public:
  /// Both must outlive it.
  ProgressBridge(const TrainContext& context, StoppableCall& call);
  ~ProgressBridge();
  ProgressBridge(const ProgressBridge&) = delete;
  ProgressBridge& operator=(const ProgressBridge&) = delete;

  /// report(epoch, epochs, metrics) -> bool; with the GIL held.
  PyRef report() const;
  /// should_stop() -> bool; with the GIL held.
  PyRef should_stop() const;
  /// settle() -> None: nothing is raised in the training any more; with the GIL held.
  PyRef settle() const;

  /// Whether the host's callback said so. With the GIL held.
  bool stopped() const noexcept;

  /// Throws what the host's callback threw, if it did. That counts more than what Python made of it.
  void rethrow() const;

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace ophion
