/// A first config for files one has just got.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ophion/export.h>
#include <ophion/registry.h>

namespace ophion {

/// JSON text of a config for these files: one sample a tree (or file); every plain column a feature, but for those whose names
/// say that they are weights, labels or event numbers; the method that offers itself by an example in its schema. The columns and
/// their types stand above it as a comment. Paths are written relative to `folder`, where the config shall lie. Throws DataError.
OPHION_EXPORT std::string starting_config(const std::vector<std::string>& files, const std::filesystem::path& folder,
                                          const Registry& registry = Registry());

}  // namespace ophion
