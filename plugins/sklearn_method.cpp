/// The method "sklearn": any estimator with scikit-learn's contract, by its dotted name.
#include <ophion/plugin.h>
#include <ophion/py_method_base.h>

namespace {

class SklearnMethod final : public ophion::PyMethodBase {
 public:
  const ophion::PyMethodTraits& traits() const noexcept override {
    static const ophion::PyMethodTraits traits{{"sklearn", {"classification", "regression"}}, "ophion.methods.sklearn_method"};
    return traits;
  }
};

}  // namespace

OPHION_METHOD("sklearn", ophion::NeedsPython::yes, SklearnMethod)
