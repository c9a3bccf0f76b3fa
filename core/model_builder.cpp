/// Builds the model file of a training: manifest, payload, transforms, self-test. docs/model_file.md describes what it writes.
#include "model_builder.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include <ophion/error.h>

#include "features.h"
#include "model_functions.h"
#include "model_manifest.h"
#include "native_backend.h"
#include "onnx_form.h"
#include "safetensors.h"
#include "self_test.h"
#include "text.h"

namespace ophion {
namespace {

constexpr const char* selftest_member = "selftest.safetensors";
constexpr const char* report_member = "report.json";
constexpr const char* payload_id = "0";
constexpr double most_seconds_at_load = 0.05;

/// Smallest and largest number of a feature in training; null where it has none.
std::pair<Value, Value> range_of(const MatrixView& features, std::size_t column) {
  float least = std::numeric_limits<float>::infinity();
  float most = -least;
  for (std::size_t i = 0; i < features.rows(); ++i) {
    const float number = features.at(i, column);
    if (!std::isfinite(number)) continue;
    least = std::min(least, number);
    most = std::max(most, number);
  }
  if (least > most) return {};
  return {double{least}, double{most}};
}

struct DescribedFeatures {
  Value list = Value::array();
  std::vector<std::string> inputs;  ///< the columns their expressions read, each once
  std::vector<native::Expression> expressions;
};

/// The plug-ins that a model of the config needs when it is used.
Value describe_plugins_of(const DataConfig& data, std::vector<native::Expression> expressions, std::map<std::string, std::string>& members) {
  const FeatureFunctions& functions = functions_of(data);
  if (!data.split.fold_by.empty()) expressions.push_back(parse_expression(data.split.fold_by, "data.split.folds", functions));
  return describe_plugins(functions, expressions, members);
}

/// `train`: the events whose ranges are noted; null when they are not known.
DescribedFeatures describe_features(const std::vector<NamedExpression>& features, const FeatureFunctions& functions, const MatrixView* train) {
  DescribedFeatures described;
  for (std::size_t i = 0; i < features.size(); ++i) {
    const native::Expression expression = parse_expression(features[i].expression, "feature '" + features[i].name + "'", functions);
    for (const native::Input& input : expression.inputs()) {
      if (std::find(described.inputs.begin(), described.inputs.end(), input.column) == described.inputs.end()) {
        described.inputs.push_back(input.column);
      }
    }
    auto [least, most] = train ? range_of(*train, i) : std::pair<Value, Value>();
    Value feature = Value::object();
    feature.set("name", features[i].name);
    feature.set("unit", features[i].unit);
    feature.set("text", features[i].expression);
    feature.set("expression", to_value(expression));
    described.expressions.push_back(expression);
    feature.set("min", std::move(least));
    feature.set("max", std::move(most));
    described.list.push_back(std::move(feature));
  }
  return described;
}

/// The steps as the manifest lists them; their arrays go into a member.
Value describe_transforms(const native::TransformChain& chain, const std::vector<std::string>& features, std::map<std::string, std::string>& members) {
  Value list = Value::array();
  std::map<std::string, Tensor> tensors;
  for (const native::TransformStep& step : chain.steps()) {
    Value settings = Value::object();
    for (const auto& [key, setting] : step.settings) settings.set(key, setting);
    Value arrays = Value::array();
    for (const auto& [name, numbers] : step.arrays) {
      tensors.emplace(std::to_string(list.size()) + "." + name, make_tensor(std::span(numbers), {numbers.size()}));
      arrays.push_back(name);
    }
    Value described = Value::object();
    described.set("type", step.type);
    described.set("settings", std::move(settings));
    described.set("arrays", std::move(arrays));
    if (const auto columns = step.arrays.find("columns"); columns != step.arrays.end()) {
      const std::vector<std::string> names = chain.names(features, list.size());
      Value chosen = Value::array();
      for (const double column : columns->second) chosen.push_back(names[static_cast<std::size_t>(column)]);
      described.set("features", std::move(chosen));
    }
    if (!step.names.empty()) described.set("names", Value(step.names));
    list.push_back(std::move(described));
  }
  if (!tensors.empty()) members.emplace(transforms_member(std::nullopt), write_safetensors(tensors));
  return list;
}

Value describe_payload(const std::string& id, const std::map<std::string, std::string>& own, const Value& info,
                       const std::string& backend, std::map<std::string, std::string>& members) {
  Value names = Value::array();
  for (const auto& [name, content] : own) {
    names.push_back(name);
    members.emplace(member_name(id, name), content);
  }
  const Value* versions = info.find("versions");
  const Value* carries_code = info.find("carries_code");
  Value described = Value::object();
  described.set("id", id);
  described.set("backend", backend.empty() ? Value() : Value(backend));
  described.set("fold", Value());
  described.set("members", std::move(names));
  described.set("versions", versions ? *versions : Value::object());
  described.set("carries_code", carries_code && carries_code->as_boolean());
  return described;
}

/// A form of the model that needs no method.
Value describe_form(const std::string& backend, const std::map<std::string, std::string>& own, std::map<std::string, std::string>& members) {
  Value described = describe_payload(backend, own, Value::object(), backend, members);
  if (backend == onnx_name) described.set("transforms_itself", true);
  return described;
}

/// The method's own payload, and the forms that need no method where it could be exported to them; else the first one says why not.
Value describe_payloads(const Payload& payload, const std::string& backend, std::map<std::string, std::string>& members) {
  Value list = Value::array();
  Value own = describe_payload(payload_id, payload.members, payload.info, backend, members);
  if (payload.native.empty() && !payload.not_native.empty()) own.set("not_native", payload.not_native);
  if (!payload.not_onnx.empty()) own.set("not_onnx", payload.not_onnx);
  list.push_back(std::move(own));
  if (!payload.native.empty()) list.push_back(describe_form(native_name, payload.native, members));
  if (!payload.onnx.empty()) list.push_back(describe_form(onnx_name, {{onnx_member, payload.onnx}}, members));
  return list;
}

Value all_versions(const Value* of_payload) {
  Value versions = Value::object();
  versions.set("ophion", OPHION_VERSION);
  if (of_payload && of_payload->is_object()) {
    for (const auto& [package, version] : of_payload->as_object()) versions.set(package, version);
  }
  return versions;
}

/// What a manifest says of a model, wherever that came from.
struct Contents {
  const std::string& name;
  const Spec& spec;
  DescribedFeatures features;
  Value plugins;
  std::vector<std::string> spectators;
  MissingPolicy missing;
  Value transforms;
  Value method;
  Value payloads;
  Value versions;
  const Value& provenance;
  Value selftest;
};

std::shared_ptr<const ModelFile> assemble(Contents contents, std::map<std::string, std::string> members) {
  Value manifest = Value::object();
  manifest.set("format", Value());  // ModelFile's; named here to stand first
  manifest.set("name", contents.name);
  manifest.set("task", contents.spec.task);
  manifest.set("classes", Value(contents.spec.classes));
  manifest.set("targets", Value(contents.spec.targets));
  manifest.set("features", std::move(contents.features.list));
  manifest.set("inputs", Value(contents.features.inputs));
  if (!contents.plugins.is_null()) manifest.set("plugins", std::move(contents.plugins));
  manifest.set("spectators", Value(contents.spectators));
  manifest.set("missing", name_of(contents.missing));
  manifest.set("transforms", std::move(contents.transforms));
  manifest.set("outputs", Value(output_names_of(contents.spec)));
  manifest.set("method", std::move(contents.method));
  manifest.set("payloads", std::move(contents.payloads));
  manifest.set("versions", std::move(contents.versions));
  manifest.set("provenance", contents.provenance);
  manifest.set("selftest", std::move(contents.selftest));
  manifest.set("created", utc_now(iso_time));
  return ModelFile::make(std::move(manifest), std::move(members));
}

/// `package`: the Python package that brings the type; empty where none does.
Value describe_method(const std::string& type, const std::string& package, const std::string& name, const Value& options) {
  Value method = Value::object();
  method.set("type", type);
  if (!package.empty()) method.set("package", package);
  method.set("name", name);
  method.set("options", options);
  return method;
}

std::shared_ptr<const ModelFile> build(const ModelParts& parts, const std::string& backend, const SelfTest& test) {
  std::map<std::string, std::string> members;
  const DataConfig& data = parts.config.data();
  DescribedFeatures features = describe_features(data.features, functions_of(data), &parts.train.features);
  Value plugins = describe_plugins_of(data, features.expressions, members);
  const std::string& package = parts.config.registry().info("method", parts.method.type).package;
  Contents contents{.name = parts.method.name,
                    .spec = parts.spec,
                    .features = std::move(features),
                    .plugins = std::move(plugins),
                    .spectators = data.spectators,
                    .missing = parts.preprocessing.missing(),
                    .transforms = describe_transforms(parts.preprocessing.chain(), parts.spec.features, members),
                    .method = describe_method(parts.method.type, package, parts.method.name, parts.method.options),
                    .payloads = describe_payloads(parts.payload, backend, members),
                    .versions = all_versions(parts.payload.info.find("versions")),
                    .provenance = parts.provenance,
                    .selftest = describe_selftest(test, members)};
  add_report(parts.report, members);
  return assemble(std::move(contents), std::move(members));
}

}  // namespace

Value describe_selftest(const SelfTest& test, std::map<std::string, std::string>& members) {
  if (test.rows == 0) return {};
  const auto matrix = [&](const std::vector<float>& numbers) {
    return make_tensor(std::span(numbers), {test.rows, numbers.size() / test.rows});
  };
  members.emplace(selftest_member, write_safetensors({{"features", matrix(test.features)}, {"scores", matrix(test.scores)}}));
  Value described = Value::object();
  described.set("member", selftest_member);
  described.set("rows", test.rows);
  described.set("tolerance", test.tolerance);
  described.set("lazy", test.lazy);
  described.set("machine", test.machine);
  described.set("versions", test.versions);
  return described;
}

void add_report(const Value& report, std::map<std::string, std::string>& members) {
  if (report.size() > 0) members.emplace(report_member, write_json(report) + "\n");
}

SelfTest self_test_by(const Model& model, std::vector<float> features, int threads) {
  SelfTest test;
  test.rows = features.size() / model.features().size();
  test.features = std::move(features);
  const auto begin = std::chrono::steady_clock::now();
  test.scores = model.predict(MatrixView(test.features.data(), test.rows, model.features().size()));
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  test.lazy = taken.count() > most_seconds_at_load;
  test.machine = machine_of(threads);
  test.versions = model.versions();
  return test;
}

std::shared_ptr<const ModelFile> build_model_file(const ModelParts& parts) { return build(parts, "", {}); }

std::shared_ptr<const ModelFile> build_tested_model_file(const ModelParts& parts, const Model& model) {
  const int threads = parts.method.threads != 0 ? parts.method.threads : parts.config.threads();
  return build(parts, model.backend(), self_test_by(model, parts.selftest_features, threads));
}

Value report_of(const ModelFile& file) {
  const auto found = file.members().find(report_member);
  return found == file.members().end() ? Value::object() : read_json(found->second, file.origin() + ", " + report_member);
}

std::shared_ptr<const ModelFile> build_imported_model_file(const ImportedParts& parts, const SelfTest& test) {
  std::map<std::string, std::string> members;
  Value payloads = Value::array();
  payloads.push_back(describe_form(parts.backend, parts.members, members));
  Contents contents{.name = parts.name,
                    .spec = parts.spec,
                    .features = describe_features(parts.features, {}, nullptr),
                    .plugins = {},
                    .spectators = {},
                    .missing = parts.missing,
                    .transforms = Value::array(),
                    .method = describe_method("import", "", parts.name, Value::object()),
                    .payloads = std::move(payloads),
                    .versions = all_versions(&parts.versions),
                    .provenance = parts.provenance,
                    .selftest = describe_selftest(test, members)};
  return assemble(std::move(contents), std::move(members));
}

}  // namespace ophion
