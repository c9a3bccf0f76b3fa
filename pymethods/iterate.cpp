/// Iterators across the border, in both directions.
#include "cpython.h"

#include <ophion/iterate.h>

#include <new>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "call.h"
#include "error.h"
#include "scope.h"

namespace ophion::detail {
namespace {

/// The object behind as_iterator.
struct CppIterator {
  PyObject_HEAD
  Source* source;  // owned; null after the end
  bool running;    // a thread is in it, without the GIL
};

CppIterator* as_cpp_iterator(PyObject* self) noexcept { return reinterpret_cast<CppIterator*>(self); }

/// What C++ destroys may take its time, or wait for other threads: the GIL is released meanwhile, and what is being raised is kept.
void destroy(Source* source) noexcept {
  if (!source) return;
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  {
    const GilRelease released;
    delete source;
  }
  PyErr_Restore(type, value, traceback);
}

/// The next item, or null at the end.
PyObject* advance(CppIterator* self) {
  bool found = false;
  {
    const GilRelease released;
    found = self->source->advance();
  }
  return found ? self->source->current().release() : nullptr;
}

PyObject* next(PyObject* object) {
  CppIterator* self = as_cpp_iterator(object);
  if (self->running) {
    PyErr_SetString(PyExc_ValueError, "this iterator is being asked by another thread, or by itself");
    return nullptr;
  }
  if (!self->source) return nullptr;
  self->running = true;
  PyObject* item = nullptr;
  try {
    item = advance(self);
  } catch (...) {
    raise_in_python();
  }
  if (!item) destroy(std::exchange(self->source, nullptr));
  self->running = false;
  return item;
}

void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  destroy(as_cpp_iterator(object)->source);
  type->tp_free(object);
  Py_DECREF(type);
}

/// Made once, kept for ever. With the GIL held.
PyTypeObject* iterator_type() {
  static PyTypeObject* type = [] {
    static char text[] = "The items of a C++ range.";
    static PyType_Slot slots[] = {{Py_tp_doc, text},
                                  {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
                                  {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
                                  {Py_tp_iternext, reinterpret_cast<void*>(next)},
                                  {0, nullptr}};
    static PyType_Spec spec{"ophion.CppIterator", sizeof(CppIterator), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    return reinterpret_cast<PyTypeObject*>(check(PyType_FromSpec(&spec), "making the type of iterators").release());
  }();
  return type;
}

/// Whether it has an end that may be brought about: generators, and what else has their methods.
bool is_generator(PyObject* iterator) {
  static Name name("Generator");
  static PyObject* generator = attribute(import_module("collections.abc").get(), name, "looking for collections.abc.Generator").release();
  return PyObject_IsInstance(iterator, generator) == 1;
}

}  // namespace

Steps::Steps(const Object& iterable) {
  const PythonScope python;
  if (!iterable) throw Error("expected an iterable, found an empty Object");
  PyObject* iterator = PyObject_GetIter(iterable.get());
  if (!iterator && PyErr_ExceptionMatches(PyExc_TypeError) && !Py_TYPE(iterable.get())->tp_iter) {
    PyErr_Clear();
    Place("iterate()").refuse("an iterable", iterable.get());
  }
  iterator_ = to_object(check(iterator, "iterating"));
}

Object Steps::next() {
  if (!iterator_) return Object();
  PyRef item = PyRef::steal(PyIter_Next(iterator_.get()));
  if (item) return to_object(std::move(item));
  iterator_ = Object();  // it has ended, or failed
  if (PyErr_Occurred()) throw_python_error("iterating");
  return Object();
}

Steps::~Steps() {
  if (!iterator_ || !Gil::available()) return;
  try {
    const PythonLock python;
    static Name close("close");
    if (is_generator(iterator_.get())) call_method(iterator_.get(), close, {}, "closing a generator");
    PyErr_Clear();
  } catch (const std::exception& error) {
    log(LogLevel::warning, error.what());
  }
}

Source::~Source() = default;

Object make_iterator(std::unique_ptr<Source> source) {
  const PythonLock python;
  PyTypeObject* type = iterator_type();
  PyRef made = check(type->tp_alloc(type, 0), "making an iterator");
  as_cpp_iterator(made.get())->source = source.release();
  return to_object(std::move(made));
}

}  // namespace ophion::detail
