/// What runs only when OPHION_SLOW_TESTS is 1, and what does less of the same without it.
#pragma once

#include <cstdlib>

namespace ophion {

/// Whether the slow tests are wanted.
inline bool slow_tests() {
  const char* const wanted = std::getenv("OPHION_SLOW_TESTS");
  return wanted && *wanted == '1';
}

/// How often to do what a build without sanitizers does `times` times in a moment: under one, where it takes a minute, a tenth of it.
inline int times_in_a_moment(int times) {
#ifdef OPHION_SANITIZE
  if (!slow_tests()) return times / 10;
#endif
  return times;
}

}  // namespace ophion
