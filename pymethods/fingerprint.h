/// Whether lent events are still what they were: PyTorch and C extensions know no read-only memory.
#pragma once

#include <cstdint>
#include <string>

#include <ophion/method.h>

namespace ophion {

/// A hash over all numbers of a training's events, at the speed of reading them. No defence against forgery, but no change that a
/// script makes by accident is missed.
class Fingerprint {
 public:
  /// Refers to the data for as long as it lives. Called with the GIL held, and releases it for as long as it takes.
  explicit Fingerprint(const TrainingData& data);
  /// Throws DataError naming `who` when a number is another one now.
  void demand_unchanged(const std::string& who) const;

 private:
  const TrainingData& data_;
  std::uint64_t value_;
};

}  // namespace ophion
