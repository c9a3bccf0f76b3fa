/// The schema checker: the JSON Schema keywords our schemas use, errors with pointers, defaults filled in.
#pragma once

#include <filesystem>
#include <string>

#include <ophion/value.h>

namespace ophion {

/// Checks `document` against `schema` (keywords: see schema.cpp; one it doesn't know throws Error, so that no rule is
/// silently ignored) and returns it with every "default" filled in and every text under "x-path" made absolute against `folder`. Throws
/// ConfigError(origin, pointer, …): "expected at least 1, found -3", "unknown key 'epoch'; did you mean 'epochs'?".
Value apply_schema(const Value& document, const Value& schema, const std::string& origin,
                   const std::filesystem::path& folder = {}, const std::string& pointer = "");

}  // namespace ophion
