/// A trial of everything a training does, on a few events, before the real one.
#pragma once

#include "cpython.h"

#include <ophion/method.h>

#include "method_face.h"
#include "stoppable_call.h"

namespace ophion {

/// Trains on at most 50 events, saves, loads and compares scores: a model that can't be kept fails in a second and not after hours.
/// A fit that fails here is let pass: few events may be too few, and the real training shows the rest. Its time counts as the training's.
/// With the GIL held.
void rehearse(const MethodFace& face, const TrainingData& data, const TrainContext& context, int threads, const Deadline& deadline);

}  // namespace ophion
