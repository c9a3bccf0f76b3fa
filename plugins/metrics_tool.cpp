/// The tool "metrics": how well scores separate or predict.
#include <ophion/plugin.h>
#include <ophion/py_tool_base.h>

namespace {

class MetricsTool final : public ophion::PyToolBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "ophion.tools.metrics_tool";
    return module;
  }
};

}  // namespace

OPHION_TOOL("metrics", ophion::NeedsPython::yes, MetricsTool)
