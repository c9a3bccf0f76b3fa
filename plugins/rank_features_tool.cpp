/// The tool "rank_features": which features tell the classes apart by themselves.
#include <ophion/plugin.h>
#include <ophion/py_tool_base.h>

namespace {

class RankFeaturesTool final : public ophion::PyToolBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "ophion.tools.rank_features_tool";
    return module;
  }
};

}  // namespace

OPHION_TOOL("rank_features", ophion::NeedsPython::yes, RankFeaturesTool)
