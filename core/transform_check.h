/// The rules of a method's list of transforms that its schema can't tell.
#pragma once

#include <string>

#include <ophion/value.h>

namespace ophion {

/// "standard" becomes {"type": "standard"}, so that its settings have a place, and TMVA's names become what they stand for.
void spell_out_transforms(Value& transforms);

/// Throws ConfigError for bounds that leave nothing between them, classes and features that there can't be. Which columns some steps
/// make is known only from the events; what depends on them is found out by the fit.
void check_transforms(const Value& config, const Value& transforms, const std::string& origin, const std::string& at);

}  // namespace ophion
