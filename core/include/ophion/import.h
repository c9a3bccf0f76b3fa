/// Models that were trained elsewhere: files of XGBoost, LightGBM and scikit-learn become model files that score without Python.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ophion/export.h>
#include <ophion/model.h>
#include <ophion/registry.h>

namespace ophion {

struct ImportOptions {
  std::vector<std::string> features;  ///< columns, in the order of the file; empty: those it names itself
  std::vector<std::string> classes;   ///< in the order of the trainer's numbers, two: negative, positive; empty: the file's own
  std::vector<std::string> targets;   ///< of a regression; empty: "target"
  std::string name;                   ///< of the model; empty: the file's
  Registry registry = Registry();
};

struct ImportedModel {
  Model model;
  std::string origin;           ///< "XGBoost binary:logistic"
  std::string checked_against;  ///< "xgboost 3.2.0", whose scores are the model's; empty where that is not installed
};

/// Reads XGBoost's JSON or UBJ, LightGBM's text, or a skops file of scikit-learn's own types; needs Python. Nothing of the file is
/// run. DataError names the file and what is wrong: damage, another number of features than names, what has no neutral form.
OPHION_EXPORT ImportedModel import_model(const std::filesystem::path& file, const ImportOptions& options = {});

}  // namespace ophion
