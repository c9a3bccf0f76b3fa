/// The ONNX form of a trained model: one graph from the features, as they are, to the scores.
#pragma once

#include <string>

#include <ophion/model.h>

#include "preprocessing.h"

namespace ophion {

/// The name of the backend, of its engine, and of its payload in a model file.
constexpr const char* onnx_name = "onnx";
/// The payload's one member.
constexpr const char* onnx_member = "model.onnx";

/// Puts the policy for missing values and the transforms in front of `graph`, which a method exported from `own`, by the tool "onnx_form".
/// Throws Error saying what has no ONNX form.
std::string make_onnx_form(const Registry& registry, const Preprocessing& preprocessing, const std::string& graph, const Model& own);

}  // namespace ophion
