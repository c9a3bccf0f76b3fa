/// The method "weighted": weighted sums of the features by NumPy, a function that is as quick as memory.
#include <ophion/plugin.h>
#include <ophion/py_method_base.h>

namespace {

class WeightedMethod final : public ophion::PyMethodBase {
 public:
  const ophion::PyMethodTraits& traits() const noexcept override {
    static const ophion::PyMethodTraits traits{{"weighted", {"regression"}}, "weighted_face"};
    return traits;
  }
};

}  // namespace

OPHION_METHOD("weighted", ophion::NeedsPython::yes, WeightedMethod)
