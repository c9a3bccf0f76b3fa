/// What makes a config valid, as a function from document to document: no files, no Python.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <ophion/value.h>

#include "feature_functions.h"

namespace ophion {

/// A method's own schema by the method's type: Registry::schema, or files that a test reads. Throws PluginError for a type it
/// does not know.
using MethodSchemas = std::function<Value(const std::string& type)>;

/// The functions of the plug-ins that a config names. Throws PluginError for what can't be used.
using PluginFunctions = std::function<FeatureFunctions(const std::vector<std::string>& plugins)>;

/// The schema of a whole method: the keys all methods share (`common`, the schema of configs) and its own, closed. Throws
/// Error when the method's own schema uses a shared key or definition.
Value method_schema(const Value& common, const Value& own, const std::string& type);

/// Checks a document against the schemas and against the rules no schema can tell, and returns it with every default
/// filled in, every path absolute against `folder`, and every transform an object. What it returns passes again and stays
/// as it is. Throws ConfigError(origin, pointer, …).
Value check_config(const Value& document, const Value& common, const MethodSchemas& methods, const PluginFunctions& functions,
                   const std::string& origin, const std::filesystem::path& folder);

}  // namespace ophion
