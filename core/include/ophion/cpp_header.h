/// A model as C++ source, for programs that may link nothing.
#pragma once

#include <filesystem>
#include <string>

#include <ophion/export.h>

namespace ophion {

/// The text of a C++20 header that needs the standard library alone: the native form of a model file, its transforms and what it does
/// about missing values, in a namespace of the model's name:
///     float score(const float* event);             one output
///     void score(const float* event, float* out);  several
/// with the features in training order. Where the model file's policy would refuse an event, the score is NaN. Throws ModelError for a
/// file without a native form, for one with a quantile transform to a normal distribution, and for more than a million nodes or weights.
OPHION_EXPORT std::string cpp_header(const std::filesystem::path& model);

/// The same into a file, wholly or not at all. Throws Error when there is one already, unless `overwrite`.
OPHION_EXPORT void write_cpp_header(const std::filesystem::path& model, const std::filesystem::path& header, bool overwrite = false);

}  // namespace ophion
