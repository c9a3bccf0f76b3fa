/// The end of a reference.
#include "ref.h"

#include "gil.h"

namespace ophion {

void PyRef::drop(PyObject* object) noexcept {
  if (!Gil::available()) return;
  try {
    const Gil gil;
    Py_DECREF(object);
  } catch (...) {
    // Python was stopped between the two lines: the object goes with the process
  }
}

}  // namespace ophion
