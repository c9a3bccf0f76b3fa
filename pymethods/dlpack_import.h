/// Tensors that other libraries hand out by DLPack. With the GIL held.
#pragma once

#include "cpython.h"

#include <cstdint>
#include <string>

#include "dlpack.h"
#include "ref.h"

namespace ophion {

/// A tensor taken over from its capsule. The owner gives it back.
struct Imported {
  const dlpack::Tensor* tensor = nullptr;
  bool read_only = false;
  PyRef owner;
};

/// Where an object's memory is, by its __dlpack_device__; not in reach of this processor: "CUDA device 0". Empty: it is.
std::string device_out_of_reach(PyObject* object);

/// The object's __dlpack__. What it raises becomes a DataError, which begins with `doing`.
Imported import_dlpack(PyObject* object, const std::string& doing);

/// "float32", "bfloat16", "complex64".
std::string name_of(dlpack::DataType type);

}  // namespace ophion
