/// The method "pytorch": networks that a user's script makes with PyTorch.
#include <ophion/plugin.h>
#include <ophion/py_method_base.h>

namespace {

class PytorchMethod final : public ophion::PyMethodBase {
 public:
  const ophion::PyMethodTraits& traits() const noexcept override {
    static const ophion::PyMethodTraits traits{{"pytorch", {"classification", "regression"}}, "ophion.methods.pytorch_method"};
    return traits;
  }
};

}  // namespace

OPHION_METHOD("pytorch", ophion::NeedsPython::yes, PytorchMethod)
