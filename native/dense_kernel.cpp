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
#elif defined(__AVX2__)
constexpr size_t tile = 3;  // 12 of 16 registers
#else
constexpr size_t tile = 1;
#endif

template <size_t rows>
inline __attribute__((always_inline)) void some_rows(const float* in, size_t in_stride, size_t inputs, const float* weights,
                                                     const float* bias, bool relu, float* out, size_t out_stride) {
  Vector sums[rows][2];
  const Vector first = *reinterpret_cast<const Vector*>(bias);
  const Vector second = *reinterpret_cast<const Vector*>(bias + lanes);
#pragma GCC unroll 16
  for (size_t r = 0; r < rows; ++r) {
    sums[r][0] = first;
    sums[r][1] = second;
  }
  for (size_t i = 0; i < inputs; ++i) {
    const Vector a = *reinterpret_cast<const Vector*>(weights + i * panel);
    const Vector b = *reinterpret_cast<const Vector*>(weights + i * panel + lanes);
#pragma GCC unroll 16
    for (size_t r = 0; r < rows; ++r) {
      const float x = in[r * in_stride + i];
      sums[r][0] += a * x;
      sums[r][1] += b * x;
    }
  }
#pragma GCC unroll 16
  for (size_t r = 0; r < rows; ++r) {
    for (size_t half = 0; half < 2; ++half) {
      Vector sum = sums[r][half];
      const Vector zero = {};
      if (relu) sum = sum < zero ? zero : sum;  // NaN stays
      *reinterpret_cast<Vector*>(out + r * out_stride + half * lanes) = sum;
    }
  }
}

void dense(const float* in, size_t in_stride, size_t inputs, const float* weights, const float* bias, bool relu, float* out,
           size_t out_stride, size_t rows) {
  for (size_t column = 0; column < out_stride; column += panel) {
    const float* const some = weights + column * inputs;
    size_t r = 0;
    for (; r + tile <= rows; r += tile) {
      some_rows<tile>(in + r * in_stride, in_stride, inputs, some, bias + column, relu, out + r * out_stride + column, out_stride);
    }
    for (; r < rows; ++r) {
      some_rows<1>(in + r * in_stride, in_stride, inputs, some, bias + column, relu, out + r * out_stride + column, out_stride);
    }
  }
}

}  // namespace

extern const Kernels kernels;
const Kernels kernels{dense};

}  // namespace ophion::native::OPHION_ISA_NAME
