/// A whole model file of the method "linear" (tests/core/plugins), made by hand: weights 1 and 10 for two features.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model_file.h"
#include "safetensors.h"

inline const char* const small_manifest = R"json({
  "name": "sum", "task": "classification", "classes": ["background", "signal"], "targets": [],
  "features": [{"name": "x", "unit": "", "text": "x", "expression": ["column", "x"], "min": 0, "max": 1},
               {"name": "abs_y", "unit": "", "text": "abs(y)", "expression": ["abs", ["column", "y"]], "min": 0, "max": 1}],
  "inputs": ["x", "y"], "spectators": [], "missing": "error",
  "transforms": [{"type": "standard", "settings": {}, "arrays": ["mean", "scale"]}],
  "outputs": ["score"], "method": {"type": "linear", "name": "sum", "options": {"weights": [1, 10]}},
  "payloads": [{"id": "0", "backend": "linear", "fold": null, "members": ["weights.bin", "script/linear.txt"],
                "versions": {}, "carries_code": false}],
  "versions": {"ophion": "0.1.0"}, "provenance": {"seed": 1},
  "selftest": {"member": "selftest.safetensors", "rows": 1, "tolerance": 1e-5, "lazy": false, "machine": "", "versions": {}},
  "created": "2026-07-04T12:00:00Z"
})json";

inline std::map<std::string, std::string> small_members() {
  const std::vector<double> weights{1, 10}, mean{0, 0}, scale{1, 2};
  const std::vector<float> features{1, 4}, scores{21};
  std::string bytes(weights.size() * sizeof(double), '\0');
  std::memcpy(bytes.data(), weights.data(), bytes.size());
  using ophion::make_tensor;
  return {{"payload/0/weights.bin", bytes},
          {"script/linear.txt", "weights times features\n"},
          {"transforms.safetensors",
           ophion::write_safetensors({{"0.mean", make_tensor(mean, {2})}, {"0.scale", make_tensor(scale, {2})}})},
          {"selftest.safetensors",
           ophion::write_safetensors({{"features", make_tensor(features, {1, 2})}, {"scores", make_tensor(scores, {1, 1})}})}};
}

inline std::shared_ptr<const ophion::ModelFile> small_model() {
  return ophion::ModelFile::make(ophion::read_json(small_manifest, "manifest"), small_members());
}

/// The same with a member that the method counts as code. `admitted`: whether the manifest says so.
inline std::shared_ptr<const ophion::ModelFile> small_model_with_code(bool admitted) {
  ophion::Value manifest = ophion::read_json(small_manifest, "manifest");
  ophion::Value payload = manifest.at("payloads").at(0);
  payload.find("members")->push_back("script/code.txt");
  payload.set("carries_code", admitted);
  manifest.set("payloads", ophion::Value(ophion::Value::Array{payload}));
  auto members = small_members();
  members.emplace("script/code.txt", "run me\n");
  return ophion::ModelFile::make(std::move(manifest), std::move(members));
}
