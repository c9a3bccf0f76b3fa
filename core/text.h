/// Text that several files make: lists of names, names of files, numbers, times.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ophion {

/// ASCII letters in lower case; the rest as it is.
std::string lower(std::string text);

/// "a, b, c"; `none` when there is nothing to join.
std::string joined(const std::vector<std::string>& words, std::string_view none = "");

/// For the end of an error: the nearest of the names there are, or the first twenty of them when none is near.
std::string known_names(const std::string& name, const std::vector<std::string>& known);

/// "; did you mean 'train.json'?" for the names in the file's folder that are nearest to its own, or nothing.
std::string files_near(const std::filesystem::path& file);

/// What the dynamic loader says of its last failure in this thread.
std::string dl_error();

/// "0.5", "30", "1.23e-05": at most so many digits.
std::string short_number(double number, int digits = 6);

constexpr const char* iso_time = "%Y-%m-%dT%H:%M:%SZ";

/// The time in UTC in the words of strftime.
std::string utc_now(const char* format);

}  // namespace ophion
