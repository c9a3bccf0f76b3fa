/// Names and numbers for events that no file holds.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace ophion::benchmarks {

/// "x0", "x1", …
inline std::vector<std::string> column_names(char letter, std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(letter + std::to_string(i));
  return names;
}

/// Flat between `low` and `high`, neither of which comes up; the same ones each time.
template <class T>
std::vector<T> random_numbers(std::size_t count, double low, double high, unsigned seed = 1) {
  std::vector<T> numbers(count);
  for (T& number : numbers) {
    seed = seed * 1664525u + 1013904223u;
    number = static_cast<T>(low + (high - low) * (static_cast<double>(seed >> 8) + 0.5) / 16777216.0);
  }
  return numbers;
}

}  // namespace ophion::benchmarks
