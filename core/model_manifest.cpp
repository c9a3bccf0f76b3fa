/// Reads a manifest into what scoring needs.
#include "model_manifest.h"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <utility>

#include <ophion/error.h>

#include "features.h"
#include "folds.h"
#include "model_functions.h"
#include "python_methods.h"
#include "safetensors.h"

namespace ophion {
namespace {

constexpr std::pair<MissingPolicy, const char*> policies[] = {{MissingPolicy::error, "error"},
                                                              {MissingPolicy::drop, "drop"},
                                                              {MissingPolicy::impute, "impute"},
                                                              {MissingPolicy::keep, "keep"}};

Spec spec_from(const Value& manifest) {
  Spec spec;
  spec.task = manifest.at("task").as_text();
  for (const Value& feature : manifest.at("features").as_array()) spec.features.push_back(feature.at("name").as_text());
  spec.classes = manifest.at("classes").as_texts();
  spec.targets = manifest.at("targets").as_texts();
  const bool fits = spec.task == "classification" ? spec.classes.size() >= 2 : spec.task == "regression" && !spec.targets.empty();
  if (!fits || spec.features.empty()) {
    throw ModelError("a model of task '" + spec.task + "' can't have " + std::to_string(spec.features.size()) + " features, " +
                     std::to_string(spec.classes.size()) + " classes and " + std::to_string(spec.targets.size()) + " targets");
  }
  return spec;
}

native::TransformChain chain_from(const ModelFile& file, const Value& list, const std::string& member, std::size_t features) {
  const auto& described = list.as_array();
  if (described.empty()) return {};
  const auto tensors = read_safetensors(file.member(member), member);
  std::vector<native::TransformStep> steps;
  for (const Value& one : described) {
    native::TransformStep step;
    step.type = one.at("type").as_text();
    for (const auto& [key, setting] : one.at("settings").as_object()) step.settings[key] = setting.as_text();
    if (const Value* names = one.find("names")) step.names = names->as_texts();
    for (const std::string& array : one.at("arrays").as_texts()) {
      const std::string name = std::to_string(steps.size()) + "." + array;
      const auto tensor = tensors.find(name);
      if (tensor == tensors.end()) throw ModelError(member + " lacks '" + name + "'");
      step.arrays[array] = doubles_of(tensor->second);
    }
    steps.push_back(std::move(step));
  }
  return native::TransformChain(std::move(steps), features);
}

SelfTest selftest_from(const ModelFile& file, const Spec& spec) {
  SelfTest test;
  const Value* described = file.manifest().find("selftest");
  if (!described || described->is_null()) return test;
  const std::string& member = described->at("member").as_text();
  const auto tensors = read_safetensors(file.member(member), member);
  const auto take = [&](const char* name, std::size_t columns) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) throw ModelError(member + " lacks '" + name + "'");
    if (found->second.shape != std::vector<std::size_t>{test.rows, columns}) throw ModelError(member + ": '" + name + "' has another shape");
    return floats_of(found->second);
  };
  test.rows = static_cast<std::size_t>(described->at("rows").as_integer());
  test.features = take("features", spec.features.size());
  test.scores = take("scores", spec.outputs());
  test.tolerance = described->at("tolerance").as_number();
  test.lazy = described->at("lazy").as_boolean();
  test.machine = described->at("machine").as_text();
  test.versions = described->at("versions");
  return test;
}

FoldsDescription folds_from(const Value& manifest, const std::vector<native::Function>& functions) {
  FoldsDescription folds;
  const Value* described = manifest.find("folds");  // no file of format 1.0 has it
  if (!described || described->is_null()) return folds;
  const std::int64_t count = described->at("count").as_integer();
  if (count < 2 || count > most_folds) throw ModelError("a model can't have " + std::to_string(count) + " folds");
  folds.count = static_cast<int>(count);
  if (described->at("transforms").size() != static_cast<std::size_t>(count)) throw ModelError("not every fold has its transforms");
  if (const Value& by = described->at("expression"); !by.is_null()) {
    folds.by = expression_from_value(by, functions);
    for (const native::Input& input : folds.by->inputs()) {
      if (std::find(folds.inputs.begin(), folds.inputs.end(), input.column) == folds.inputs.end()) folds.inputs.push_back(input.column);
    }
  }
  return folds;
}

std::vector<Preprocessing> preprocessing_from(const ModelFile& file, const ModelDescription& model) {
  const Value& manifest = file.manifest();
  const MissingPolicy missing = policy_named(manifest.at("missing").as_text());
  const auto one = [&](const Value& transforms, std::optional<int> fold) {
    return Preprocessing(missing, chain_from(file, transforms, transforms_member(fold), model.spec.features.size()), model.spec.features);
  };
  if (model.folds.count == 0) return {one(manifest.at("transforms"), std::nullopt)};
  std::vector<Preprocessing> all;
  const Value& transforms = manifest.at("folds").at("transforms");
  for (int fold = 0; fold < model.folds.count; ++fold) all.push_back(one(transforms.at(static_cast<std::size_t>(fold)), fold));
  return all;
}

std::size_t fold_from(const Value& payload, int folds) {
  const Value& fold = payload.at("fold");
  if (folds == 0 && fold.is_null()) return 0;
  if (folds == 0 || !fold.is_integer() || fold.as_integer() < 0 || fold.as_integer() >= folds) {
    throw ModelError("payload '" + payload.at("id").as_text() + "' is of a fold that the model has not");
  }
  return static_cast<std::size_t>(fold.as_integer());
}

ModelDescription parse(const ModelFile& file, const std::vector<native::Function>& functions) {
  const Value& manifest = file.manifest();
  ModelDescription model;
  model.spec = spec_from(manifest);
  for (const Value& feature : manifest.at("features").as_array()) {
    model.features.push_back({feature.at("name").as_text(), expression_from_value(feature.at("expression"), functions)});
  }
  model.inputs = manifest.at("inputs").as_texts();
  model.spectators = manifest.at("spectators").as_texts();
  model.folds = folds_from(manifest, functions);
  model.preprocessing = preprocessing_from(file, model);
  model.method = manifest.at("method").at("type").as_text();
  model.options = manifest.at("method").at("options");
  if (const Value* package = manifest.at("method").find("package")) model.package = package->as_text();
  if (!model.package.empty() && !is_package_name(model.package)) {
    throw ModelError("its method is of '" + model.package + "', which names no Python package");
  }
  for (const Value& payload : manifest.at("payloads").as_array()) {
    PayloadDescription one;
    one.id = payload.at("id").as_text();
    if (const Value& backend = payload.at("backend"); !backend.is_null()) one.backend = backend.as_text();
    one.info = Value::object();
    one.info.set("versions", payload.at("versions"));
    one.carries_code = payload.at("carries_code").as_boolean();
    one.info.set("carries_code", one.carries_code);
    if (const Value* itself = payload.find("transforms_itself")) one.transforms_itself = itself->as_boolean();
    one.members = payload.at("members").as_texts();
    one.fold = fold_from(payload, model.folds.count);
    model.payloads.push_back(std::move(one));
  }
  if (model.payloads.empty()) throw ModelError("holds nothing that can score");
  model.selftest = selftest_from(file, model.spec);
  return model;
}

ModelDescription parsed(const ModelFile& file, const std::function<std::vector<native::Function>()>& functions) {
  try {
    return parse(file, functions());
  } catch (const Error& problem) {
    throw ModelError(file.origin() + ": " + problem.what());
  } catch (const std::invalid_argument& problem) {  // a transform that can't be
    throw ModelError(file.origin() + ": " + problem.what());
  }
}

}  // namespace

ModelDescription read_manifest(const ModelFile& file) {
  return parsed(file, [&] { return named_functions(file); });
}

ModelDescription read_manifest(const ModelFile& file, const Registry& registry) {
  const std::vector<native::Function> functions = load_functions(file, registry);
  return parsed(file, [&] { return functions; });
}

std::string transforms_member(std::optional<int> fold) {
  return fold ? "transforms/" + std::to_string(*fold) + ".safetensors" : "transforms.safetensors";
}

std::string member_name(const std::string& payload_id, const std::string& name) {
  return name.starts_with("script/") ? name : "payload/" + payload_id + "/" + name;
}

Payload payload_from(const ModelFile& file, const PayloadDescription& described) {
  Payload payload;
  payload.info = described.info;
  for (const std::string& name : described.members) payload.members.emplace(name, file.member(member_name(described.id, name)));
  return payload;
}

std::vector<std::string> output_names_of(const Spec& spec) {
  std::vector<std::string> names;
  if (spec.task == "regression") {
    for (const std::string& target : spec.targets) names.push_back("pred_" + target);
  } else if (spec.outputs() == 1) {
    names.push_back("score");
  } else {
    for (const std::string& one : spec.classes) names.push_back("score_" + one);
  }
  return names;
}

const char* name_of(MissingPolicy policy) noexcept { return policies[static_cast<std::size_t>(policy)].second; }

MissingPolicy policy_named(const std::string& name) {
  for (const auto& [policy, known] : policies) {
    if (name == known) return policy;
  }
  throw ModelError("'missing' is '" + name + "', which is no policy");
}

}  // namespace ophion
