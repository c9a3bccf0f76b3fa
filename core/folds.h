/// Cross-validation: the folds of a run's events, and what each of its trainings gets.
#pragma once

#include <ophion/config.h>

#include "events.h"
#include "expression.h"
#include "storage.h"

namespace ophion {

/// How many folds a config may ask for.
inline constexpr int most_folds = 100;

/// The k of an expression "… % k"; 0 for any other, and where k is no whole number from 2 to `most_folds`.
int folds_told_apart(const native::Expression& expression);

/// Events read for a cross-validation, each with its own fold in the part train, become the parts of the run:
///   validation  all of them, each scored by the fold that has not seen it (Part::fold is its own)
///   train       the same memory; each scored by the next fold (f + 1, f + 2, …) that trains on it, or where all others validate on
///               it, by the next one
/// Throws DataError where a fold, or what is left to train or validate it on, has no events of a class or weights that sum to nothing.
void arrange_folds(Events& events, const EventPlan& plan);

/// The events of one fold's training, copied together: train, and validation where the config asks for a fraction. They have neither
/// spectators nor entries.
Events events_of_fold(const Events& events, const EventPlan& plan, Fold fold, Storage::Kind kind);

}  // namespace ophion
