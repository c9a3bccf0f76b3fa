/// PyToolBase: the base of tools that live in Python.
#pragma once

#include <ophion/export.h>
#include <ophion/tool.h>

namespace ophion {

/// A tool says its Python module; its side of the contract is python_scripts/ophion/contract.py.
class OPHION_EXPORT PyToolBase : public Tool {
 public:
  virtual const std::string& python_module() const noexcept = 0;  ///< "ophion.tools.metrics_tool"
  std::unique_ptr<Job> start(const Value& arguments) const final;
};

}  // namespace ophion
