/// Models that were trained elsewhere: files of XGBoost, LightGBM and scikit-learn, and ONNX graphs, become model files that score without Python.
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
  std::vector<std::string> targets;   ///< of a regression; empty: the file's own, or "target"
  std::string name;                   ///< of the model; empty: the file's
  Registry registry = Registry();
};

struct ImportedModel {
  Model model;
  std::string origin;           ///< "XGBoost binary:logistic", "ONNX graph of pytorch 2.8.0"
  std::string checked_against;  ///< "xgboost 3.2.0", whose scores are the model's; empty where that is not installed
};

/// Reads XGBoost's JSON or UBJ, LightGBM's text, a skops file of scikit-learn's own types, or an ONNX graph; needs Python. No code of the file
/// is run. The model's backend is "native", of an ONNX graph "onnx"; a graph that was not made by Ophion needs `classes` or `targets`, unless
/// it is a classifier that scikit-learn's converters wrote. DataError names the file and what is wrong: damage, another number of features than
/// names, what has no such form, numbers that are no probabilities; ModelError what ONNX Runtime refuses.
OPHION_EXPORT ImportedModel import_model(const std::filesystem::path& file, const ImportOptions& options = {});

}  // namespace ophion
