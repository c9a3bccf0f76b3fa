/// The configs of tests/core/configs, one file for each thing that is accepted or refused.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include <ophion/value.h>

#include "core/temporary_folder.h"

namespace ophion {

inline const std::filesystem::path config_files = std::filesystem::path(OPHION_SOURCE_DIR) / "tests" / "core" / "configs";

inline Value json_of(const std::filesystem::path& file) { return read_json(read_text(file), file.filename().string()); }

inline std::set<std::string> names_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.insert(entry.path().stem().string());
  return names;
}

}  // namespace ophion
