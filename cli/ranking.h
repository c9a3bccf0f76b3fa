/// The table of a run's or an evaluation's models, best first.
#pragma once

#include <string>

#include <ophion/value.h>

namespace ophion::cli {

/// Of what metrics.json holds: ranked by the primary metric of the test part, or of validation where there is no test; methods without a model
/// in lines below. Of a cross-validation besides, the primary metric's mean and spread over the folds.
std::string ranking(const Value& metrics);

}  // namespace ophion::cli
