/// A dense layer on a block of rows. This file is compiled once for each instruction set, into a namespace of its own (OPHION_ISA_NAME);
/// it uses nothing of the standard library, whose functions the linker would take from any of the builds.
#include "kernels.h"

namespace ophion::native::OPHION_ISA_NAME {
namespace {

using std::size_t;

/// 16 numbers: a register of AVX-512, two of AVX2, four of SSE or NEON.
using Vector = float __attribute__((vector_size(64), aligned(4), may_alias));
constexpr size_t lanes = 16;
#if defined(__AVX512F__)
constexpr size_t tile = 12;  // rows at once: 24 of 32 registers hold sums
constexpr size_t most_panels = 5;  // of a row alone
#elif defined(__AVX2__)
constexpr size_t tile = 3;  // 12 of 16 registers
constexpr size_t most_panels = 2;
#else
constexpr size_t tile = 1;
constexpr size_t most_panels = 1;
#endif

/// `rows` rows of `panels` panels. However many there are, each sum adds in the same order: a row alone gets the bits it gets among others.
template <size_t rows, size_t panels>
inline __attribute__((always_inline)) void some_rows(const float* in, size_t in_stride, size_t inputs, const float* weights,
                                                     const float* bias, bool relu, float* out, size_t out_stride) {
  constexpr size_t vectors = panels * panel / lanes;
  Vector sums[rows][vectors];
#pragma GCC unroll 16
  for (size_t r = 0; r < rows; ++r) {
#pragma GCC unroll 16
    for (size_t v = 0; v < vectors; ++v) sums[r][v] = *reinterpret_cast<const Vector*>(bias + v * lanes);
  }
  for (size_t i = 0; i < inputs; ++i) {
    Vector weight[vectors];
#pragma GCC unroll 16
    for (size_t v = 0; v < vectors; ++v) {
      weight[v] = *reinterpret_cast<const Vector*>(weights + (v * lanes / panel * inputs + i) * panel + v * lanes % panel);
    }
#pragma GCC unroll 16
    for (size_t r = 0; r < rows; ++r) {
      const float x = in[r * in_stride + i];
#pragma GCC unroll 16
      for (size_t v = 0; v < vectors; ++v) sums[r][v] += weight[v] * x;
    }
  }
#pragma GCC unroll 16
  for (size_t r = 0; r < rows; ++r) {
#pragma GCC unroll 16
    for (size_t v = 0; v < vectors; ++v) {
      Vector sum = sums[r][v];
      const Vector zero = {};
      if (relu) sum = sum < zero ? zero : sum;  // NaN stays
      *reinterpret_cast<Vector*>(out + r * out_stride + v * lanes) = sum;
    }
  }
}

/// A row alone waits for its own sums: several panels at once keep more of them under way.
template <size_t panels>
inline size_t row_alone(const float* in, size_t inputs, const float* weights, const float* bias, bool relu, float* out, size_t column, size_t width) {
  for (; column + panels * panel <= width; column += panels * panel) {
    some_rows<1, panels>(in, 0, inputs, weights + column * inputs, bias + column, relu, out + column, 0);
  }
  return column;
}

void dense(const float* in, size_t in_stride, size_t inputs, const float* weights, const float* bias, bool relu, float* out,
           size_t out_stride, size_t rows) {
  const size_t tiled = rows / tile * tile;
  for (size_t column = 0; column < out_stride && tiled > 0; column += panel) {
    const float* const some = weights + column * inputs;
    for (size_t r = 0; r < tiled; r += tile) {
      some_rows<tile, 1>(in + r * in_stride, in_stride, inputs, some, bias + column, relu, out + r * out_stride + column, out_stride);
    }
  }
  for (size_t r = tiled; r < rows; ++r) {
    size_t column = row_alone<most_panels>(in + r * in_stride, inputs, weights, bias, relu, out + r * out_stride, 0, out_stride);
    column = row_alone<2>(in + r * in_stride, inputs, weights, bias, relu, out + r * out_stride, column, out_stride);
    row_alone<1>(in + r * in_stride, inputs, weights, bias, relu, out + r * out_stride, column, out_stride);
  }
}

}  // namespace

extern const Kernels kernels;
const Kernels kernels{dense};

}  // namespace ophion::native::OPHION_ISA_NAME
