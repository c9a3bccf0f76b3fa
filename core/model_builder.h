/// Builds the model file of a training, or of a model that was trained elsewhere: manifest, payload, transforms, self-test.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ophion/config.h>
#include <ophion/method.h>
#include <ophion/model.h>

#include "events.h"
#include "model_file.h"
#include "preprocessing.h"
#include "self_test.h"

namespace ophion {

/// What a training leaves, from which its file is made.
struct ModelParts {
  const Config& config;
  const MethodConfig& method;
  const Spec& spec;
  const Preprocessing& preprocessing;
  Payload payload;
  const Part& train;                     ///< ranges of the features
  const Value& provenance;
  std::vector<float> selftest_features;  ///< rows × features, before transforms; row-major
  Value report = Value::object();        ///< member report.json
};

/// The self-test of a model: its scores for rows of features, before transforms, made with so many threads (0: as the runtime says).
SelfTest self_test_by(const Model& model, std::vector<float> features, int threads);

/// What the manifest says of a self-test, null where that is empty; its rows go among the members.
Value describe_selftest(const SelfTest& test, std::map<std::string, std::string>& members);
/// The member report.json, where there is something to report.
void add_report(const Value& report, std::map<std::string, std::string>& members);

/// The file without self-test: good for scoring right after the training.
std::shared_ptr<const ModelFile> build_model_file(const ModelParts& parts);

/// The file to keep: scores of `model`, made from the file above, for the self-test's rows are stored with it.
std::shared_ptr<const ModelFile> build_tested_model_file(const ModelParts& parts, const Model& model);

/// What the training said of itself, {"metrics", "history", "importance"}: the file's member report.json; empty where there is none.
Value report_of(const ModelFile& file);

/// A model that was trained elsewhere, in a form that scores without its trainer.
struct ImportedParts {
  std::string name;
  Spec spec;
  std::vector<NamedExpression> features;  ///< each a plain column
  MissingPolicy missing;
  std::string backend;                         ///< what scores the form: "native" or "onnx"
  std::map<std::string, std::string> members;  ///< the form's
  Value versions = Value::object();           ///< of the packages that made it, as far as known
  Value provenance = Value::object();
};

/// `test` may be empty: then the file has no self-test.
std::shared_ptr<const ModelFile> build_imported_model_file(const ImportedParts& parts, const SelfTest& test);

}  // namespace ophion
