/// PyMethodBase: the virtual base of all methods that live in Python.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ophion/export.h>
#include <ophion/method.h>

namespace ophion {

/// What a method written in Python says of itself.
struct PyMethodTraits : MethodTraits {
  std::string python_module;  ///< the Python face: "ophion.methods.pytorch_method"
  std::string package = {};   ///< the Python package (distribution) that brings the module, where its version is to be kept with models
  std::string package_version = {};
};

/// A recipe from data to a payload through one Python module. The verbs are final: they take the GIL, check shapes, lend
/// memory and translate exceptions once for all methods. A method only says what it is. The module's side of the contract is
/// python_scripts/ophion/contract.py.
class OPHION_EXPORT PyMethodBase : public Method {
 public:
  const PyMethodTraits& traits() const noexcept override = 0;
  void check(const TrainContext& context) const final;
  Payload train(const TrainingData& data, const TrainContext& context) const final;
  bool carries_code(const Payload& payload) const final;
  std::unique_ptr<Backend> load(const Payload& payload, const Spec& spec, const Value& options,
                                const CallOptions& call) const final;
};

/// A method that is its Python module and nothing else: a package's. Imports it; its tasks are what the module says.
OPHION_EXPORT std::unique_ptr<Method> method_of_module(PyMethodTraits traits);

}  // namespace ophion
