/// The tool "import_model": model files of XGBoost, LightGBM and scikit-learn in the neutral form, ONNX graphs in the ONNX form.
#include <ophion/plugin.h>
#include <ophion/py_tool_base.h>

namespace {

class ImportModelTool final : public ophion::PyToolBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "ophion.tools.import_model_tool";
    return module;
  }
};

}  // namespace

OPHION_TOOL("import_model", ophion::NeedsPython::yes, ImportModelTool)
