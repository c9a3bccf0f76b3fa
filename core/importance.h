/// How much each feature counts for a model: what its metric loses when that feature is shuffled among the events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <ophion/method.h>
#include <ophion/registry.h>
#include <ophion/value.h>

#include "events.h"

namespace ophion {

/// Scores rows of the model's features: rows × outputs. `folds`: those of the part's rows, empty where it has none.
using Scorer = std::function<std::vector<float>(const MatrixView& features, std::span<const Fold> folds)>;

struct ImportanceSettings {
  std::size_t events = 10'000;  ///< at most; spread evenly over the part
  std::size_t shuffles = 3;
  std::uint64_t seed = 0;
  std::string step;  ///< what progress calls it
};

/// {"metric": "auc", "permutation": [{"feature", "value", "error"}]}, most important first; null once `interrupt` was called. `columns`: of
/// the part's features, those that the model takes, as `features` calls them.
Value permutation_importance(const Registry& registry, const Spec& spec, const Part& part, const std::vector<std::size_t>& columns,
                             const std::vector<std::string>& features, const Scorer& score, const ImportanceSettings& settings);

}  // namespace ophion
