/// Whether another form of a model (native, ONNX) scores as its trainer does.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <ophion/model.h>

#include "events.h"

namespace ophion {

/// Scores training and validation events with both, and the same events with missing values where the model takes them. Empty when
/// no two scores differ by more than rounding (1e-5, relative where they are above 1); else what was found.
std::string form_difference(const Model& form, const Model& own, const Events& events);

/// The same of scores that are there already: rows × outputs. `which` is what an event is called.
std::string score_difference(std::span<const float> ours, std::span<const float> theirs, std::size_t outputs,
                             const std::string& which);

}  // namespace ophion
