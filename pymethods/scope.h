/// What surrounds every entry from C++ into Python.
#pragma once

#include "cpython.h"

#include <cfenv>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include "gil.h"
#include "host_openmp.h"
#include "interpreter.h"
#include "output.h"
#include "shutdown.h"

namespace ophion {

/// No floating-point traps while it lives: a host that traps divisions by zero must not be killed by NumPy's. Rounding, and whether
/// denormal numbers count as zero, are the host's again afterwards.
class FloatingPointScope {
 public:
  FloatingPointScope() noexcept : trapping_(fegetexcept() != 0), control_(control()) {
    if (trapping_) feholdexcept(&host_);
  }
  ~FloatingPointScope() {
    if (trapping_) fesetenv(&host_);
    else if (control() != control_) set_control(control_);
  }
  FloatingPointScope(const FloatingPointScope&) = delete;
  FloatingPointScope& operator=(const FloatingPointScope&) = delete;

 private:
#ifdef __SSE__
  // The register itself: the whole environment would take 100 ns for what no script does.
  static unsigned control() noexcept { return _mm_getcsr() & ~unsigned{_MM_EXCEPT_MASK}; }
  static void set_control(unsigned control) noexcept { _mm_setcsr(control | (_mm_getcsr() & _MM_EXCEPT_MASK)); }
#else
  static unsigned control() noexcept { return static_cast<unsigned>(std::fegetround()); }
  static void set_control(unsigned control) noexcept { std::fesetround(static_cast<int>(control)); }
#endif

  bool trapping_;
  unsigned control_;
  std::fenv_t host_{};
};

/// Holds the GIL in a Python that runs already: what scoring needs, and nothing slower. At its end, printed text is handed on.
class CallScope {
 public:
  CallScope() = default;
  ~CallScope() { flush_output(); }
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

 private:
  FloatingPointScope floating_point_;
  HostOpenMp openmp_;
  Gil gil_;
};

/// The same for everything else a plug-in does: starts Python first, and looks afterwards whether libraries were loaded.
class PythonScope {
 public:
  PythonScope() = default;
  PythonScope(const PythonScope&) = delete;
  PythonScope& operator=(const PythonScope&) = delete;

 private:
  struct Start {
    Start() { ensure_python(); }
    ~Start() { renew_exit_hook(); }
  };
  Start start_;
  CallScope call_;
};

}  // namespace ophion
