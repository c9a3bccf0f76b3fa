/// Dense layers on a block of rows, and the logistic function. This file is compiled once for each instruction set, into a namespace of its
/// own (OPHION_ISA_NAME); it uses nothing of the standard library, whose functions the linker would take from any of the builds.
#include <utility>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "kernels.h"

namespace ophion::native::OPHION_ISA_NAME {
namespace {

using std::size_t;

// A vector is one register: gcc takes wider ones apart by way of memory.
// Where one of two is not a number, `larger` and `smaller` give the second.
#if defined(__AVX512F__)
constexpr size_t lanes = 16;
constexpr size_t tile = 7;         // rows at once: 28 of 32 registers hold sums
constexpr size_t chains = 2;       // in which a sum is added up, so that a row alone does not wait for its own additions
constexpr size_t most_panels = 5;  // of a row alone
using Vector = __m512;
inline Vector all(float number) { return _mm512_set1_ps(number); }
inline Vector larger(Vector a, Vector b) { return _mm512_max_ps(a, b); }
inline Vector smaller(Vector a, Vector b) { return _mm512_min_ps(a, b); }
inline Vector fused(Vector a, Vector b, Vector sum) { return _mm512_fmadd_ps(a, b, sum); }
#elif defined(__AVX2__)
constexpr size_t lanes = 8;
constexpr size_t tile = 3;  // 12 of 16 registers
constexpr size_t chains = 1;
constexpr size_t most_panels = 2;
using Vector = __m256;
inline Vector all(float number) { return _mm256_set1_ps(number); }
inline Vector larger(Vector a, Vector b) { return _mm256_max_ps(a, b); }
inline Vector smaller(Vector a, Vector b) { return _mm256_min_ps(a, b); }
inline Vector fused(Vector a, Vector b, Vector sum) { return _mm256_fmadd_ps(a, b, sum); }
#else
constexpr size_t lanes = 4;
constexpr size_t tile = 1;
constexpr size_t chains = 1;
constexpr size_t most_panels = 1;
using Vector = float __attribute__((vector_size(lanes * sizeof(float))));
inline Vector all(float number) { return Vector{number, number, number, number}; }
inline Vector larger(Vector a, Vector b) { return a > b ? a : b; }
inline Vector smaller(Vector a, Vector b) { return a < b ? a : b; }
inline Vector fused(Vector a, Vector b, Vector sum) { return sum + a * b; }
#endif
using Words = int __attribute__((vector_size(sizeof(Vector))));

/// Wherever it lies: a program's events are aligned as floats are.
inline Vector at(const float* numbers) {
  Vector vector;
  __builtin_memcpy(&vector, numbers, sizeof vector);
  return vector;
}
inline void put(float* to, Vector vector) { __builtin_memcpy(to, &vector, sizeof vector); }

/// `rows` rows of `vectors` vectors, of one panel or several. However many there are, each sum adds in the same order: a row alone gets the
/// bits it gets among others.
template <size_t rows, size_t vectors>
inline __attribute__((always_inline)) void some_sums(const float* in, size_t in_stride, size_t inputs, const float* weights, const float* bias,
                                                     const float& least, float* out, size_t out_stride) {
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
      const Vector x = all(in[r * in_stride + i]);
#pragma GCC unroll 16
      for (size_t v = 0; v < vectors; ++v) sums[c][r][v] = fused(weight[v], x, sums[c][r][v]);
    }
  };
  size_t i = 0;
  for (; i + chains <= inputs; i += chains) {
#pragma GCC unroll 4
    for (size_t c = 0; c < chains; ++c) add(i + c, c);
  }
  if constexpr (chains > 1) {
    if (i < inputs) add(i, 0);
  }
  const Vector floor = all(least);  // read here: above, the sums need all registers
#pragma GCC unroll 16
  for (size_t r = 0; r < rows; ++r) {
#pragma GCC unroll 16
    for (size_t v = 0; v < vectors; ++v) {
      Vector sum = sums[0][r][v];
#pragma GCC unroll 4
      for (size_t c = 1; c < chains; ++c) sum += sums[c][r][v];
      put(out + r * out_stride + v * lanes, larger(floor, sum));
    }
  }
}

/// `vectors` vectors of all of `count` rows, `rows` at a time; the last of several rows are taken together with some before them once more.
template <size_t rows, size_t vectors>
__attribute__((noinline)) void column_sums(const Layer& layer, size_t column, const float* in, size_t in_stride, float* out, size_t out_stride,
                                           size_t count) {
  const size_t inputs = layer.inputs;
  const float *const weights = layer.weights + column * inputs, *const bias = layer.bias + column;
  out += column;
  if constexpr (rows == 1) {
    for (size_t r = 0; r < count; ++r) some_sums<rows, vectors>(in + r * in_stride, 0, inputs, weights, bias, layer.least, out + r * out_stride, 0);
    return;
  }
  for (;;) {
    some_sums<rows, vectors>(in, in_stride, inputs, weights, bias, layer.least, out, out_stride);
    if (count <= rows) break;
    const size_t next = count >= 2 * rows ? rows : count - rows;
    in += next * in_stride;
    out += next * out_stride;
    count -= next;
  }
}

/// The same for as many columns from `column` on as it suits; where they end.
template <size_t rows, size_t vectors>
inline size_t columns(const Layer& layer, size_t column, const float* in, size_t in_stride, float* out, size_t out_stride, size_t count) {
  constexpr size_t width = vectors * lanes;
  for (; column + width < layer.outputs + panel / 2; column += width) {
    column_sums<rows, vectors>(layer, column, in, in_stride, out, out_stride, count);
  }
  return column;
}

void dense(const Layer& layer, const float* in, size_t in_stride, float* out, size_t out_stride, size_t rows) {
  constexpr size_t whole = panel / lanes;
  size_t column = 0;
  if (rows >= tile && rows > 1) {
    column = columns<tile, whole>(layer, column, in, in_stride, out, out_stride, rows);
    columns<tile, whole / 2>(layer, column, in, in_stride, out, out_stride, rows);
    return;
  }
  // A row alone has few sums: several panels at once keep more of them under way.
  column = columns<1, most_panels * whole>(layer, column, in, in_stride, out, out_stride, rows);
  if constexpr (most_panels > 2) column = columns<1, 2 * whole>(layer, column, in, in_stride, out, out_stride, rows);
  if constexpr (most_panels > 1) column = columns<1, whole>(layer, column, in, in_stride, out, out_stride, rows);
  columns<1, whole / 2>(layer, column, in, in_stride, out, out_stride, rows);
}

/// Blocks of `half` lanes: what a's first two add up to, b's first two, a's next two ...
template <size_t half, size_t... lane>
inline Vector halved(Vector a, Vector b, std::index_sequence<lane...>) {
  constexpr auto place = [](size_t l) { return l / half % 2 * lanes + l / half / 2 * 2 * half + l % half; };
  return __builtin_shufflevector(a, b, place(lane)...) + __builtin_shufflevector(a, b, (place(lane) + half)...);
}

/// The sum of the lanes of each of 1, 2, 4 ... vectors, by the vectors' order. However many there are, each adds in the same order.
template <size_t many, size_t half = lanes / 2>
inline __attribute__((always_inline)) Vector lane_sums(const Vector (&of)[many]) {
  if constexpr (half == 0) {
    return of[0];
  } else {
    constexpr size_t left = (many + 1) / 2;
    Vector sums[left];
#pragma GCC unroll 16
    for (size_t i = 0; i < left; ++i) sums[i] = halved<half>(of[i], of[(i + left) % many], std::make_index_sequence<lanes>());
    return lane_sums<left, half / 2>(sums);
  }
}

/// The last `rest` of `count` numbers behind zeros: nothing beyond them is read.
inline Vector last(const float* numbers, size_t count, int rest) {
  if (count >= lanes) {
    Words place;
#pragma GCC unroll 16
    for (size_t l = 0; l < lanes; ++l) place[l] = static_cast<int>(l);
    return place < static_cast<int>(lanes) - rest ? Vector{} : at(numbers + count - lanes);
  }
  float some[lanes] = {};
  for (size_t i = 0; i < count; ++i) some[lanes - count + i] = numbers[i];
  return at(some);
}

/// One output of `rows` rows: products of rows, instead of a panel that would be empty for the most part.
template <size_t rows>
inline void some_products(const Layer& layer, size_t output, const float* in, size_t in_stride, float* out, size_t out_stride) {
  const size_t inputs = layer.inputs;
  const float* const weights = layer.weights + output * inputs;
  Vector products[rows];
#pragma GCC unroll 16
  for (size_t r = 0; r < rows; ++r) {
    const float* const x = in + r * in_stride;
    Vector sums[2] = {};
    size_t i = 0;
    for (; i + 2 * lanes <= inputs; i += 2 * lanes) {
      sums[0] = fused(at(x + i), at(weights + i), sums[0]);
      sums[1] = fused(at(x + i + lanes), at(weights + i + lanes), sums[1]);
    }
    if (i + lanes <= inputs) sums[0] = fused(at(x + i), at(weights + i), sums[0]);
    const int rest = static_cast<int>(inputs % lanes);
    if (rest > 0) sums[1] = fused(last(x, inputs, rest), last(weights, inputs, rest), sums[1]);
    products[r] = sums[0] + sums[1];
  }
  const Vector sums = larger(all(layer.least), lane_sums(products) + all(layer.bias[output]));
#pragma GCC unroll 16
  for (size_t r = 0; r < rows; ++r) out[r * out_stride + output] = sums[r];
}

void narrow(const Layer& layer, const float* in, size_t in_stride, float* out, size_t out_stride, size_t rows) {
  for (size_t output = 0; output < layer.outputs; ++output) {
    if (rows < lanes) {
      for (size_t r = 0; r < rows; ++r) some_products<1>(layer, output, in + r * in_stride, in_stride, out + r * out_stride, out_stride);
    } else {
      for (size_t r = 0; r < rows; r += lanes) {
        const size_t first = r + lanes <= rows ? r : rows - lanes;
        some_products<lanes>(layer, output, in + first * in_stride, in_stride, out + first * out_stride, out_stride);
      }
    }
  }
}

// A number alone takes the same steps as a vector of them, and less time.
inline float larger(float a, float b) { return a > b ? a : b; }
inline float smaller(float a, float b) { return a < b ? a : b; }
#if defined(__AVX2__)
inline float fused(float a, float b, float sum) { return __builtin_fmaf(a, b, sum); }
#else
inline float fused(float a, float b, float sum) { return sum + a * b; }
#endif

/// exp(x) by 2^n exp(r), |r| <= ln(2)/2: n by adding a number so large that what is behind the point falls off, exp(r) by Taylor's series, whose
/// seventh term is below float's resolution. Held within what 2^n can be; NaN stays. Bits: int, or a vector of them.
template <class Number, class Bits>
inline Number exponential(Number x) {
  const auto c = [](float number) { return Number{} + number; };
  const Number shift = c(12582912.0f);  // 1.5 × 2^23
  x = larger(c(-87.0f), smaller(c(87.0f), x));
  const Number shifted = fused(x, c(1.44269504f), shift);  // log2(e)
  const Number n = shifted - shift;
  const Number r = fused(n, c(2.12194440e-4f), fused(n, c(-0.693359375f), x));  // ln(2) in two parts: the first gives exact products
  const Number r2 = r * r;  // terms by pairs: none waits for all that come after it
  const Number low = fused(fused(r, c(1.0f / 6), c(1.0f / 2)), r2, r + c(1.0f));
  const Number high = fused(fused(r, c(1.0f / 5040), c(1.0f / 720)), r2, fused(r, c(1.0f / 120), c(1.0f / 24)));
  const Number sum = fused(high, r2 * r2, low);
  Bits bits;
  __builtin_memcpy(&bits, &shifted, sizeof bits);
  bits = (bits << 23) + (127 << 23);  // of 2^n
  Number power;
  __builtin_memcpy(&power, &bits, sizeof power);
  return sum * power;
}

void logistic(float* numbers, size_t count) {
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) put(numbers + i, 1.0f / (1.0f + exponential<Vector, Words>(-at(numbers + i))));
  for (; i < count; ++i) numbers[i] = 1.0f / (1.0f + exponential<float, int>(-numbers[i]));
}

}  // namespace

extern const Kernels kernels;
const Kernels kernels{dense, narrow, logistic};

}  // namespace ophion::native::OPHION_ISA_NAME
