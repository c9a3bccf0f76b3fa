/// Scoring of all parts, their metrics, and the file of scores.
#include "evaluation.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <ophion/tool.h>

namespace ophion {

Evaluation::Evaluation(const Registry& registry, const Spec& spec, const Events& events)
    : registry_(registry), spec_(spec), events_(events) {}

Value Evaluation::add(const std::string& name, const Model& model) {
  Scores& scores = scores_[name];
  scores.outputs = model.output_names();
  Value metrics = Value::object();
  const auto job = registry_.tool("metrics")->start(Value::object());
  for (std::size_t i = 0; i < events_.parts.size(); ++i) {
    const Part& part = events_.parts[i];
    if (part.rows() == 0) continue;
    scores.parts[i] = model.predict(part.features);
    Value arguments = Value::object();
    arguments.set("task", spec_.task);
    arguments.set("classes", Value(spec_.classes));
    arguments.set("targets", Value(spec_.targets));
    arguments.set("part", part_names[i]);
    Columns data{Column("scores", MatrixView(scores.parts[i].data(), part.rows(), model.outputs())), Column("weights", part.weights)};
    if (spec_.task == "regression") {
      data.emplace_back("targets", part.targets);
    } else {
      data.emplace_back("labels", part.labels);
    }
    metrics.set(part_names[i], job->run(arguments, data).value);
  }
  job->finish();
  return metrics;
}

void Evaluation::write_scores(const std::vector<std::string>& names, const std::filesystem::path& output, bool overwrite) const {
  Value arguments = Value::object();
  arguments.set("output", output.string());
  arguments.set("overwrite", overwrite);
  const auto job = registry_.tool("write_scores")->start(arguments);
  for (std::size_t i = 0; i < events_.parts.size(); ++i) {
    const Part& part = events_.parts[i];
    if (part.rows() == 0) continue;
    const std::vector<std::uint8_t> part_index(part.rows(), static_cast<std::uint8_t>(i));
    Columns data{Column("part", std::span<const std::uint8_t>(part_index)), Column("sample", part.sample), Column("entry", part.entry)};
    if (spec_.task == "classification") data.emplace_back("label", part.labels);
    data.emplace_back("weight", part.weights);
    for (std::size_t t = 0; t < spec_.targets.size(); ++t) {
      data.emplace_back("target_" + spec_.targets[t],
                        MatrixView(static_cast<const float*>(part.targets.data()) + t, part.rows(), 1, part.targets.row_stride(), 1));
    }
    for (Column spectator : part.spectators) {
      const auto taken = [&](const Column& column) { return column.name == spectator.name; };
      if (std::any_of(data.begin(), data.end(), taken)) spectator.name = "spectator_" + spectator.name;
      data.push_back(std::move(spectator));
    }
    for (const std::string& name : names) {
      const Scores& scores = scores_.at(name);
      const std::size_t width = scores.outputs.size();
      for (std::size_t k = 0; k < width; ++k) {
        data.emplace_back(name + "_" + scores.outputs[k],
                          MatrixView(scores.parts[i].data() + k, part.rows(), 1, static_cast<std::ptrdiff_t>(width), 1));
      }
    }
    job->run(Value::object(), data);
  }
  job->finish();
}

}  // namespace ophion
