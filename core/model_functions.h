/// The functions of plug-ins that a model's features call: what its file says of them, and whether they still are what they were.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <ophion/registry.h>
#include <ophion/value.h>

#include "expression.h"
#include "feature_functions.h"
#include "model_file.h"

namespace ophion {

/// The manifest's "plugins": of each plug-in with a function that one of the expressions calls its name, its version and these functions. What
/// they give for made-up numbers goes among the members. Null where nothing is called.
Value describe_plugins(const FeatureFunctions& functions, const std::vector<native::Expression>& expressions,
                       std::map<std::string, std::string>& members);
/// Their numbers, from one file's members to another's; ModelError where these have others already.
void copy_function_numbers(const ModelFile& from, std::map<std::string, std::string>& members);

/// The names of the plug-ins in a manifest.
std::vector<std::string> plugins_of(const Value& manifest);

/// The functions in a file's manifest by their names alone: its expressions can be read, not evaluated.
std::vector<native::Function> named_functions(const ModelFile& file);
/// The functions themselves. Throws PluginError where a plug-in is missing, ModelError where it has another version, or a function that takes
/// other columns or gives other numbers.
std::vector<native::Function> load_functions(const ModelFile& file, const Registry& registry);

}  // namespace ophion
