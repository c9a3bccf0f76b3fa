/// The registers of an instruction set under one set of names, for kernels that are built once for each: as much as leaf sets need.
/// A `Way` says of each lane whether its event goes left or right; what its bits mean is each instruction set's own affair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace ophion::native::OPHION_ISA_NAME {

#if defined(__AVX512F__)

struct Lanes {
  static constexpr std::size_t count = 16;
  static constexpr std::size_t wide = 4;  ///< registers of events at once
  static constexpr std::size_t block = 32;
  static constexpr bool high_first = true;  ///< the first leaf is the highest bit of a word
  static constexpr std::size_t rows_a_level = 14;
  using Floats = __m512;
  using Words = __m512i;
  using Way = __mmask16;

  static Floats load(const float* from) { return _mm512_loadu_ps(from); }
  static Words load(const std::uint32_t* from) { return _mm512_loadu_si512(from); }
  static void store(std::uint32_t* to, Words words) { _mm512_storeu_si512(to, words); }
  static Floats all(float number) { return _mm512_set1_ps(number); }
  static Words all(std::uint32_t word) { return _mm512_set1_epi32(static_cast<int>(word)); }
  static Words counted() { return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
  static Words sum(Words a, Words b) { return _mm512_add_epi32(a, b); }
  static Words product(Words a, Words b) { return _mm512_mullo_epi32(a, b); }

  static Way missing_left(Floats x, Floats threshold) { return _mm512_cmp_ps_mask(x, threshold, _CMP_GT_OQ); }
  static Way missing_right(Floats x, Floats threshold) { return _mm512_cmp_ps_mask(x, threshold, _CMP_NLE_UQ); }
  static Words keep(Words set, Way way, Words kept) { return _mm512_mask_and_epi32(set, way, set, kept); }
  static Words both(Words a, Words b) { return _mm512_and_si512(a, b); }
  /// The number of the first leaf in the set; anything where there is none.
  static Words first(Words set) { return _mm512_lzcnt_epi32(set); }
  static Words where_any(Words set, Words then, Words otherwise) {
    return _mm512_mask_blend_epi32(_mm512_test_epi32_mask(set, set), otherwise, then);
  }

  /// table[index] from a table of 8, 16, 32 or 64 numbers, behind which may be read.
  template <std::size_t size>
  static Floats look_up(const float* table, Words index) {
    if constexpr (size <= 16) {
      return _mm512_permutexvar_ps(index, load(table));
    } else {
      const Floats found = _mm512_permutex2var_ps(load(table), index, load(table + 16));
      if constexpr (size == 32) return found;
      const Floats others = _mm512_permutex2var_ps(load(table + 32), index, load(table + 48));
      return _mm512_mask_blend_ps(_mm512_test_epi32_mask(index, _mm512_set1_epi32(32)), found, others);
    }
  }
  static Floats gather(const float* from, Words index) {
    return _mm512_mask_i32gather_ps(_mm512_setzero_ps(), static_cast<__mmask16>(-1), index, from, 4);
  }

  class Missing {
   public:
    void look_at(Floats numbers) { any_ = static_cast<__mmask16>(any_ | _mm512_cmp_ps_mask(numbers, numbers, _CMP_UNORD_Q)); }
    bool found() const { return any_ != 0; }

   private:
    __mmask16 any_ = 0;
  };

  /// Numbers of an event, to pick from.
  class Block {
   public:
    explicit Block(const float* event) : low_(load(event)), high_(load(event + 16)) {}
    Floats pick(Words index) const { return _mm512_permutex2var_ps(low_, index, high_); }

   private:
    Floats low_, high_;
  };
  static Words features(const std::uint8_t* from) { return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))); }
  /// NaN goes right where bit 7 of the feature is set.
  static Way missing_flagged(Floats x, Floats threshold, Words features) {
    const __mmask16 flagged = _mm512_test_epi32_mask(features, _mm512_set1_epi32(0x80));
    return static_cast<Way>(missing_left(x, threshold) | _mm512_mask_cmp_ps_mask(flagged, x, x, _CMP_UNORD_Q));
  }

  class Sum {
   public:
    void add(Floats values) {
      low_ = _mm512_add_pd(low_, _mm512_cvtps_pd(_mm512_castps512_ps256(values)));
      high_ = _mm512_add_pd(high_, _mm512_cvtps_pd(_mm512_extractf32x8_ps(values, 1)));
    }
    double total() const { return _mm512_reduce_add_pd(_mm512_add_pd(low_, high_)); }
    void store(double* to) const {
      _mm512_storeu_pd(to, low_);
      _mm512_storeu_pd(to + 8, high_);
    }

   private:
    __m512d low_ = _mm512_setzero_pd(), high_ = _mm512_setzero_pd();
  };
};

#elif defined(__AVX2__)

struct Lanes {
  static constexpr std::size_t count = 8;
  static constexpr std::size_t wide = 6;
  static constexpr std::size_t block = 8;
  static constexpr bool high_first = false;
  static constexpr std::size_t rows_a_level = 9;
  using Floats = __m256;
  using Words = __m256i;
  using Way = __m256;  // all ones: left

  static Floats load(const float* from) { return _mm256_loadu_ps(from); }
  static Words load(const std::uint32_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
  static void store(std::uint32_t* to, Words words) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), words); }
  static Floats all(float number) { return _mm256_set1_ps(number); }
  static Words all(std::uint32_t word) { return _mm256_set1_epi32(static_cast<int>(word)); }
  static Words counted() { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
  static Words sum(Words a, Words b) { return _mm256_add_epi32(a, b); }
  static Words product(Words a, Words b) { return _mm256_mullo_epi32(a, b); }

  static Way missing_left(Floats x, Floats threshold) { return _mm256_cmp_ps(x, threshold, _CMP_NGT_UQ); }
  static Way missing_right(Floats x, Floats threshold) { return _mm256_cmp_ps(x, threshold, _CMP_LE_OQ); }
  static Words keep(Words set, Way way, Words kept) { return _mm256_and_si256(set, _mm256_or_si256(kept, _mm256_castps_si256(way))); }
  static Words both(Words a, Words b) { return _mm256_and_si256(a, b); }
  static Words first(Words set) {  // the exponent of the lowest bit as a float; of bit 31 that is negative
    const Words lowest = _mm256_and_si256(set, _mm256_sub_epi32(_mm256_setzero_si256(), set));
    const Words bits = _mm256_srli_epi32(_mm256_castps_si256(_mm256_cvtepi32_ps(lowest)), 23);
    return _mm256_sub_epi32(_mm256_and_si256(bits, _mm256_set1_epi32(0xff)), _mm256_set1_epi32(127));
  }
  static Words where_any(Words set, Words then, Words otherwise) {
    return _mm256_blendv_epi8(then, otherwise, _mm256_cmpeq_epi32(set, _mm256_setzero_si256()));
  }

  template <std::size_t size>
  static Floats look_up(const float* table, Words index) {
    if constexpr (size == 8) {
      return _mm256_permutevar8x32_ps(load(table), index);
    } else {  // which half: by the bit that counts halves, moved to the sign
      constexpr int to_sign = size == 16 ? 28 : size == 32 ? 27 : 26;
      return _mm256_blendv_ps(look_up<size / 2>(table, index), look_up<size / 2>(table + size / 2, index),
                              _mm256_castsi256_ps(_mm256_slli_epi32(index, to_sign)));
    }
  }
  static Floats gather(const float* from, Words index) {
    return _mm256_mask_i32gather_ps(_mm256_setzero_ps(), from, index, _mm256_castsi256_ps(_mm256_set1_epi32(-1)), 4);
  }

  class Missing {
   public:
    void look_at(Floats numbers) { any_ = _mm256_or_ps(any_, _mm256_cmp_ps(numbers, numbers, _CMP_UNORD_Q)); }
    bool found() const { return _mm256_movemask_ps(any_) != 0; }

   private:
    Floats any_ = _mm256_setzero_ps();
  };

  class Block {
   public:
    explicit Block(const float* event) : numbers_(load(event)) {}
    Floats pick(Words index) const { return _mm256_permutevar8x32_ps(numbers_, index); }

   private:
    Floats numbers_;
  };
  static Words features(const std::uint8_t* from) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))); }
  static Way missing_flagged(Floats x, Floats threshold, Words features) {
    const Floats flagged = _mm256_castsi256_ps(_mm256_srai_epi32(_mm256_slli_epi32(features, 24), 31));
    return _mm256_andnot_ps(_mm256_and_ps(flagged, _mm256_cmp_ps(x, x, _CMP_UNORD_Q)), missing_left(x, threshold));
  }

  class Sum {
   public:
    void add(Floats values) {
      low_ = _mm256_add_pd(low_, _mm256_cvtps_pd(_mm256_castps256_ps128(values)));
      high_ = _mm256_add_pd(high_, _mm256_cvtps_pd(_mm256_extractf128_ps(values, 1)));
    }
    double total() const {
      const __m256d four = _mm256_add_pd(low_, high_);
      const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
      return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
    }
    void store(double* to) const {
      _mm256_storeu_pd(to, low_);
      _mm256_storeu_pd(to + 4, high_);
    }

   private:
    __m256d low_ = _mm256_setzero_pd(), high_ = _mm256_setzero_pd();
  };
};

#else

/// Four lanes of whatever the compiler makes of vectors. There is no picking from registers: one event is walked.
struct Lanes {
  static constexpr std::size_t count = 4;
  static constexpr std::size_t wide = 4;
  static constexpr std::size_t block = 1;
  static constexpr bool high_first = false;
  static constexpr std::size_t rows_a_level = 0;
  using Floats = float __attribute__((vector_size(16)));
  using Words = std::uint32_t __attribute__((vector_size(16)));
  using Way = Words;  // all ones: left

  template <class Vector, class Number>
  static Vector read(const Number* from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
  }
  static Floats load(const float* from) { return read<Floats>(from); }
  static void store(std::uint32_t* to, Words words) { std::memcpy(to, &words, sizeof words); }
  static Floats all(float number) { return Floats{number, number, number, number}; }
  static Words all(std::uint32_t word) { return Words{word, word, word, word}; }
  static Words sum(Words a, Words b) { return a + b; }

  static Way missing_left(Floats x, Floats threshold) { return ~(Words)(x > threshold); }
  static Way missing_right(Floats x, Floats threshold) { return (Words)(x <= threshold); }
  static Words keep(Words set, Way way, Words kept) { return set & (kept | way); }
  static Words first(Words set) {
    Words found{};
    for (std::size_t i = 0; i < count; ++i) found[i] = static_cast<std::uint32_t>(__builtin_ctz(set[i] | 0x80000000u));
    return found;
  }
  static Words where_any(Words set, Words then, Words otherwise) {
    const Words none = (Words)(set == Words{});
    return (then & ~none) | (otherwise & none);
  }
  template <std::size_t size>
  static Floats look_up(const float* table, Words index) {
    return Floats{table[index[0]], table[index[1]], table[index[2]], table[index[3]]};
  }

  class Missing {
   public:
    void look_at(Floats numbers) { any_ |= (Words)(numbers != numbers); }
    bool found() const { return (any_[0] | any_[1] | any_[2] | any_[3]) != 0; }

   private:
    Words any_{};
  };

  class Sum {
   public:
    void add(Floats values) {
      for (std::size_t i = 0; i < count; ++i) sums_[i] += static_cast<double>(values[i]);
    }
    void store(double* to) const { std::memcpy(to, sums_, sizeof sums_); }

   private:
    double sums_[count] = {};
  };
};

#endif

}  // namespace ophion::native::OPHION_ISA_NAME
