/// Loans, and finding out who does not give back.
#include "loan.h"

#include <ophion/error.h>

#include "array.h"
#include "error.h"
#include "numpy_api.h"

namespace ophion {
namespace {

struct LoanObject {
  PyObject_HEAD
};

void dealloc_loan(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_Free(self);
  Py_DECREF(reinterpret_cast<PyObject*>(type));
}

/// Made once, kept for ever.
PyTypeObject* loan_type() {
  static PyTypeObject* type = nullptr;
  if (!type) {
    static PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(dealloc_loan)}, {0, nullptr}};
    static PyType_Spec spec{"ophion.Loan", sizeof(LoanObject), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    type = reinterpret_cast<PyTypeObject*>(check(PyType_FromSpec(&spec), "making the type of loans").release());
  }
  return type;
}

}  // namespace

Loan::Loan()
    : object_(check(reinterpret_cast<PyObject*>(PyObject_New(LoanObject, loan_type())), "lending memory to Python")) {}

PyRef Loan::lend(const MatrixView& matrix) {
  const auto size = static_cast<std::ptrdiff_t>(size_of(matrix.type()));
  return array_over({matrix.type(), matrix.data(), matrix.rows(), matrix.columns(), matrix.row_stride() * size,
                     matrix.column_stride() * size, true},
                    object_.get());
}

PyRef Loan::lend(const Column& column) {
  return array_over({column.type, column.data, column.rows, column.width, column.row_stride, column.column_stride,
                     column.width > 1},
                    object_.get());
}

bool Loan::is_lent(PyObject* array) noexcept {
  while (array && PyArray_Check(array)) array = PyArray_BASE(reinterpret_cast<PyArrayObject*>(array));
  return array && Py_TYPE(array) == loan_type();
}

void Loan::collect_and_demand_back(const std::string& who, const char* function) const {
  PyGC_Collect();
  if (returned()) return;
  throw Error(who + ": " + function + "() kept the events it was lent: copy what must last");
}

}  // namespace ophion
