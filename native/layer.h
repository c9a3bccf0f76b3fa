/// A dense layer as the kernels take it.
#pragma once

#include <cstddef>

namespace ophion::native {

/// Numbers in a panel of weights: two vectors of 16. Rows of results are whole panels.
constexpr std::size_t panel = 32;
/// Layers of no more outputs than this are narrow: theirs are the weights of one output after another, without panels.
constexpr std::size_t most_narrow = 8;

/// out[r][j] = bias[j] + Σ in[r][i] × weights of (i, j), and no less than `least`.
struct Layer {
  const float* weights;  ///< [j/panel][i][j%panel], whole panels; of a narrow layer [j][i]
  const float* bias;     ///< whole panels
  std::size_t inputs;
  std::size_t outputs;
  float least;           ///< of an output: 0 with relu, else -infinity
};

/// Rows of `in` and `out` are as far apart as their strides say, in numbers. Each row gets the same bits in whatever company.
using LayerKernel = void (*)(const Layer& layer, const float* in, std::size_t in_stride, float* out, std::size_t out_stride, std::size_t rows);

}  // namespace ophion::native
