/// What a model file says of its model, read and checked. docs/model_file.md describes the manifest.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ophion/method.h>
#include <ophion/registry.h>
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
  std::size_t fold = 0;  ///< of a cross-validation
  std::vector<std::string> members;
};

/// Of a cross-validation: every form of the model has one payload a fold.
struct FoldsDescription {
  int count = 0;  ///< 0: the model is one whole
  std::optional<native::Expression> by;  ///< its value is the fold that has not seen an event
  std::vector<std::string> inputs;       ///< the columns it reads
};

struct ModelDescription {
  Spec spec;  ///< its features are those before the transforms
  std::vector<FeatureDefinition> features;
  std::vector<std::string> inputs;
  std::vector<std::string> spectators;
  FoldsDescription folds;
  std::vector<Preprocessing> preprocessing;  ///< one, or one a fold
  std::string method;  ///< the plug-in's name
  std::string package;  ///< the Python package that brings it; empty: a plug-in's file
  Value options;
  std::vector<PayloadDescription> payloads;
  SelfTest selftest;
};

/// Throws ModelError naming the file and what is missing or can't be. Functions of plug-ins are known by their names alone: expressions that
/// call them can't be evaluated.
ModelDescription read_manifest(const ModelFile& file);
/// The same with the functions of the plug-ins it names, which are tested. Throws PluginError besides where one is missing.
ModelDescription read_manifest(const ModelFile& file, const Registry& registry);

/// The member in which the arrays of a model's transforms lie, or of a fold's.
std::string transforms_member(std::optional<int> fold);

/// A payload's members, taken from the file.
Payload payload_from(const ModelFile& file, const PayloadDescription& described);

/// Members of a payload lie under its own folder; source files of the user are shared by all payloads.
std::string member_name(const std::string& payload_id, const std::string& name);
/// "score", "score_<class>" or "pred_<target>", one an output.
std::vector<std::string> output_names_of(const Spec& spec);
/// "error", "drop", "impute", "keep".
const char* name_of(MissingPolicy policy) noexcept;
/// Throws ModelError where there is none of that name.
MissingPolicy policy_named(const std::string& name);

}  // namespace ophion
