/// The tool "importance": what shuffling a feature costs.
#include <ophion/plugin.h>
#include <ophion/py_tool_base.h>

namespace {

class ImportanceTool final : public ophion::PyToolBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "ophion.tools.importance_tool";
    return module;
  }
};

}  // namespace

OPHION_TOOL("importance", ophion::NeedsPython::yes, ImportanceTool)
