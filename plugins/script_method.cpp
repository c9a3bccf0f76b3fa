/// The method "script": a user's module that trains, predicts, saves and loads by itself.
#include <ophion/plugin.h>
#include <ophion/py_method_base.h>

namespace {

class ScriptMethod final : public ophion::PyMethodBase {
 public:
  const ophion::PyMethodTraits& traits() const noexcept override {
    static const ophion::PyMethodTraits traits{{"script", {"classification", "regression"}}, "ophion.methods.script_method"};
    return traits;
  }
};

}  // namespace

OPHION_METHOD("script", ophion::NeedsPython::yes, ScriptMethod)
