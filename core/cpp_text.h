/// Numbers, arrays and loops as C++ source.
#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace ophion::cpp_text {

/// Exactly, as C++ reads it, whatever the locale of the process.
template <std::floating_point T>
std::string number(T value) {
  const std::string type = std::is_same_v<T, float> ? "float" : "double";
  if (std::isnan(value)) return "std::numeric_limits<" + type + ">::quiet_NaN()";  // of a leaf: it has no threshold
  const std::string sign = std::signbit(value) ? "-" : "";
  if (std::isinf(value)) return sign + "std::numeric_limits<" + type + ">::infinity()";  // which sends all numbers left, and NaN right
  std::array<char, 40> digits;
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), std::fabs(value), std::chars_format::hex).ptr;
  return sign + "0x" + std::string(digits.data(), end) + (std::is_same_v<T, float> ? "f" : "");
}
inline std::string number(std::int32_t value) { return std::to_string(value); }

template <class T>
const char* type_name() {
  if constexpr (std::is_same_v<T, float>) return "float";
  if constexpr (std::is_same_v<T, double>) return "double";
  return "int";
}

template <class T>
std::string array(const std::string& name, const std::vector<T>& values) {
  std::string text = std::string("inline constexpr ") + type_name<T>() + " " + name + "[] = {";
  constexpr std::size_t line_width = 110;
  std::size_t line = text.size();
  if (values.empty()) text += "0";  // C++ has no empty arrays
  for (const T& value : values) {
    const std::string word = number(value) + ",";
    if (line + word.size() > line_width) {
      text += "\n    ";
      line = 4;
    }
    text += word;
    line += word.size();
  }
  return text + "};\n";
}

inline std::string loop(std::size_t count, const std::string& what) {
  return "  for (std::size_t i = 0; i < " + std::to_string(count) + "; ++i) " + what + "\n";
}

}  // namespace ophion::cpp_text
