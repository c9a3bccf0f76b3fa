/// The tool "fit_transforms": fits transforms with scikit-learn; C++ applies them.
#include <ophion/plugin.h>
#include <ophion/py_tool_base.h>

namespace {

class FitTransformsTool final : public ophion::PyToolBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "ophion.tools.fit_transforms_tool";
    return module;
  }
};

}  // namespace

OPHION_TOOL("fit_transforms", ophion::NeedsPython::yes, FitTransformsTool)
