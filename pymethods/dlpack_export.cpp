/// DLPack capsules: https://data-apis.org/array-api/2024.12/API_specification/generated/array_api.array.__dlpack__.html
#include "dlpack_export.h"

#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include "buffer_type.h"
#include "dlpack.h"
#include "error.h"

#include <ophion/buffer.h>

namespace ophion {
namespace {

/// A tensor with what it points to. It holds the memory's keeper and no Python object: whoever has it may drop it on any thread,
/// without the GIL, and after Python's end.
template <class Managed>
struct Exported {
  Managed managed{};
  std::array<std::int64_t, 2> shape{};
  std::array<std::int64_t, 2> strides{};
  std::shared_ptr<const void> keeper;
};

template <class Managed>
void drop(Managed* managed) {
  const std::unique_ptr<Exported<Managed>> exported(static_cast<Exported<Managed>*>(managed->context));
  let_go(std::move(exported->keeper));
}

/// A capsule that nobody consumed still owns its tensor; a consumer has renamed it.
template <class Managed>
void drop_unused(PyObject* capsule) {
  if (!PyCapsule_IsValid(capsule, Managed::name)) return;
  drop(static_cast<Managed*>(PyCapsule_GetPointer(capsule, Managed::name)));
}

dlpack::DataType data_type(const ElementType& element) {
  const std::uint8_t code = element.kind == 'b'   ? dlpack::code_bool
                            : element.kind == 'i' ? dlpack::code_int
                            : element.kind == 'u' ? dlpack::code_uint
                                                  : dlpack::code_float;
  return {code, static_cast<std::uint8_t>(8 * element.size), 1};
}

template <class Managed>
PyRef capsule_of(const SharedMemory& memory, void* data, std::array<Py_ssize_t, 2> strides, std::shared_ptr<const void> keeper,
                 [[maybe_unused]] std::uint64_t flags) {
  auto exported = std::make_unique<Exported<Managed>>();
  exported->keeper = std::move(keeper);
  for (std::size_t i = 0; i < 2; ++i) {
    exported->shape[i] = memory.shape[i];
    exported->strides[i] = strides[i] / static_cast<Py_ssize_t>(memory.element->size);
  }
  Managed& managed = exported->managed;
  managed.context = exported.get();
  managed.deleter = drop<Managed>;
  managed.tensor = {memory.size() == 0 ? nullptr : data, {dlpack::cpu, 0}, memory.dimensions, data_type(*memory.element),
                    exported->shape.data(), exported->strides.data(), 0};
  if constexpr (std::is_same_v<Managed, dlpack::VersionedTensor>) {
    managed.major = dlpack::major_version;
    managed.minor = dlpack::minor_version;
    managed.flags = flags;
  }
  PyRef capsule = check(PyCapsule_New(&managed, Managed::name, drop_unused<Managed>), "giving a buffer to Python");
  static_cast<void>(exported.release());
  return capsule;
}

/// The elements one after the other in memory of their own; the strides are set to theirs.
std::shared_ptr<void> copy_of(const SharedMemory& memory, std::array<Py_ssize_t, 2>& strides) {
  const std::size_t size = memory.element->size;
  const auto rows = static_cast<std::size_t>(memory.shape[0]);
  const auto columns = memory.dimensions == 2 ? static_cast<std::size_t>(memory.shape[1]) : 1;
  std::shared_ptr<void> copy = detail::zeros(rows, columns, size);
  auto* to = static_cast<char*>(copy.get());
  for (std::size_t row = 0; row < rows; ++row) {
    const char* from = static_cast<const char*>(memory.data) + static_cast<Py_ssize_t>(row) * memory.strides[0];
    for (std::size_t column = 0; column < columns; ++column, to += size) {
      std::memcpy(to, from + static_cast<Py_ssize_t>(column) * memory.strides[1], size);
    }
  }
  strides = {static_cast<Py_ssize_t>(columns * size), static_cast<Py_ssize_t>(size)};
  return copy;
}

/// What a consumer asks for.
struct Request {
  bool versioned = false;
  bool copy = false;
};

/// False, with an exception, where it can't be fulfilled.
bool read(PyObject* arguments, PyObject* keywords, Request& request) {
  static const char* names[] = {"stream", "max_version", "dl_device", "copy", nullptr};
  PyObject *stream = Py_None, *version = Py_None, *device = Py_None, *copy = Py_None;
  if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|$OOOO:__dlpack__", const_cast<char**>(names), &stream, &version, &device,
                                   &copy)) {
    return false;
  }
  if (stream != Py_None) {
    PyErr_Format(PyExc_BufferError, "__dlpack__: memory of the CPU has no streams: expected stream=None, found %R", stream);
    return false;
  }
  if (version != Py_None) {
    int major = 0, minor = 0;
    if (!PyTuple_Check(version) || !PyArg_ParseTuple(version, "ii", &major, &minor)) {
      PyErr_Format(PyExc_TypeError, "__dlpack__: expected max_version=None or two whole numbers, found %R", version);
      return false;
    }
    request.versioned = major >= static_cast<int>(dlpack::major_version);
  }
  if (device != Py_None) {
    int type = 0, id = 0;
    if (!PyTuple_Check(device) || !PyArg_ParseTuple(device, "ii", &type, &id)) {
      PyErr_Format(PyExc_TypeError, "__dlpack__: expected dl_device=None or two whole numbers, found %R", device);
      return false;
    }
    if (type != dlpack::cpu || id != 0) {
      PyErr_Format(PyExc_BufferError, "__dlpack__: an ophion.Buffer lies in memory of the CPU: expected dl_device=(1, 0), found %R",
                   device);
      return false;
    }
  }
  if (copy != Py_None) {
    const int truth = PyObject_IsTrue(copy);
    if (truth < 0) return false;
    request.copy = truth == 1;
  }
  return true;
}

}  // namespace

PyObject* export_dlpack(PyObject* buffer, PyObject* arguments, PyObject* keywords) {
  Request request;
  if (!read(arguments, keywords, request)) return nullptr;
  const SharedMemory& memory = shared_memory(buffer);
  if (memory.element->kind == 'V') {
    PyErr_SetString(PyExc_BufferError, "__dlpack__: DLPack knows no structs: take numpy.asarray(buffer)[\"field\"]");
    return nullptr;
  }
  if (memory.read_only && !request.copy && !request.versioned) {
    PyErr_SetString(PyExc_BufferError,
                    "__dlpack__: this ophion.Buffer is read-only, which DLPack can't say before version 1: expected "
                    "max_version=(1, 0) or copy=True");
    return nullptr;
  }
  return as_python([&] {
    std::uint64_t flags = memory.read_only ? dlpack::flag_read_only : 0;
    void* data = memory.data;
    std::array<Py_ssize_t, 2> strides = memory.strides;
    std::shared_ptr<const void> keeper = memory.keeper;
    if (request.copy) {
      const std::shared_ptr<void> copy = copy_of(memory, strides);
      data = copy.get();
      keeper = copy;
      flags = dlpack::flag_is_copied;
    }
    return request.versioned ? capsule_of<dlpack::VersionedTensor>(memory, data, strides, std::move(keeper), flags)
                             : capsule_of<dlpack::ManagedTensor>(memory, data, strides, std::move(keeper), flags);
  });
}

PyObject* dlpack_device(PyObject*, PyObject*) { return Py_BuildValue("(ii)", static_cast<int>(dlpack::cpu), 0); }

}  // namespace ophion
