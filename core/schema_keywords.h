/// What a schema itself says: its keywords checked, its references followed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ophion/value.h>

namespace ophion {

/// Throws Error for a keyword that is unknown or whose value can't be: "schema #/items: unknown keyword 'minItem'; did you
/// mean 'minItems'?". After this the functions below need no checks of their own.
void check_keywords(const Value& schema);

/// The schema "#/$defs/name" of `root`; "#" is `root` itself.
const Value& referred(const Value& root, const std::string& reference);

/// Where the chain of references that begins at `schema` ends.
const Value& end_of_references(const Value& root, const Value& schema);

/// The types a schema allows, by "type", "const" or "enum"; none when it doesn't say.
std::vector<std::string> types_of(const Value& schema);
bool has_type(const Value& value, const std::vector<std::string>& types);

/// A JSON Schema type in an error's words: "string" is "text".
const char* word_for(const std::string& type);

/// What "enum" or "const" allow.
std::optional<Value::Array> constants_of(const Value& schema);

}  // namespace ophion
