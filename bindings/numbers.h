/// Numbers that the caller lends: checked, and seen as core's views.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <ophion/dataset.h>

#include "c_api.h"

namespace ophion::c_api {

/// A view of the caller's matrix. `what` is what errors call it.
MatrixView view_of(const ophion_matrix* matrix, const char* what);

/// Views of the caller's columns, each with a name of its own or, where `named` is false, with none.
Columns views_of(const ophion_column* columns, std::size_t count, const char* what, bool named = true);

/// Room for the scores of so many rows, no more and no less.
std::span<float> room_for(float* out, std::size_t out_count, std::size_t rows, std::size_t outputs);

}  // namespace ophion::c_api
