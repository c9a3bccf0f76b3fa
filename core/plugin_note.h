/// Reads a plug-in's ELF note without opening the plug-in.
#pragma once

#include <filesystem>
#include <optional>

#include <ophion/registry.h>

namespace ophion {

/// Nothing when the file is no shared object of 64-bit ELF or has no note of ours; damaged files never crash it.
std::optional<PluginInfo> read_plugin_note(const std::filesystem::path& file);

}  // namespace ophion
