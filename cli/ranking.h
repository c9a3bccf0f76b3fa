/// The table of a run's or an evaluation's models, best first.
#pragma once

#include <initializer_list>
#include <string>

#include <ophion/value.h>

namespace ophion::cli {

/// What lies under these keys, one within the other; null where one is missing.
const Value* find(const Value& value, std::initializer_list<const char*> path);

/// Of what metrics.json holds: ranked by the primary metric of the test part; methods without a model in lines below.
std::string ranking(const Value& metrics);

}  // namespace ophion::cli
