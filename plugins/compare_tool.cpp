/// The tool "compare": whether one model is better than another on the same events.
#include <ophion/plugin.h>
#include <ophion/py_tool_base.h>

namespace {

class CompareTool final : public ophion::PyToolBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "ophion.tools.compare_tool";
    return module;
  }
};

}  // namespace

OPHION_TOOL("compare", ophion::NeedsPython::yes, CompareTool)
