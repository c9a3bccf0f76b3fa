/// A Backend over the engines of `native`: scores without Python. docs/native.md describes the payload it is made from.
#pragma once

#include <memory>

#include <ophion/method.h>

namespace ophion {

/// The name of the backend, and of its payload in a model file.
constexpr const char* native_name = "native";

/// Throws ModelError naming what is missing or can't be.
std::unique_ptr<Backend> make_native_backend(const Payload& payload, const Spec& spec);

}  // namespace ophion
