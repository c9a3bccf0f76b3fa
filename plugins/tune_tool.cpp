/// The tool "tune": which settings to try next.
#include <ophion/plugin.h>
#include <ophion/py_tool_base.h>

namespace {

class TuneTool final : public ophion::PyToolBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "ophion.tools.tune_tool";
    return module;
  }
};

}  // namespace

OPHION_TOOL("tune", ophion::NeedsPython::yes, TuneTool)
