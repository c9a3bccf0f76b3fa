/// The one scope that programs see.
#include "cpython.h"

#include <ophion/python_lock.h>

#include <new>

#include "scope.h"

namespace ophion {

PythonLock::PythonLock() : entered_(false) {
  static_assert(sizeof(CallScope) <= sizeof(scope_));
  ensure_python();
  if (PyGILState_Check()) return;  // who took it cares for the rest
  new (scope_) CallScope();
  entered_ = true;
}

PythonLock::~PythonLock() {
  if (entered_) std::launder(reinterpret_cast<CallScope*>(scope_))->~CallScope();
}

}  // namespace ophion
