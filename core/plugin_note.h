/// Reads a plug-in's ELF note without opening the plug-in.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include <ophion/registry.h>

namespace ophion {

/// The kind of a plug-in that adds functions to expressions.
inline constexpr const char* features_kind = "features";

/// [a-z][a-z0-9_]*: nothing that could lead out of a folder.
bool is_plugin_name(std::string_view text) noexcept;

/// Nothing when the file is no shared object of 64-bit ELF or has no note of ours; damaged files never crash it.
std::optional<PluginInfo> read_plugin_note(const std::filesystem::path& file);

}  // namespace ophion
