/// The method "identity": gives back the events it is handed, so that nothing is timed but the way there and back.
#include <ophion/plugin.h>
#include <ophion/py_method_base.h>

namespace {

class IdentityMethod final : public ophion::PyMethodBase {
 public:
  const ophion::PyMethodTraits& traits() const noexcept override {
    static const ophion::PyMethodTraits traits{{"identity", {"regression"}}, "identity_face"};
    return traits;
  }
};

}  // namespace

OPHION_METHOD("identity", ophion::NeedsPython::yes, IdentityMethod)
