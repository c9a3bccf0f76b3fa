/// Feed-forward networks: dense layers, activations, residual sums; linear models are the shortest of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aligned.h"
#include "isa.h"
#include "layer.h"
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
  Network(Network&&) = default;  // the steps point into their own memory

  std::size_t features() const noexcept { return features_; }
  std::size_t outputs() const noexcept { return outputs_; }

  /// Scores rows (strides in elements): `out` gets rows × outputs. Allocates nothing after a thread's first call.
  void score(const float* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows, float* out) const;

 private:
  struct Step {
    NetworkStep::Kind kind;
    Activation activation;
    float parameter;
    std::size_t from;   ///< add: the slot of its other summand; 0: the input
    std::size_t width;  ///< numbers an event has after it
    std::size_t stride;  ///< from row to row of its result: whole panels, but where it writes the scores themselves
    std::size_t slot;    ///< of the scratch, for its result; an activation works in place; 0: it writes the scores themselves
    AlignedVector<float> weights{};  ///< dense: in the order of the kernel; a vector must not lie across two cache lines
    AlignedVector<float> bias{};
    LayerKernel kernel = nullptr;  ///< dense
    Layer layer{};                 ///< dense: of these weights, with the relu that follows
  };
  struct Rows {
    const float* numbers;
    std::size_t stride;
  };
  Step dense_step(const NetworkStep& given, std::size_t index) const;
  void other_step(const Step& step, Rows now, Rows other, float* result, std::size_t rows) const;

  std::size_t features_;
  std::size_t outputs_;
  std::size_t slot_width_;  ///< numbers of an event that a slot of scratch holds
  std::size_t slots_ = 1;   ///< the first for the input
  Link link_;
  const struct Kernels* kernels_;
  std::vector<Step> steps_;
};

}  // namespace ophion::native
