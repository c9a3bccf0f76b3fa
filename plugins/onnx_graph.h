/// What an ONNX file asks for, read before ONNX Runtime sees it.
#pragma once

#include <string_view>

namespace ophion {

/// Throws ModelError for bytes that are no ONNX file, and for one that asks for more than arithmetic on what it holds: operators that are
/// not ONNX's own, or numbers that lie in other files.
void demand_plain_graph(std::string_view bytes);

}  // namespace ophion
