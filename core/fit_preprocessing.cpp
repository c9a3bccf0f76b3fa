/// Fits a method's transforms.
#include "fit_preprocessing.h"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <ophion/error.h>

namespace ophion {
namespace {

/// A step as the tool gave it: settings as text, arrays under "<index>.<name>", a matrix row by row.
native::TransformStep step_from(const Value& described, std::size_t index, const Columns& arrays) {
  native::TransformStep step;
  step.type = described.at("type").as_text();
  for (const auto& [key, setting] : described.at("settings").as_object()) step.settings[key] = setting.as_text();
  step.names = described.at("names").as_texts();
  const std::string prefix = std::to_string(index) + ".";
  for (const Column& column : arrays) {
    if (!column.name.starts_with(prefix)) continue;
    std::vector<double>& values = step.arrays[column.name.substr(prefix.size())];
    values.reserve(column.rows * column.width);
    for (std::size_t row = 0; row < column.rows; ++row) {
      for (std::size_t i = 0; i < column.width; ++i) values.push_back(column.at(row, i));
    }
  }
  return step;
}

}  // namespace

Preprocessing fit_preprocessing(const Config& config, const MethodConfig& method, const Events& events) {
  std::vector<std::string> names;
  for (const auto& feature : config.data().features) names.push_back(feature.name);
  std::vector<native::TransformStep> steps;
  if (config.data().missing == MissingPolicy::impute) {
    native::TransformStep impute;
    impute.type = "impute";
    impute.arrays["value"] = events.imputed;
    steps.push_back(std::move(impute));
  }
  if (!method.transforms.empty()) {
    const Part& train = events[PartName::train];
    const Preprocessing before(config.data().missing, native::TransformChain(steps, names.size()), names);
    const std::vector<float> changed = before.apply(train.features);
    const MatrixView features =
        changed.empty() ? train.features : MatrixView(changed.data(), train.rows(), names.size());

    Value arguments = Value::object();
    arguments.set("transforms", Value(Value::Array(method.transforms)));
    arguments.set("features", Value(names));
    arguments.set("classes", Value(events.classes));
    arguments.set("imputes", config.data().missing == MissingPolicy::impute);
    arguments.set("seed", static_cast<std::int64_t>(config.seed()));
    const auto job = config.registry().tool("fit_transforms")->start(arguments);
    Columns data{Column("x", features)};
    if (!events.classes.empty()) data.emplace_back("labels", train.labels);
    const ToolResult fitted = job->run(Value::object(), data);
    const auto& described = fitted.value.at("steps").as_array();
    for (std::size_t i = 0; i < described.size(); ++i) steps.push_back(step_from(described[i], i, fitted.data));
    job->finish();
  }
  try {
    return Preprocessing(config.data().missing, native::TransformChain(std::move(steps), names.size()), names);
  } catch (const std::invalid_argument& problem) {
    throw DataError("the transforms of method '" + method.name + "' could not be fitted: " + problem.what());
  }
}

}  // namespace ophion
