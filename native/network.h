/// Feed-forward networks: dense layers, activations, residual sums; linear models are the shortest of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aligned.h"
#include "isa.h"
#include "link_function.h"

namespace ophion::native {

enum class Activation { relu, leaky_relu, elu, selu, gelu, gelu_tanh, silu, tanh, sigmoid, softplus, softmax };

/// One step of a network as it lies in a model file; each works on what the step before it gave.
struct NetworkStep {
  enum class Kind { dense, activation, add };
  Kind kind = Kind::dense;
  std::size_t inputs = 0;       ///< dense: numbers in and out
  std::size_t outputs = 0;
  std::vector<float> weights;   ///< dense: outputs × inputs, as PyTorch keeps them
  std::vector<float> bias;      ///< dense: one an output
  Activation activation = Activation::relu;
  double parameter = 0;         ///< leaky_relu: slope below zero; elu: alpha; softplus: beta
  std::int32_t from = -1;       ///< add: the step whose result is added; -1: the network's input
};

class Network {
 public:
  /// `isa`: the build of the kernels to use. Throws std::invalid_argument where steps don't fit each other or a weight is not finite.
  Network(std::vector<NetworkStep> steps, std::size_t features, Link link, Isa isa = best_isa());

  std::size_t features() const noexcept { return features_; }
  std::size_t outputs() const noexcept { return outputs_; }

  /// Scores rows (strides in elements): `out` gets rows × outputs. Allocates nothing after a thread's first call.
  void score(const float* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows, float* out) const;

 private:
  struct Step {
    NetworkStep::Kind kind;
    std::size_t width;           ///< numbers an event has after it
    std::size_t stride;          ///< the same, up to whole vectors
    std::size_t inputs;          ///< dense
    AlignedVector<float> weights;  ///< dense: in the order of the kernel; a vector must not lie across two cache lines
    AlignedVector<float> bias;     ///< dense: `stride` numbers
    Activation activation;
    float parameter;
    std::size_t from;            ///< add: the place of its other summand; 0: the input
    std::size_t place;           ///< of its result among the scratch's rows; an activation works in place
  };
  struct Scratch;

  std::size_t features_;
  std::size_t outputs_;
  std::size_t input_stride_;
  std::size_t scratch_;  ///< numbers of scratch an event needs
  Link link_;
  const struct Kernels* kernels_;
  std::vector<Step> steps_;
};

}  // namespace ophion::native
