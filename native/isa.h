/// Which build of the kernels fits this processor.
#pragma once

#include <optional>
#include <string_view>

namespace ophion::native {

enum class Isa { generic, avx2, avx512 };

/// Whether this processor can run it and it was built.
bool has_isa(Isa isa) noexcept;
/// The widest that this processor has; the environment's OPHION_ISA = generic, avx2 or avx512 asks for less.
Isa best_isa() noexcept;
std::optional<Isa> isa_named(std::string_view name) noexcept;
const char* name_of(Isa isa) noexcept;

}  // namespace ophion::native
