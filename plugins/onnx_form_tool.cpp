/// The tool "onnx_form": puts what comes before a method in front of its ONNX graph.
#include <ophion/plugin.h>
#include <ophion/py_tool_base.h>

namespace {

class OnnxFormTool final : public ophion::PyToolBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "ophion.tools.onnx_form_tool";
    return module;
  }
};

}  // namespace

OPHION_TOOL("onnx_form", ophion::NeedsPython::yes, OnnxFormTool)
