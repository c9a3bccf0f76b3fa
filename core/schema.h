/// The schema checker: the JSON Schema keywords our schemas use, errors with pointers, defaults filled in.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <ophion/value.h>

namespace ophion {

/// Checks `document` against `schema` (JSON Schema 2020-12 with the keywords of schema_keywords.cpp; one it doesn't know, or
/// whose value can't be, throws Error, so that no rule is silently ignored) and returns it with every "default" filled in
/// and every text under "x-path" made absolute against `folder` (left alone without one, or when it is a URL). Throws
/// ConfigError(origin, pointer, …): "expected at least 1, found -3", "unknown key 'epoch'; did you mean 'epochs'?".
/// `pointer` is where the document stands in its file.
Value apply_schema(const Value& document, const Value& schema, const std::string& origin,
                   const std::filesystem::path& folder = {}, const std::string& pointer = "");

/// A schema from its file.
Value read_schema(const std::filesystem::path& file);

/// A JSON pointer one step further: "/methods" and "a/b" give "/methods/a~1b".
std::string pointer_to(const std::string& pointer, std::string_view key);

/// The beginning of a text that is too long for an error: at most so many bytes, cut between two characters.
std::string shortened(const std::string& text, std::size_t most);

}  // namespace ophion
