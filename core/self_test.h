/// The few events whose scores a model file keeps, to show that they are still the same.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <ophion/value.h>

namespace ophion {

struct SelfTest {
  std::size_t rows = 0;          ///< 0: the file has none
  std::vector<float> features;   ///< rows × features, before transforms
  std::vector<float> scores;     ///< rows × outputs
  double tolerance = 1e-5;       ///< of a score's size where that is above 1
  bool lazy = false;             ///< scoring them took over 50 ms in training: done before the first use, not at load
  std::string machine;           ///< see machine_of
  Value versions = Value::object();  ///< Backend::versions in training
};

/// The processor, what it can do and the number of threads: where these agree, equal versions give equal scores.
std::string machine_of(int threads);

/// Compares scores with those of the file. Throws ModelError, with the versions there and here, when one differs by more than the
/// tolerance. A smaller difference is logged where versions and machine are those of the training: numerical libraries may round
/// differently from call to call (by the alignment of memory), so it is no reason to refuse a model.
void check_self_test(const SelfTest& test, std::span<const float> scores, const Value& versions, const std::string& machine,
                     const std::string& origin);

}  // namespace ophion
