/// The tool "track": tells MLflow and TensorBoard of a run.
#include <ophion/plugin.h>
#include <ophion/py_tool_base.h>

namespace {

class TrackTool final : public ophion::PyToolBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "ophion.tools.track_tool";
    return module;
  }
};

}  // namespace

OPHION_TOOL("track", ophion::NeedsPython::yes, TrackTool)
