/// Ownership of Python objects, in the words of the C-API manual.
#pragma once

#include "cpython.h"

#include <utility>

#include <ophion/object.h>

namespace ophion {

/// Owns one strong reference or nothing. The name repeats the C-API manual's word for the call it wraps:
///   PyRef::steal(PyObject_Str(o))  "New reference"    PyRef::borrow(PyModule_GetDict(m))  "Borrowed reference"
/// May be dropped by any thread, with or without the GIL, before or after Python was stopped.
class PyRef {
 public:
  PyRef() noexcept = default;
  static PyRef steal(PyObject* object) noexcept { return PyRef(object); }
  static PyRef borrow(PyObject* object) noexcept {  // adds the reference it will drop; with the GIL held
    Py_XINCREF(object);
    return PyRef(object);
  }
  PyRef(PyRef&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  PyRef& operator=(PyRef other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~PyRef() {
    if (object_) drop(object_);
  }

  PyObject* get() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  /// Hands the reference to a call that steals it.
  PyObject* release() noexcept { return std::exchange(object_, nullptr); }

 private:
  explicit PyRef(PyObject* object) noexcept : object_(object) {}
  static void drop(PyObject* object) noexcept;  // takes the GIL; leaks on purpose once Python has been stopped
  PyObject* object_ = nullptr;
};

/// The same reference, for a program.
inline Object to_object(PyRef reference) noexcept { return Object::steal(reference.release()); }

}  // namespace ophion
