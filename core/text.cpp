/// Text that several files make.
#include "text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include <dlfcn.h>

#include <ophion/error.h>

namespace ophion {

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string joined(const std::vector<std::string>& words, std::string_view none) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return words.empty() ? std::string(none) : text;
}

std::string known_names(const std::string& name, const std::vector<std::string>& known) {
  constexpr std::size_t most = 20;
  const std::string near = nearest_names(name, known);
  if (!near.empty() || known.empty()) return near;
  const auto first = known.begin(), last = first + static_cast<std::ptrdiff_t>(std::min(most, known.size()));
  return "; known are " + joined({first, last}) + (known.size() > most ? ", …" : "");
}

std::string files_near(const std::filesystem::path& file) {
  std::vector<std::string> names;
  std::error_code ignored;  // no such folder: no names
  std::filesystem::directory_iterator each(std::filesystem::absolute(file).parent_path(), ignored);
  for (; !ignored && each != std::filesystem::directory_iterator(); each.increment(ignored)) names.push_back(each->path().filename());
  std::sort(names.begin(), names.end());
  return nearest_names(file.filename(), names);
}

std::string dl_error() {
  const char* text = ::dlerror();
  return text ? text : "unknown error of the dynamic loader";
}

std::string short_number(double number, int digits) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*g", digits, number);
  return text.data();
}

std::string utc_now(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), format, &parts);
  return text.data();
}

}  // namespace ophion
