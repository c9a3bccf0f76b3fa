/// The tool "python_methods": finds the methods that Python packages bring by the entry-point group "ophion.methods", and makes them. As it is
/// no method itself, no config can name it.
#include <ophion/plugin.h>
#include <ophion/py_method_base.h>
#include <ophion/py_tool_base.h>
#include <ophion/registry.h>

namespace {

class PythonMethodsTool final : public ophion::PyToolBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "ophion.tools.python_methods_tool";
    return module;
  }
};

}  // namespace

OPHION_TOOL("python_methods", ophion::NeedsPython::yes, PythonMethodsTool)

/// As `ophion_make_plugin` would: the Method that `info` describes, the caller's to delete.
extern "C" OPHION_EXPORT void* ophion_make_method(const ophion::PluginInfo& info) {
  return ophion::method_of_module({{info.name, {}}, info.module, info.package, info.own_version}).release();
}
