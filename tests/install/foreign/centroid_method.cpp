/// A method of somebody else's: its Python face is centroid_method.py beside it.
#include <ophion/plugin.h>
#include <ophion/py_method_base.h>

namespace {

class CentroidMethod final : public ophion::PyMethodBase {
 public:
  const ophion::PyMethodTraits& traits() const noexcept override {
    static const ophion::PyMethodTraits traits{{"centroid", {"classification"}}, "centroid_method"};
    return traits;
  }
};

}  // namespace

OPHION_METHOD("centroid", ophion::NeedsPython::yes, CentroidMethod)
