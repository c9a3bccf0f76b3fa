/// What a model file says of its model, read and checked. docs/model_file.md describes the manifest.
#pragma once

#include <string>
#include <vector>

#include <ophion/method.h>
#include <ophion/value.h>

#include "expression.h"
#include "model_file.h"
#include "preprocessing.h"
#include "self_test.h"

namespace ophion {

/// A feature and how it is computed from the columns of a file.
struct FeatureDefinition {
  std::string name;
  native::Expression expression;
};

/// One trained thing that can score; a file may hold several for the same model.
struct PayloadDescription {
  std::string id;
  std::string backend;  ///< empty when the file doesn't say
  Value info;           ///< as Payload::info
  bool carries_code = false;  ///< the file's word, which the method checks
  bool transforms_itself = false;  ///< it takes the features as they are
  std::vector<std::string> members;
};

struct ModelDescription {
  Spec spec;         ///< its features are those before the transforms
  Spec method_spec;  ///< as the method knows it: its features are those after them
  std::vector<FeatureDefinition> features;
  std::vector<std::string> inputs;
  std::vector<std::string> spectators;
  Preprocessing preprocessing;
  std::string method;  ///< the plug-in's name
  Value options;
  std::vector<PayloadDescription> payloads;
  SelfTest selftest;
};

/// Throws ModelError naming the file and what is missing or can't be.
ModelDescription read_manifest(const ModelFile& file);

/// A payload's members, taken from the file.
Payload payload_from(const ModelFile& file, const PayloadDescription& described);

/// Members of a payload lie under its own folder; source files of the user are shared by all payloads.
std::string member_name(const std::string& payload_id, const std::string& name);
/// "score", "score_<class>" or "pred_<target>", one an output.
std::vector<std::string> output_names_of(const Spec& spec);
/// "error", "drop", "impute", "keep".
const char* name_of(MissingPolicy policy) noexcept;

}  // namespace ophion
