/// Memory of C++ as NumPy arrays.
#include "array.h"

#include <array>
#include <utility>

#include <ophion/error.h>

#include "call.h"
#include "core/python_launcher.h"

#define OPHION_HOLDS_NUMPY_API
#include "numpy_api.h"

namespace ophion {
namespace {

bool numpy_imported = false;  // guarded by the GIL

/// The kind letter and size by which NumPy knows our types, whatever C type it gives them.
constexpr std::array<std::pair<char, DType>, 11> kinds{{{'b', DType::boolean},
                                                        {'i', DType::int8},
                                                        {'i', DType::int16},
                                                        {'i', DType::int32},
                                                        {'i', DType::int64},
                                                        {'u', DType::uint8},
                                                        {'u', DType::uint16},
                                                        {'u', DType::uint32},
                                                        {'u', DType::uint64},
                                                        {'f', DType::float32},
                                                        {'f', DType::float64}}};

/// The Python in use, as its user knows it.
std::string this_python() {
  if (python_is_open() && !open_python().executable.empty()) return open_python().executable.string();
  PyObject* executable = PySys_GetObject("executable");
  return executable && PyUnicode_Check(executable) ? from_text(executable, "reading sys.executable") : "python";
}

[[noreturn]] void refuse_without_numpy() {
  const std::string python = this_python();
  const std::string version = Py_GetVersion();
  try {
    throw_python_error("importing NumPy");
  } catch (const PythonError& error) {
    throw PluginError(python + " (Python " + version.substr(0, version.find(' ')) + ") can't import NumPy, which Ophion needs: " +
                      error.message() + ". Install it there (" + python +
                      " -m pip install numpy), or choose another Python by OPHION_PYTHON or RuntimeOptions.python");
  }
}

std::string shown_attribute(PyObject* object, Name& name) {
  const PyRef value = attribute(object, name, "looking at an array");
  return from_text(check(PyObject_Str(value.get()), "looking at an array").get(), "looking at an array");
}

}  // namespace

void ensure_numpy() {
  if (numpy_imported) return;
  if (_import_array() < 0) refuse_without_numpy();
  numpy_imported = true;
}

int numpy_type(DType type) noexcept {
  switch (type) {
    case DType::boolean: return NPY_BOOL;
    case DType::int8: return NPY_INT8;
    case DType::int16: return NPY_INT16;
    case DType::int32: return NPY_INT32;
    case DType::int64: return NPY_INT64;
    case DType::uint8: return NPY_UINT8;
    case DType::uint16: return NPY_UINT16;
    case DType::uint32: return NPY_UINT32;
    case DType::uint64: return NPY_UINT64;
    case DType::float32: return NPY_FLOAT32;
    case DType::float64: break;
  }
  return NPY_FLOAT64;
}

std::optional<DType> dtype_of_array(PyObject* array) noexcept {
  auto* numbers = reinterpret_cast<PyArrayObject*>(array);
  const char kind = PyArray_DESCR(numbers)->kind;
  const auto size = static_cast<std::size_t>(PyArray_ITEMSIZE(numbers));
  for (const auto& [letter, type] : kinds) {
    if (letter == kind && size_of(type) == size) return type;
  }
  return std::nullopt;
}

PyRef array_over(const ArrayLayout& layout, PyObject* owner) {
  std::array<npy_intp, 2> shape{static_cast<npy_intp>(layout.rows), static_cast<npy_intp>(layout.columns)};
  std::array<npy_intp, 2> strides{layout.row_stride, layout.column_stride};
  // A null pointer would make NumPy allocate; an empty array never looks at its address.
  static char nothing = 0;
  void* data = layout.data ? const_cast<void*>(layout.data) : &nothing;
  PyRef array = check(PyArray_NewFromDescr(&PyArray_Type, PyArray_DescrFromType(numpy_type(layout.type)),
                                           layout.two_dimensions ? 2 : 1, shape.data(), strides.data(), data,
                                           0,  // not writeable; contiguity and alignment are found from the strides
                                           nullptr),
                      "lending memory to Python");
  Py_INCREF(owner);
  check(PyArray_SetBaseObject(as_array(array), owner), "lending memory to Python");
  return array;
}

std::string dtype_name(PyObject* array) {
  static Name name("dtype");
  return shown_attribute(array, name);
}

std::string shape_name(PyObject* array) {
  static Name name("shape");
  return shown_attribute(array, name);
}

}  // namespace ophion
