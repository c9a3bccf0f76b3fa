/// Models of the method "linear" (tests/core/plugins) as a session makes them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ophion/config.h>
#include <ophion/model.h>
#include <ophion/registry.h>

#include "core/cpp_plugins.h"
#include "model_builder.h"

namespace ophion {

inline const std::string plain_features = R"(["mZ1", "mZ2"])";
inline const std::string computed_features = R"x(["mZ1", {"name": "abs_eta", "expr": "abs(eta4l)", "unit": "rad"}, {"name": "lead", "expr": "pt[0] - 1"}])x";

/// A method's training as the session sees it, on four events of which the self-test keeps two.
class LinearTraining {
 public:
  explicit LinearTraining(const std::string& features = plain_features, const std::string& weights = "[1, 10]",
                          const std::string& classes = R"(["background", "signal"])", const std::string& missing = "error")
      : registry_({cpp_plugins}), config_(config_of(features, weights, classes, missing)), rows_(4 * config_.data().features.size()) {
    for (const auto& feature : config_.data().features) spec_.features.push_back(feature.name);
    spec_.task = config_.task();
    spec_.classes = config_.classes();
    for (std::size_t i = 0; i < rows_.size(); ++i) rows_[i] = static_cast<float>(i);
    part_.features = MatrixView(rows_.data(), 4, spec_.features.size());
    provenance_.set("seed", 42);
  }

  LinearTraining& transform(native::TransformStep step) {
    chain_.push_back(std::move(step));
    return *this;
  }

  LoadOptions options() const {
    LoadOptions options;
    options.registry = registry_;
    return options;
  }

  std::shared_ptr<const ModelFile> file() const {
    const MethodConfig& method = config_.methods()[0];
    const Preprocessing preprocessing(config_.data().missing,
                                      chain_.empty() ? native::TransformChain() : native::TransformChain(chain_, spec_.features.size()),
                                      spec_.features);
    TrainContext context;
    context.options = method.options;
    std::vector<float> selftest(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(rows_.size() / 2));
    ModelParts parts{config_, method, spec_, preprocessing, registry_.method("linear")->train({}, context), part_, provenance_,
                     std::move(selftest), Value::object()};
    const Model untested(build_model_file(parts), options());
    parts.report.set("auc", 0.9);
    return build_tested_model_file(parts, untested);
  }
  Model model() const { return Model(file(), options()); }

 private:
  Config config_of(const std::string& features, const std::string& weights, const std::string& classes, const std::string& missing) {
    std::string samples;
    const Value names = read_json(classes, "classes");
    for (const std::string& name : names.as_texts()) {
      samples += (samples.empty() ? "" : ", ") + (R"({"class": ")" + name + R"(", "files": ["x.root"]})");
    }
    return Config::from_json(R"({"version": 1, "name": "run", "task": "classification", "data": {"samples": [)" + samples +
                                 R"(], "features": )" + features + R"(, "spectators": ["m4l"], "missing": ")" + missing +
                                 R"("}, "methods": [{"name": "sum", "type": "linear", "weights": )" + weights + "}]}",
                             ".", registry_);
  }

  Registry registry_;
  Config config_;
  Spec spec_;
  std::vector<float> rows_;
  Part part_;
  Value provenance_ = Value::object();
  std::vector<native::TransformStep> chain_;
};

inline native::TransformStep standard_step() {
  native::TransformStep step;
  step.type = "standard";
  step.arrays = {{"mean", {1, 2}}, {"scale", {2, 4}}};
  return step;
}

}  // namespace ophion
