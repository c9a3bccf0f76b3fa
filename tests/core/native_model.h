/// Whole model files of a neutral form, made by hand: no method and no Python stand behind them.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "forest_arrays.h"
#include "model_file.h"
#include "safetensors.h"

inline ophion::Tensor integers(const std::vector<std::int32_t>& values) {
  ophion::Tensor tensor{ophion::DType::int32, {values.size()}, std::string(values.size() * sizeof(std::int32_t), '\0')};
  std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

/// The members of a forest's payload.
inline std::map<std::string, std::string> forest_members(const ophion::native::ForestArrays& forest, const std::string& description) {
  using ophion::make_tensor;
  std::map<std::string, ophion::Tensor> arrays{{"roots", integers(forest.roots)},
                                               {"feature", integers(forest.feature)},
                                               {"threshold", make_tensor(forest.threshold, {forest.threshold.size()})},
                                               {"left", integers(forest.left)},
                                               {"right", integers(forest.right)},
                                               {"values", make_tensor(forest.values, {forest.values.size()})},
                                               {"base", make_tensor(forest.base, {forest.base.size()})}};
  const auto add = [&arrays](const char* name, const std::vector<std::int32_t>& values) {
    if (!values.empty()) arrays.emplace(name, integers(values));
  };
  add("tree_output", forest.tree_output);
  add("missing_left", forest.missing_left);
  add("category_set", forest.category_set);
  add("set_first", forest.set_first);
  add("set_words", forest.set_words);
  add("other_left", forest.other_left);
  if (!forest.tree_weight.empty()) arrays.emplace("tree_weight", make_tensor(forest.tree_weight, {forest.tree_weight.size()}));
  return {{"model.json", description}, {"arrays.safetensors", write_safetensors(arrays)}};
}

/// A model of the columns x, y and z, of which it takes x, abs(y) and z.
inline std::shared_ptr<const ophion::ModelFile> native_model(const std::map<std::string, std::string>& payload, const std::string& missing) {
  constexpr const char* manifest = R"json({
    "name": "made_up", "task": "regression", "classes": [], "targets": ["t"],
    "features": [{"name": "x", "unit": "", "text": "x", "expression": ["column", "x"], "min": 0, "max": 1},
                 {"name": "abs_y", "unit": "", "text": "abs(y)", "expression": ["abs", ["column", "y"]], "min": 0, "max": 1},
                 {"name": "z", "unit": "", "text": "z", "expression": ["column", "z"], "min": 0, "max": 1}],
    "inputs": ["x", "y", "z"], "spectators": [], "transforms": [], "outputs": ["pred_t"],
    "method": {"type": "linear", "name": "made_up", "options": {}},
    "payloads": [{"id": "native", "backend": "native", "fold": null, "members": ["model.json", "arrays.safetensors"],
                  "versions": {}, "carries_code": false}],
    "versions": {"ophion": "0.1.0"}, "provenance": {"seed": 1}, "selftest": null, "created": "2026-07-04T12:00:00Z"
  })json";
  ophion::Value described = ophion::read_json(manifest, "manifest");
  described.set("missing", missing);
  std::map<std::string, std::string> members;
  for (const auto& [name, bytes] : payload) members.emplace("payload/native/" + name, bytes);
  return ophion::ModelFile::make(std::move(described), std::move(members));
}
