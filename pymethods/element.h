/// Element types in the words of each protocol.
#pragma once

#include "cpython.h"

#include <string>

#include <ophion/element.h>

#include "ref.h"

namespace ophion {

/// What errors say was being done.
inline constexpr const char* describing_buffer = "describing a buffer to Python";

/// "float32", "bool"; "{x: float32, hits: int16[4]}" for a struct: how errors write a type.
std::string name_of(const ElementType& type);
/// The same of a number by its kind and size, which need not be one of ours ("float16").
std::string name_of(char kind, std::size_t size);

/// PEP 3118: "f", "T{=i:run:4x=d:energy:}".
std::string buffer_format(const ElementType& type);

/// The array interface: "<f4", "|b1"; "|V16" for a struct.
std::string array_type(const ElementType& type);
/// Its description, a new list of tuples, with the GIL held: [("run", "<i4"), ("", "|V4"), ("energy", "<f8")].
PyRef array_description(const ElementType& type);

/// numpy.dtype, with the GIL held: of a struct, one with the struct's own offsets and size.
PyRef numpy_dtype(const ElementType& type);

}  // namespace ophion
