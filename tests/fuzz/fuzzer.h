/// What the fuzzers share. Each is one function: whatever bytes it is given, an error of Ophion or a right result; anything else (another
/// exception, a failed demand, a crash, a hang, too much memory) ends the program and is a bug.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <ophion/error.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return size == 0 ? std::string_view() : std::string_view(reinterpret_cast<const char*>(data), size);
}

/// Ends the program when what must hold does not.
inline void demand(bool truth, const char* what) {
  if (truth) return;
  std::fprintf(stderr, "this does not hold: %s\n", what);
  std::abort();
}
