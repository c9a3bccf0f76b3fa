/// From a Python exception to a C++ one. All of it with the GIL held; the error indicator is always cleared.
#pragma once

#include "cpython.h"

#include <exception>
#include <string_view>

#include "ref.h"

namespace ophion {

/// Throws what the error indicator holds, as the kind of error it stands for:
///   ophion.errors.OptionError → ConfigError   ophion.errors.DataError → DataError   KeyboardInterrupt → Interrupted
///   ophion.errors.CppError → the C++ exception that it stands for     anything else, SystemExit too → PythonError
[[noreturn]] void throw_python_error(std::string_view doing);

/// The other way, in a catch block: what was thrown is raised as ophion.errors.CppError.
void raise_in_python() noexcept;

/// Null becomes an exception here, nowhere else.
inline PyRef check(PyObject* new_reference, std::string_view doing) {
  if (!new_reference) [[unlikely]] throw_python_error(doing);
  return PyRef::steal(new_reference);
}

/// The same for calls that say -1.
inline void check(int status, std::string_view doing) {
  if (status < 0) [[unlikely]] throw_python_error(doing);
}

/// For functions that Python calls: what `make` returns, or null and the exception.
template <class Make>
PyObject* as_python(Make make) {
  try {
    return make().release();
  } catch (const std::exception&) {
    raise_in_python();
    return nullptr;
  }
}

}  // namespace ophion
