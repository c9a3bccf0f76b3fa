/// The tool "report": the figures and the page of a run.
#include <ophion/plugin.h>
#include <ophion/py_tool_base.h>

namespace {

class ReportTool final : public ophion::PyToolBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "ophion.tools.report_tool";
    return module;
  }
};

}  // namespace

OPHION_TOOL("report", ophion::NeedsPython::yes, ReportTool)
