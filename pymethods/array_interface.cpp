/// NumPy's array interface, version 3: https://numpy.org/doc/stable/reference/arrays.interface.html
#include "array_interface.h"

#include <array>
#include <memory>

#include "buffer_type.h"
#include "element.h"
#include "error.h"
#include "numpy_api.h"

namespace ophion {
namespace {

PyRef tuple_of(const std::array<Py_ssize_t, 2>& numbers, int count) {
  return check(count == 1 ? Py_BuildValue("(n)", numbers[0]) : Py_BuildValue("(nn)", numbers[0], numbers[1]), describing_buffer);
}

/// What a capsule points to. Whoever has only the capsule may still look at the memory.
struct Description {
  PyArrayInterface interface;
  std::array<Py_ssize_t, 2> shape;
  std::array<Py_ssize_t, 2> strides;
  PyRef fields;
  std::shared_ptr<const void> keeper;
};

void free_description(PyObject* capsule) {
  const std::unique_ptr<Description> description(static_cast<Description*>(PyCapsule_GetContext(capsule)));
  let_go(std::move(description->keeper));
}

int flags_of(const SharedMemory& memory) {
  int flags = NPY_ARRAY_NOTSWAPPED | NPY_ARRAY_ALIGNED;
  if (!memory.read_only) flags |= NPY_ARRAY_WRITEABLE;
  if (memory.c_contiguous()) flags |= NPY_ARRAY_C_CONTIGUOUS;
  if (memory.element->kind == 'V') flags |= NPY_ARR_HAS_DESCR;
  return flags;
}

}  // namespace

PyObject* get_array_interface(PyObject* buffer, void*) {
  return as_python([&] {
    const SharedMemory& memory = shared_memory(buffer);
    return check(Py_BuildValue("{s:i,s:s,s:N,s:N,s:N,s:(NN)}", "version", 3, "typestr", array_type(*memory.element).c_str(), "descr",
                               array_description(*memory.element).release(), "shape",
                               tuple_of(memory.shape, memory.dimensions).release(), "strides",
                               memory.c_contiguous() ? Py_NewRef(Py_None) : tuple_of(memory.strides, memory.dimensions).release(),
                               "data", PyLong_FromVoidPtr(memory.data), PyBool_FromLong(memory.read_only)),
                 describing_buffer);
  });
}

PyObject* get_array_struct(PyObject* buffer, void*) {
  return as_python([&] {
    const SharedMemory& memory = shared_memory(buffer);
    auto description = std::make_unique<Description>(
        Description{{}, memory.shape, memory.strides,
                    memory.element->kind == 'V' ? array_description(*memory.element) : PyRef(), memory.keeper});
    description->interface = {2,  // says that this is such a struct
                              memory.dimensions,
                              memory.element->kind,
                              static_cast<int>(memory.element->size),
                              flags_of(memory),
                              description->shape.data(),
                              description->strides.data(),
                              memory.data,
                              description->fields.get()};
    PyRef capsule = check(PyCapsule_New(&description->interface, nullptr, nullptr), describing_buffer);  // without a name, as the interface has it
    check(PyCapsule_SetContext(capsule.get(), description.get()), describing_buffer);
    check(PyCapsule_SetDestructor(capsule.get(), free_description), describing_buffer);
    static_cast<void>(description.release());
    return capsule;
  });
}

}  // namespace ophion
