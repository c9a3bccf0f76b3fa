/// From a payload's members to plain arrays.
#include "native_form.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include <ophion/error.h>

#include "safetensors.h"

namespace ophion {
namespace {

constexpr const char* description_member = "model.json";
constexpr const char* arrays_member = "arrays.safetensors";

using Arrays = std::map<std::string, Tensor>;

const std::string& member_of(const Payload& payload, const char* name) {
  const auto found = payload.members.find(name);
  if (found == payload.members.end()) throw ModelError(std::string("the native payload has no member '") + name + "'");
  return found->second;
}

const Tensor& array(const Arrays& arrays, const std::string& name) {
  const auto found = arrays.find(name);
  if (found == arrays.end()) throw ModelError(std::string(arrays_member) + " lacks '" + name + "'");
  return found->second;
}

native::Link link_of(const Value& description) {
  const std::string& name = description.at("link").as_text();
  const auto link = native::link_named(name);
  if (!link) throw ModelError("the link '" + name + "' is unknown to this Ophion");
  return *link;
}

native::Join join_of(const Value& description) {
  const Value* const given = description.find("join");
  if (!given) return native::Join::sum;
  const std::string& name = given->as_text();
  const auto join = native::join_named(name);
  if (!join) throw ModelError("the join '" + name + "' is unknown to this Ophion");
  return *join;
}

native::ForestArrays forest_from(const Value& description, const Arrays& arrays, const Spec& spec) {
  native::ForestArrays forest;
  forest.features = spec.features.size();
  forest.outputs = spec.outputs();
  forest.roots = integers_of(array(arrays, "roots"));
  forest.feature = integers_of(array(arrays, "feature"));
  forest.threshold = floats_of(array(arrays, "threshold"));
  forest.left = integers_of(array(arrays, "left"));
  forest.right = integers_of(array(arrays, "right"));
  forest.values = doubles_of(array(arrays, "values"));
  forest.base = doubles_of(array(arrays, "base"));
  const auto optional = [&arrays](const char* name) {
    return arrays.contains(name) ? integers_of(array(arrays, name)) : std::vector<std::int32_t>();
  };
  forest.tree_output = optional("tree_output");
  forest.missing_left = optional("missing_left");
  forest.category_set = optional("category_set");
  forest.set_first = optional("set_first");
  forest.set_words = optional("set_words");
  forest.other_left = optional("other_left");
  forest.join = join_of(description);
  if (forest.join == native::Join::weighted_median) forest.tree_weight = doubles_of(array(arrays, "tree_weight"));
  forest.scale = description.at("scale").as_number();
  forest.link = link_of(description);
  return forest;
}

native::Activation activation_named(const std::string& name) {
  using native::Activation;
  static constexpr std::array<std::pair<const char*, Activation>, 11> known{{{"relu", Activation::relu},
                                                                            {"leaky_relu", Activation::leaky_relu},
                                                                            {"elu", Activation::elu},
                                                                            {"selu", Activation::selu},
                                                                            {"gelu", Activation::gelu},
                                                                            {"gelu_tanh", Activation::gelu_tanh},
                                                                            {"silu", Activation::silu},
                                                                            {"tanh", Activation::tanh},
                                                                            {"sigmoid", Activation::sigmoid},
                                                                            {"softplus", Activation::softplus},
                                                                            {"softmax", Activation::softmax}}};
  for (const auto& [word, activation] : known) {
    if (name == word) return activation;
  }
  throw ModelError("the network's step '" + name + "' is unknown to this Ophion");
}

native::NetworkStep step_from(const Value& described, const Arrays& arrays) {
  native::NetworkStep step;
  const std::string& type = described.at("type").as_text();
  if (type == "dense") {
    const std::string& name = described.at("arrays").as_text();
    const Tensor& weights = array(arrays, name + ".weight");
    if (weights.shape.size() != 2) throw ModelError("'" + name + ".weight' is no matrix");
    step.outputs = weights.shape[0];
    step.inputs = weights.shape[1];
    step.weights = floats_of(weights);
    step.bias = floats_of(array(arrays, name + ".bias"));
  } else if (type == "add") {
    step.kind = native::NetworkStep::Kind::add;
    step.from = static_cast<std::int32_t>(std::clamp<std::int64_t>(described.at("from").as_integer(), -2, 1 << 20));
  } else {
    step.kind = native::NetworkStep::Kind::activation;
    step.activation = activation_named(type);
    if (const Value* parameter = described.find("parameter")) step.parameter = parameter->as_number();
  }
  return step;
}

NetworkForm network_from(const Value& description, const Arrays& arrays) {
  NetworkForm network;
  for (const Value& described : description.at("steps").as_array()) network.steps.push_back(step_from(described, arrays));
  network.link = link_of(description);
  return network;
}

}  // namespace

NativeForm read_native_form(const Payload& payload, const Spec& spec) {
  const Value description = read_json(member_of(payload, description_member), description_member);
  const Arrays arrays = read_safetensors(member_of(payload, arrays_member), arrays_member);
  const std::string& kind = description.at("kind").as_text();
  if (kind == "forest") return forest_from(description, arrays, spec);
  if (kind == "network") return network_from(description, arrays);
  throw ModelError("a native payload of the kind '" + kind + "' is unknown to this Ophion");
}

}  // namespace ophion
