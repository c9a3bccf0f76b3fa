/// Which build of the kernels fits this processor.
#include "isa.h"

#include <array>
#include <cstdlib>
#include <utility>

namespace ophion::native {
namespace {

constexpr std::array<std::pair<Isa, const char*>, 3> names{{{Isa::generic, "generic"}, {Isa::avx2, "avx2"}, {Isa::avx512, "avx512"}}};

Isa find_best() noexcept {
  Isa best = has_isa(Isa::avx512) ? Isa::avx512 : has_isa(Isa::avx2) ? Isa::avx2 : Isa::generic;
  if (const char* asked = std::getenv("OPHION_ISA")) {
    const auto isa = isa_named(asked);
    if (isa && has_isa(*isa)) best = *isa;
  }
  return best;
}

}  // namespace

bool has_isa(Isa isa) noexcept {
#ifdef OPHION_X86_KERNELS
  // What the levels x86-64-v3 and -v4 give, by features: clang 14 does not know the levels' names here.
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2");
  if (isa == Isa::avx2) return avx2;
  if (isa == Isa::avx512) {
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }
#endif
  return isa == Isa::generic;
}

Isa best_isa() noexcept {
  static const Isa best = find_best();
  return best;
}

std::optional<Isa> isa_named(std::string_view name) noexcept {
  for (const auto& [isa, known] : names) {
    if (name == known) return isa;
  }
  return std::nullopt;
}

const char* name_of(Isa isa) noexcept { return names[static_cast<std::size_t>(isa)].second; }

}  // namespace ophion::native
