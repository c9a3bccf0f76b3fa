/// One model file of the folds of a cross-validation.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ophion/value.h>

#include "feature_functions.h"
#include "model_file.h"
#include "self_test.h"

namespace ophion {

/// What becomes one model: the file of each fold's training, in their order.
struct FoldedParts {
  std::vector<std::shared_ptr<const ModelFile>> folds;
  std::string by;                  ///< the expression whose value is the fold that has not seen an event; empty: none can tell
  Value report = Value::object();  ///< member report.json
  FeatureFunctions functions = {};  ///< which `by` may call
};

/// Every payload under the number of its fold, and the transforms of each. The native form (and the ONNX form) is there where every fold
/// has it. `test` may be empty: then the file has no self-test. Throws ModelError where a script was changed between two folds.
std::shared_ptr<const ModelFile> join_folds(const FoldedParts& parts, const SelfTest& test);

/// The trainers' own measure of the features, {"name", "values": [{"feature", "value"}]}, most important first: of each feature the mean over the
/// folds, where one that a fold does not measure counts nothing there. Null where a fold gives none.
Value mean_importance(const std::vector<std::shared_ptr<const ModelFile>>& folds);

}  // namespace ophion
