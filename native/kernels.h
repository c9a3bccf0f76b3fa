/// The loops that are built once for each instruction set.
#pragma once

#include <cstddef>

#include "isa.h"
#include "leaf_sets.h"

namespace ophion::native {

/// Numbers in a panel of weights: two vectors of 16. Rows of results are whole panels.
constexpr std::size_t panel = 32;
/// Layers of no more outputs than this are narrow: theirs are the weights of one output after another, without panels.
constexpr std::size_t most_narrow = 8;

struct Kernels {
  /// out[r][j] = bias[j] + Σ in[r][i] × weights[j/panel][i][j%panel], for `rows` rows and whole panels; `relu`: at least 0.
  void (*dense)(const float* in, std::size_t in_stride, std::size_t inputs, const float* weights, const float* bias, bool relu,
                float* out, std::size_t out_stride, std::size_t rows);
  /// out[r][j] = bias[j] + Σ in[r][i] × weights[j][i] for `outputs` j.
  void (*narrow)(const float* in, std::size_t in_stride, std::size_t inputs, const float* weights, const float* bias, bool relu,
                 float* out, std::size_t out_stride, std::size_t outputs, std::size_t rows);
  /// numbers[i] = 1 / (1 + exp(-numbers[i])), to two units in the last place; whole vectors of 16.
  void (*logistic)(float* numbers, std::size_t count);
};

const Kernels& kernels(Isa isa) noexcept;
const LeafSetKernels& leaf_set_kernels(Isa isa) noexcept;

}  // namespace ophion::native
