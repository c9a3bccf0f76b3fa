/// The neutral form of a model file, read: trees or a network as plain arrays. docs/native.md describes it.
#pragma once

#include <variant>
#include <vector>

#include <ophion/method.h>

#include "forest_arrays.h"
#include "network.h"

namespace ophion {

struct NetworkForm {
  std::vector<native::NetworkStep> steps;
  native::Link link = native::Link::identity;
};

using NativeForm = std::variant<native::ForestArrays, NetworkForm>;

/// Throws Error when it can't be read; whether it can be scored is seen by the engine that is made of it.
NativeForm read_native_form(const Payload& payload, const Spec& spec);

}  // namespace ophion
