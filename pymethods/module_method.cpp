/// A method that is its Python module and nothing else.
#include <ophion/py_method_base.h>

#include "cpython.h"

#include <utility>

#include "method_face.h"
#include "scope.h"

namespace ophion {
namespace {

class ModuleMethod final : public PyMethodBase {
 public:
  explicit ModuleMethod(PyMethodTraits traits) : traits_(std::move(traits)) {
    const PythonScope scope;
    traits_.tasks = MethodFace(*this, Value::object()).tasks();
  }

  const PyMethodTraits& traits() const noexcept override { return traits_; }

 private:
  PyMethodTraits traits_;
};

}  // namespace

std::unique_ptr<Method> method_of_module(PyMethodTraits traits) { return std::make_unique<ModuleMethod>(std::move(traits)); }

}  // namespace ophion
