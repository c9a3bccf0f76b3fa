/// A dense layer on a block of rows. This file is compiled once for each instruction set, into a namespace of its own (OPHION_ISA_NAME);
/// it uses nothing of the standard library, whose functions the linker would take from any of the builds.
#include "kernels.h"

namespace ophion::native::OPHION_ISA_NAME {
namespace {

using std::size_t;

// A vector is one register: gcc takes wider ones apart by way of memory.
#if defined(__AVX512F__)
constexpr size_t lanes = 16;
constexpr size_t tile = 6;         // rows at once: 24 of 32 registers hold sums
constexpr size_t chains = 2;       // in which a sum is added up, so that a row alone does not wait for its own additions
constexpr size_t most_panels = 5;  // of a row alone
#elif defined(__AVX2__)
constexpr size_t lanes = 8;
constexpr size_t tile = 3;  // 12 of 16 registers
constexpr size_t chains = 1;
constexpr size_t most_panels = 2;
#else
constexpr size_t lanes = 4;
constexpr size_t tile = 1;
constexpr size_t chains = 1;
constexpr size_t most_panels = 1;
#endif
using Vector = float __attribute__((vector_size(lanes * sizeof(float))));

/// Wherever it lies: a program's events are aligned as floats are.
template <class V>
inline __attribute__((always_inline)) V read(const float* numbers) {
  V vector;
  __builtin_memcpy(&vector, numbers, sizeof vector);
  return vector;
}
inline Vector at(const float* numbers) { return read<Vector>(numbers); }
inline void put(float* to, Vector vector) { __builtin_memcpy(to, &vector, sizeof vector); }

/// For what is left of a row.
using Four = float __attribute__((vector_size(16)));
inline Four four_at(const float* numbers) { return read<Four>(numbers); }

/// `rows` rows of `panels` panels. However many there are, each sum adds in the same order: a row alone gets the bits it gets among others.
template <size_t rows, size_t panels>
inline __attribute__((always_inline)) void some_rows(const float* in, size_t in_stride, size_t inputs, const float* weights,
                                                     const float* bias, bool relu, float* out, size_t out_stride) {
  constexpr size_t vectors = panels * panel / lanes;
  Vector sums[chains][rows][vectors];
#pragma GCC unroll 16
  for (size_t r = 0; r < rows; ++r) {
#pragma GCC unroll 16
    for (size_t v = 0; v < vectors; ++v) {
      sums[0][r][v] = at(bias + v * lanes);
#pragma GCC unroll 4
      for (size_t c = 1; c < chains; ++c) sums[c][r][v] = Vector{};
    }
  }
  const auto add = [&](size_t i, size_t c) __attribute__((always_inline)) {
    Vector weight[vectors];
#pragma GCC unroll 16
    for (size_t v = 0; v < vectors; ++v) weight[v] = at(weights + (v * lanes / panel * inputs + i) * panel + v * lanes % panel);
#pragma GCC unroll 16
    for (size_t r = 0; r < rows; ++r) {
      const float x = in[r * in_stride + i];
#pragma GCC unroll 16
      for (size_t v = 0; v < vectors; ++v) sums[c][r][v] += weight[v] * x;
    }
  };
  size_t i = 0;
  for (; i + chains <= inputs; i += chains) {
#pragma GCC unroll 4
    for (size_t c = 0; c < chains; ++c) add(i + c, c);
  }
  for (; i < inputs; ++i) add(i, 0);
#pragma GCC unroll 16
  for (size_t r = 0; r < rows; ++r) {
#pragma GCC unroll 16
    for (size_t v = 0; v < vectors; ++v) {
      Vector sum = sums[0][r][v];
#pragma GCC unroll 4
      for (size_t c = 1; c < chains; ++c) sum += sums[c][r][v];
      const Vector zero = {};
      if (relu) sum = sum < zero ? zero : sum;  // NaN stays
      put(out + r * out_stride + v * lanes, sum);
    }
  }
}

/// A row alone has few sums: several panels at once keep more of them under way.
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

/// Few outputs: products of rows, instead of panels that would be empty for the most part.
void narrow(const float* in, size_t in_stride, size_t inputs, const float* weights, const float* bias, bool relu, float* out,
            size_t out_stride, size_t outputs, size_t rows) {
  constexpr size_t under_way = 4;
  for (size_t r = 0; r < rows; ++r) {
    const float* const x = in + r * in_stride;
    for (size_t o = 0; o < outputs; ++o) {
      const float* const weight = weights + o * inputs;
      Vector sums[under_way] = {};
      size_t i = 0;
      for (; i + under_way * lanes <= inputs; i += under_way * lanes) {
#pragma GCC unroll 4
        for (size_t k = 0; k < under_way; ++k) sums[k] += at(x + i + k * lanes) * at(weight + i + k * lanes);
      }
      for (; i + lanes <= inputs; i += lanes) sums[0] += at(x + i) * at(weight + i);
      Four fours = {};
      for (; i + 4 <= inputs; i += 4) fours += four_at(x + i) * four_at(weight + i);
      float rest = bias[o];
      for (; i < inputs; ++i) rest += x[i] * weight[i];
      const Vector all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
      float part[lanes];
      put(part, all);
#pragma GCC unroll 4
      for (size_t half = lanes / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
        for (size_t k = 0; k < half; ++k) part[k] += part[k + half];
      }
      float sum = (part[0] + rest) + ((fours[0] + fours[2]) + (fours[1] + fours[3]));
      if (relu && sum < 0) sum = 0;  // NaN stays
      out[r * out_stride + o] = sum;
    }
  }
}

/// exp(x) by 2^n exp(r), |r| <= ln(2)/2: n by adding a number so large that what is behind the point falls off, exp(r) by Taylor's series, whose
/// seventh term is below float's resolution. Held within what 2^n can be; NaN stays.
inline Vector exponential(Vector x) {
  constexpr float most = 87.0f, log2_e = 1.44269504f, shift = 12582912.0f;  // 1.5 × 2^23
  constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;       // exact products with n
  using Bits = int __attribute__((vector_size(sizeof(Vector))));
  x = x > most ? Vector{} + most : x;
  x = x < -most ? Vector{} - most : x;
  const Vector shifted = x * log2_e + shift;
  const Vector n = shifted - shift;
  const Vector r = (x - n * ln2_high) - n * ln2_low;
  constexpr float terms[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 1.0f / 2, 1.0f, 1.0f};
  Vector sum = Vector{} + 1.0f / 5040;
#pragma GCC unroll 8
  for (const float term : terms) sum = sum * r + term;
  Bits bits;
  __builtin_memcpy(&bits, &shifted, sizeof bits);
  bits = (bits << 23) + (127 << 23);  // of 2^n
  Vector power;
  __builtin_memcpy(&power, &bits, sizeof power);
  return sum * power;
}

void logistic(float* numbers, size_t count) {
  for (size_t i = 0; i < count; i += lanes) put(numbers + i, 1.0f / (1.0f + exponential(-at(numbers + i))));
}

}  // namespace

extern const Kernels kernels;
const Kernels kernels{dense, narrow, logistic};

}  // namespace ophion::native::OPHION_ISA_NAME
