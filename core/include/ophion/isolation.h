/// Whether other people's code runs in this process or in one of its own. docs/isolation.md says what that gives and costs.
#pragma once

#include <cstddef>
#include <memory>

#include <ophion/export.h>

namespace ophion {

enum class Isolation {
  none,     ///< in this process
  process,  ///< in worker processes: nothing that happens there can end or change this one
};

/// Room for `count` numbers that worker processes see without a copy; they may read it, never write. Throws std::bad_alloc.
///   auto x = ophion::shared_floats(rows * 30);
///   model.predict(ophion::MatrixView(x.get(), rows, 30), out);
OPHION_EXPORT std::shared_ptr<float[]> shared_floats(std::size_t count);

}  // namespace ophion
