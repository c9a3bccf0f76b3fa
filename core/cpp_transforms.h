/// A chain of transforms as C++ source.
#pragma once

#include <cstddef>
#include <string>

#include "transform.h"

namespace ophion {

/// Arrays and statements that turn `p0`, the features in double, into `result`, what the trees or the network take.
struct CppPreparation {
  std::string declarations;
  std::string statements;
  std::string result = "p0";
  std::size_t width = 0;
};

/// Throws ModelError for a step that can't be written.
CppPreparation cpp_preparation(const native::TransformChain& chain);

}  // namespace ophion
