/// Whether the neutral form of a model scores as its trainer does.
#pragma once

#include <string>

#include <ophion/model.h>

#include "events.h"

namespace ophion {

/// Scores training and validation events with both, and the same events with missing values where the model takes them. Empty when
/// no two scores differ by more than rounding (1e-5, relative where they are above 1); else what was found.
std::string native_difference(const Model& native, const Model& own, const Events& events);

}  // namespace ophion
