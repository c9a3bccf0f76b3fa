/// The plug-ins of tests in C++ alone (tests/core/plugins), and models whose method "linear" is one of them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <ophion/error.h>
#include <ophion/model.h>
#include <ophion/registry.h>

#include "core/error_of.h"

inline const std::filesystem::path cpp_plugins = std::filesystem::path(OPHION_BINARY_DIR) / "tests" / "cpp_plugins";

inline ophion::LoadOptions linear_options() {
  ophion::LoadOptions options;
  options.registry = ophion::Registry({cpp_plugins});
  return options;
}

inline std::string load_refusal(const std::shared_ptr<const ophion::ModelFile>& file, const ophion::LoadOptions& options = linear_options()) {
  return error_of<ophion::ModelError>([&] { ophion::Model(file, options); });
}
