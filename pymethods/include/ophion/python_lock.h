/// PythonLock: Python held by a scope.
#pragma once

#include <cstddef>

#include <ophion/export.h>

namespace ophion {

/// Holds Python (its global lock, the GIL) for this thread; starts it where it does not run. Every call of Ophion takes it by itself: make
/// one around many small calls, which then cost less (a call of a quick PyFunction half). May be nested. Meanwhile other threads
/// get their turn only while Python code runs: hold it over nothing that waits for them, nor over a lock of your own that they want.
class OPHION_EXPORT PythonLock {
 public:
  PythonLock();
  ~PythonLock();
  PythonLock(const PythonLock&) = delete;
  PythonLock& operator=(const PythonLock&) = delete;

 private:
  alignas(std::max_align_t) std::byte scope_[80];  // a CallScope, which the sources know
  bool entered_;  // false where this thread holds the GIL already
};

}  // namespace ophion
