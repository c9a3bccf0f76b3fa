/// The present as text.
#pragma once

#include <array>
#include <ctime>
#include <string>

namespace ophion {

/// In UTC, as strftime's `format` says; at most 63 characters.
inline std::string utc_time(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 64> text{};
  return std::string(text.data(), std::strftime(text.data(), text.size(), format, &parts));
}

constexpr const char* iso_time = "%Y-%m-%dT%H:%M:%SZ";  ///< "2026-07-04T12:00:00Z"

}  // namespace ophion
