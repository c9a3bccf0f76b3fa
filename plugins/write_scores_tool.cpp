/// The tool "write_scores": writes scored events, chunk by chunk.
#include <ophion/plugin.h>
#include <ophion/py_tool_base.h>

namespace {

class WriteScoresTool final : public ophion::PyToolBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "ophion.tools.write_scores_tool";
    return module;
  }
};

}  // namespace

OPHION_TOOL("write_scores", ophion::NeedsPython::yes, WriteScoresTool)
