/// Numbers, arrays and loops as C++ source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <type_traits>
#include <vector>

namespace ophion::cpp_text {

/// Exactly, as C++ reads it.
inline std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%a", value);
  return text;
}
inline std::string number(float value) { return number(static_cast<double>(value)) + "f"; }
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
