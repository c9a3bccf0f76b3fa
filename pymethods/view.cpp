/// Views: whoever has memory is asked for it in the protocols' order of speed, then what was found is compared with what was wanted.
#include "cpython.h"

#include <ophion/view.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <utility>

#include <ophion/error.h>

#include "array.h"
#include "call.h"
#include "dlpack_import.h"
#include "element.h"
#include "numpy_api.h"
#include "scope.h"

namespace ophion::detail {
namespace {

/// What a view was asked for.
struct Wanted {
  PyObject* object;
  const ElementType& element;
  bool writable;
};

/// What an object has. Strides are in bytes.
struct Found {
  void* data;
  int dimensions;
  std::array<Py_ssize_t, 2> shape;  // of the first two
  std::array<Py_ssize_t, 2> strides;
  bool read_only;
};

std::string view_of(const Wanted& wanted) { return "a view of " + name_of(wanted.element); }

std::string type_name(PyObject* object) {
  static Name module("__module__"), qualified("__qualname__");
  auto* type = reinterpret_cast<PyObject*>(Py_TYPE(object));
  const char* doing = "naming a type";
  const std::string name = from_text(attribute(type, qualified, doing).get(), doing);
  const PyRef where = optional_attribute(type, module);
  if (!where || !PyUnicode_Check(where.get())) return name;
  const std::string home = from_text(where.get(), doing);
  return home == "builtins" ? name : home + '.' + name;
}

[[noreturn]] void refuse(const Wanted& wanted, const std::string& expected, const std::string& found) {
  throw DataError(view_of(wanted) + ": expected " + expected + ", found " + found + " (" + type_name(wanted.object) + ")");
}

[[noreturn]] void refuse_type(const Wanted& wanted, const std::string& found) { refuse(wanted, name_of(wanted.element), found); }

/// Dimensions, access and alignment; whether the elements are those wanted, who asked has seen before.
Memory checked(const Wanted& wanted, const Found& found) {
  if (found.dimensions != 1 && found.dimensions != 2) [[unlikely]] {
    refuse(wanted, "1 or 2 dimensions", std::to_string(found.dimensions));
  }
  Memory memory{found.data, static_cast<std::size_t>(found.shape[0]), 1, found.strides[0], 0, found.dimensions};
  if (found.dimensions == 2) {
    memory.columns = static_cast<std::size_t>(found.shape[1]);
    memory.column_stride = found.strides[1];
  }
  if (wanted.writable && found.read_only) [[unlikely]] {
    refuse(wanted, "memory that may be written", "read-only memory, of which there are views of const elements");
  }
  if (memory.size() == 0) return memory;
  // A stride of a single row or column is never taken, and may be anything.
  if (memory.rows == 1) memory.row_stride = 0;
  if (memory.columns == 1) memory.column_stride = 0;
  const auto bits = reinterpret_cast<std::uintptr_t>(memory.data) | static_cast<std::uintptr_t>(memory.row_stride) |
                    static_cast<std::uintptr_t>(memory.column_stride);
  if (bits & (wanted.element.alignment - 1)) [[unlikely]] {
    refuse(wanted, "elements aligned to " + std::to_string(wanted.element.alignment) + " bytes",
           "an address of " + std::to_string(reinterpret_cast<std::uintptr_t>(memory.data) % wanted.element.alignment) +
               " bytes beyond that, strides of " + std::to_string(memory.row_stride) + " and " + std::to_string(memory.column_stride));
  }
  return memory;
}

// --- NumPy arrays ------------------------------------------------------------------------------------------------------------------

bool same_struct(const Wanted& wanted, PyArrayObject* array) {
  const PyRef dtype = numpy_dtype(wanted.element);
  const int same = PyObject_RichCompareBool(reinterpret_cast<PyObject*>(PyArray_DESCR(array)), dtype.get(), Py_EQ);
  check(same, "comparing dtypes");
  return same == 1;
}

bool has_elements(const Wanted& wanted, PyArrayObject* array) {
  const PyArray_Descr* dtype = PyArray_DESCR(array);
  if (dtype->kind != wanted.element.kind || static_cast<std::size_t>(PyArray_ITEMSIZE(array)) != wanted.element.size) return false;
  return wanted.element.kind == 'V' ? same_struct(wanted, array) : PyArray_ISNOTSWAPPED(array);
}

Memory memory_of_array(const Wanted& wanted, PyObject* object) {
  auto* array = reinterpret_cast<PyArrayObject*>(object);
  if (!has_elements(wanted, array)) [[unlikely]] {
    const PyRef dtype = check(PyObject_Str(reinterpret_cast<PyObject*>(PyArray_DESCR(array))), "looking at an array");
    refuse_type(wanted, from_text(dtype.get(), "looking at an array"));
  }
  Found found{PyArray_DATA(array), PyArray_NDIM(array), {}, {}, !PyArray_ISWRITEABLE(array)};
  for (int i = 0; i < std::min(found.dimensions, 2); ++i) {
    found.shape[static_cast<std::size_t>(i)] = PyArray_DIM(array, i);
    found.strides[static_cast<std::size_t>(i)] = PyArray_STRIDE(array, i);
  }
  return checked(wanted, found);
}

Seen see_array(const Wanted& wanted, const PyRef& array) { return {memory_of_array(wanted, array.get()), Object::borrow(array.get())}; }

// --- The buffer protocol -----------------------------------------------------------------------------------------------------------

/// The kind of a number by its PEP 3118 letter, or 0.
char kind_of(char letter) {
  switch (letter) {
    case '?': return 'b';
    case 'b': case 'h': case 'i': case 'l': case 'q': case 'n': return 'i';
    case 'B': case 'H': case 'I': case 'L': case 'Q': case 'N': return 'u';
    case 'e': case 'f': case 'd': return 'f';
    default: return 0;
  }
}

void check_format(const Wanted& wanted, const Py_buffer& buffer) {
  std::string_view format = buffer.format ? buffer.format : "B";
  const bool marked = !format.empty() && std::string_view("@=<>!^").find(format.front()) != std::string_view::npos;
  const char order = marked ? format.front() : '@';
  if (marked) format.remove_prefix(1);
  const char kind = format.size() == 1 ? kind_of(format.front()) : '\0';
  const auto size = static_cast<std::size_t>(buffer.itemsize);
  if (!kind) refuse_type(wanted, "elements of the format '" + std::string(buffer.format) + "'");
  if (kind != wanted.element.kind || size != wanted.element.size) refuse_type(wanted, name_of(kind, size));
  const bool big = order == '>' || order == '!';
  const bool swapped = order == '<' ? std::endian::native == std::endian::big : big && std::endian::native == std::endian::little;
  if (swapped && size > 1) refuse(wanted, "this machine's byte order", name_of(kind, size) + " in the other");
}

/// A memoryview stands for the buffer: it gives it back at its end.
Seen see_buffer(const Wanted& wanted) {
  PyRef memoryview = check(PyMemoryView_FromObject(wanted.object), view_of(wanted));
  if (wanted.element.kind == 'V') {  // NumPy reads the formats of structs
    return see_array(wanted, check(PyArray_FromAny(memoryview.get(), nullptr, 0, 0, 0, nullptr), view_of(wanted)));
  }
  const Py_buffer& buffer = *PyMemoryView_GET_BUFFER(memoryview.get());
  check_format(wanted, buffer);
  if (buffer.suboffsets) refuse(wanted, "memory in one piece", "memory in pieces (suboffsets)");
  Found found{buffer.buf, buffer.ndim, {}, {}, buffer.readonly != 0};
  for (std::size_t i = 0; i < static_cast<std::size_t>(std::min(buffer.ndim, 2)); ++i) {
    found.shape[i] = buffer.shape[i];
    found.strides[i] = buffer.strides[i];
  }
  const Memory memory = checked(wanted, found);
  return {memory, Object::steal(memoryview.release())};
}

// --- DLPack ------------------------------------------------------------------------------------------------------------------------

Seen see_tensor(const Wanted& wanted) {
  if (const std::string where = device_out_of_reach(wanted.object); !where.empty()) {
    refuse(wanted, "memory of this processor, which .cpu() or the like copies to", "memory of " + where);
  }
  Imported imported = import_dlpack(wanted.object, view_of(wanted));
  const dlpack::Tensor& tensor = *imported.tensor;
  const ElementType& element = wanted.element;
  const char kind = tensor.type.code == dlpack::code_bool ? 'b' : tensor.type.code <= dlpack::code_float ? "iuf"[tensor.type.code] : '\0';
  if (kind != element.kind || tensor.type.bits != 8 * element.size || tensor.type.lanes != 1) refuse_type(wanted, name_of(tensor.type));
  const auto size = static_cast<Py_ssize_t>(element.size);
  Found found{static_cast<char*>(tensor.data) + tensor.byte_offset, tensor.ndim, {}, {}, imported.read_only};
  for (std::size_t i = 0; i < static_cast<std::size_t>(std::min(tensor.ndim, 2)); ++i) {
    found.shape[i] = tensor.shape[i];
    found.strides[i] = (tensor.strides ? tensor.strides[i] : tensor.ndim == 2 && i == 0 ? tensor.shape[1] : 1) * size;
  }
  const Memory memory = checked(wanted, found);
  return {memory, Object::steal(imported.owner.release())};
}

// --- NumPy's array interface -------------------------------------------------------------------------------------------------------

/// An array over the memory, made by NumPy; nothing where the object has none.
PyRef array_of_interface(const Wanted& wanted) {
  for (auto* make : {PyArray_FromStructInterface, PyArray_FromInterface}) {
    PyObject* const array = make(wanted.object);
    if (array != Py_NotImplemented) return check(array, view_of(wanted));  // which NumPy gives without a reference of its own
  }
  return {};
}

bool has(PyObject* object, Name& name) { return static_cast<bool>(optional_attribute(object, name)); }

}  // namespace

Seen look_at(const Object& object, const ElementType& element, bool writable) {
  static Name dlpack_device("__dlpack_device__"), cuda("__cuda_array_interface__");
  const Wanted wanted{object.get(), element, writable};
  if (!object) throw DataError(view_of(wanted) + ": expected an array, found an empty ophion::Object");
  const Gil gil;
  ensure_numpy();
  if (PyArray_Check(object.get())) return {memory_of_array(wanted, object.get()), object};
  const CallScope foreign_code;
  if (PyObject_CheckBuffer(object.get())) return see_buffer(wanted);
  if (has(object.get(), dlpack_device)) return see_tensor(wanted);
  if (const PyRef array = array_of_interface(wanted)) return see_array(wanted, array);
  if (has(object.get(), cuda)) refuse(wanted, "memory of this processor", "memory of a CUDA device");
  refuse(wanted, "an array (buffer protocol, DLPack, __array_struct__ or __array_interface__), as numpy.asarray makes one",
         "an object that is none");
}

void refuse_span(const Memory& memory, const ElementType& element) {
  throw DataError("a span of " + name_of(element) + ": expected elements one after the other, found strides of " +
                  std::to_string(memory.row_stride) + " and " + std::to_string(memory.column_stride) + " bytes in " +
                  std::to_string(memory.rows) + " x " + std::to_string(memory.columns) + " elements");
}

}  // namespace ophion::detail
