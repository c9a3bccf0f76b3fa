/// The type `ophion.Buffer`: its life, the buffer protocol, and what it says of itself.
#include "buffer_type.h"

#include <new>
#include <utility>

#include "array_interface.h"
#include "call.h"
#include "dlpack_export.h"
#include "element.h"
#include "gil.h"

namespace ophion {
namespace {

struct BufferObject {
  PyObject_HEAD
  SharedMemory memory;
};

SharedMemory& memory_of(PyObject* self) noexcept { return reinterpret_cast<BufferObject*>(self)->memory; }

void dealloc_buffer(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  std::shared_ptr<const void> keeper = std::move(memory_of(self).keeper);
  memory_of(self).~SharedMemory();
  PyObject_Free(self);
  Py_DECREF(reinterpret_cast<PyObject*>(type));
  let_go(std::move(keeper));
}

// --- The buffer protocol: nothing is allocated, so nothing has to be released ---------------------------------------------------

int refuse(const char* problem) {
  PyErr_SetString(PyExc_BufferError, problem);
  return -1;
}

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  SharedMemory& memory = memory_of(self);
  view->obj = nullptr;
  if ((flags & PyBUF_WRITABLE) && memory.read_only) return refuse("this ophion.Buffer is read-only");
  view->buf = memory.data;
  view->itemsize = static_cast<Py_ssize_t>(memory.element->size);
  view->len = memory.size() * view->itemsize;
  view->readonly = memory.read_only;
  view->ndim = memory.dimensions;
  view->format = memory.format.data();
  view->shape = memory.shape.data();
  view->strides = memory.strides.data();
  view->suboffsets = nullptr;
  view->internal = nullptr;
  const bool strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES;
  const auto asks = [flags](int what) { return (flags & what) == what; };
  if ((!strides || asks(PyBUF_C_CONTIGUOUS)) && !PyBuffer_IsContiguous(view, 'C')) return refuse("this ophion.Buffer is not C-contiguous");
  if (asks(PyBUF_F_CONTIGUOUS) && !PyBuffer_IsContiguous(view, 'F')) return refuse("this ophion.Buffer is not Fortran-contiguous");
  if (asks(PyBUF_ANY_CONTIGUOUS) && !PyBuffer_IsContiguous(view, 'A')) return refuse("this ophion.Buffer is not contiguous");
  if (!strides) view->strides = nullptr;
  if (!asks(PyBUF_ND)) view->shape = nullptr;
  if (!asks(PyBUF_FORMAT)) view->format = nullptr;
  Py_INCREF(self);
  view->obj = self;
  return 0;
}

// --- What it says of itself -------------------------------------------------------------------------------------------------------

Py_ssize_t length(PyObject* self) { return memory_of(self).shape[0]; }

PyObject* get_shape(PyObject* self, void*) {
  const SharedMemory& memory = memory_of(self);
  return memory.dimensions == 1 ? Py_BuildValue("(n)", memory.shape[0]) : Py_BuildValue("(nn)", memory.shape[0], memory.shape[1]);
}

PyObject* get_read_only(PyObject* self, void*) { return PyBool_FromLong(memory_of(self).read_only); }

PyObject* get_dtype(PyObject* self, void*) {
  return as_python([&] { return numpy_dtype(*memory_of(self).element); });
}

PyObject* represent(PyObject* self) {
  return as_python([&] {
    const SharedMemory& memory = memory_of(self);
    const PyRef shape = check(get_shape(self, nullptr), "showing a buffer");
    return check(PyUnicode_FromFormat("ophion.Buffer(%s, shape=%R%s)", name_of(*memory.element).c_str(), shape.get(),
                                      memory.read_only ? ", read-only" : ""),
                 "showing a buffer");
  });
}

PyGetSetDef attributes[] = {
    {"shape", get_shape, nullptr, "The lengths of its one or two dimensions.", nullptr},
    {"dtype", get_dtype, nullptr, "The numpy.dtype of its elements.", nullptr},
    {"readonly", get_read_only, nullptr, "Whether the program lets nobody write here.", nullptr},
    {"__array_interface__", get_array_interface, nullptr, "NumPy's array interface, version 3.", nullptr},
    {"__array_struct__", get_array_struct, nullptr, "The same as a struct in a capsule.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMethodDef methods[] = {
    {"__dlpack__", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(export_dlpack)), METH_VARARGS | METH_KEYWORDS,
     "__dlpack__(*, stream=None, max_version=None, dl_device=None, copy=None)\n--\n\nThe memory in a DLPack capsule."},
    {"__dlpack_device__", dlpack_device, METH_NOARGS, "__dlpack_device__()\n--\n\n(1, 0): the CPU's memory."},
    {nullptr, nullptr, 0, nullptr}};

/// Made once, kept for ever. It holds no Python object, so the garbage collector need not know it.
PyTypeObject* buffer_type() {
  static PyTypeObject* type = nullptr;
  if (!type) {
    static PyType_Slot slots[] = {
        {Py_tp_doc, const_cast<char*>("Memory of the C++ program, shared: numpy.asarray(buffer), torch.from_dlpack(buffer), memoryview(buffer).")},
        {Py_tp_dealloc, reinterpret_cast<void*>(dealloc_buffer)},
        {Py_tp_repr, reinterpret_cast<void*>(represent)},
        {Py_tp_getset, attributes},
        {Py_tp_methods, methods},
        {Py_sq_length, reinterpret_cast<void*>(length)},
        {Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
        {0, nullptr}};
    static PyType_Spec spec{"ophion.Buffer", sizeof(BufferObject), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    type = reinterpret_cast<PyTypeObject*>(check(PyType_FromSpec(&spec), "making the type of buffers").release());
  }
  return type;
}

}  // namespace

bool SharedMemory::c_contiguous() const noexcept {
  auto expected = static_cast<Py_ssize_t>(element->size);
  if (size() == 0) return true;
  for (std::size_t i = static_cast<std::size_t>(dimensions); i-- > 0; expected *= shape[i]) {
    if (shape[i] != 1 && strides[i] != expected) return false;
  }
  return true;
}

PyRef make_buffer_object(SharedMemory memory) {
  PyRef object = check(reinterpret_cast<PyObject*>(PyObject_New(BufferObject, buffer_type())), "giving a buffer to Python");
  new (&memory_of(object.get())) SharedMemory(std::move(memory));
  return object;
}

const SharedMemory& shared_memory(PyObject* buffer) noexcept { return memory_of(buffer); }

void let_go(std::shared_ptr<const void> keeper) {
  if (!Gil::available() || !PyGILState_Check()) return;
  const GilRelease released;  // also where this is not the last one: another thread may be dropping its own just now
  keeper.reset();
}

}  // namespace ophion
