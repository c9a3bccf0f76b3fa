/// Fits a method's transforms: scikit-learn fits on training data, the arrays come back, C++ applies them from then on.
#pragma once

#include <ophion/config.h>

#include "events.h"
#include "preprocessing.h"

namespace ophion {

/// The medians for missing values (if the config imputes), then the method's transforms, each fitted on what those before it give.
Preprocessing fit_preprocessing(const Config& config, const MethodConfig& method, const Events& events);

}  // namespace ophion
