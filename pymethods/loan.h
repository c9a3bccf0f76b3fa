/// The program's memory, lent to Python for one call.
#pragma once

#include "cpython.h"

#include <span>
#include <string>

#include <ophion/dataset.h>
#include <ophion/matrix.h>

#include "ref.h"

namespace ophion {

/// Makes read-only arrays over memory that the caller owns, and can tell afterwards whether Python still has one of them (or a
/// view of one): each array's base is the loan's own object, and who holds that is counted. With the GIL held.
class Loan {
 public:
  Loan();

  /// (rows, columns), any strides; no copy. The MatrixView must come from the program, not from Python.
  PyRef lend(const MatrixView& matrix);
  /// (rows,) or, when the column is wider than one, (rows, width).
  PyRef lend(const Column& column);
  template <class T>
  PyRef lend(std::span<const T> values) {
    return lend(Column("", values));
  }

  bool returned() const noexcept { return Py_REFCNT(object_.get()) == 1; }

  /// To be called after the call, when nothing of it is held here any more. Throws Error when Python kept something, even after a
  /// collection of its reference cycles: "mlp.py: predict() kept the events it was lent: copy what must last".
  /// `who` did it ("mlp.py"), in `function` ("predict").
  void demand_back(const std::string& who, const char* function) const {
    if (!returned()) [[unlikely]] collect_and_demand_back(who, function);
  }

  /// Whether an array's memory is lent, by this or any other loan.
  static bool is_lent(PyObject* array) noexcept;

 private:
  void collect_and_demand_back(const std::string& who, const char* function) const;
  PyRef object_;
};

}  // namespace ophion
