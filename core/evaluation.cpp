/// Scoring of all parts, their metrics, and the file of scores.
#include "evaluation.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>

#include <ophion/tool.h>

namespace ophion {

namespace {

/// What metrics are computed from: scores, weights and answers, a row an event.
struct Scored {
  MatrixView scores;
  std::span<const double> weights;
  std::span<const std::int32_t> labels;
  MatrixView targets;
};

Value measure(Job& metrics, const Spec& spec, const char* part, const Scored& events) {
  Value arguments = Value::object();
  arguments.set("task", spec.task);
  arguments.set("classes", Value(spec.classes));
  arguments.set("targets", Value(spec.targets));
  arguments.set("part", part);
  Columns data{Column("scores", events.scores), Column("weights", events.weights)};
  if (spec.task == "regression") {
    data.emplace_back("targets", events.targets);
  } else {
    data.emplace_back("labels", events.labels);
  }
  return metrics.run(arguments, data).value;
}

/// The events of a part that one fold scored.
Value measure_fold(Job& metrics, const Spec& spec, const char* name, const Part& part, const std::vector<float>& scores, Fold fold) {
  const std::size_t outputs = spec.outputs(), targets = part.targets.columns();
  std::vector<float> some_scores, some_targets;
  std::vector<double> weights;
  std::vector<std::int32_t> labels;
  for (std::size_t row = 0; row < part.rows(); ++row) {
    if (part.fold[row] != fold) continue;
    for (std::size_t k = 0; k < outputs; ++k) some_scores.push_back(scores[row * outputs + k]);
    for (std::size_t t = 0; t < targets; ++t) some_targets.push_back(part.targets.at(row, t));
    weights.push_back(part.weights[row]);
    if (!part.labels.empty()) labels.push_back(part.labels[row]);
  }
  if (weights.empty()) return {};
  const std::size_t rows = weights.size();
  return measure(metrics, spec, name,
                 {MatrixView(some_scores.data(), rows, outputs), weights, labels, MatrixView(some_targets.data(), rows, targets)});
}

/// Means and standard deviations of the numbers that all trees have in one place, in trees of the same shape.
std::pair<Value, Value> mean_and_spread(const std::vector<const Value*>& trees) {
  if (!trees.front()) return {};
  if (trees.front()->is_object()) {
    std::pair<Value, Value> both{Value::object(), Value::object()};
    for (const auto& [key, ignored] : trees.front()->as_object()) {
      std::vector<const Value*> members;
      for (const Value* tree : trees) members.push_back(tree ? tree->find(key) : nullptr);
      auto [mean, spread] = mean_and_spread(members);
      if (mean.is_null()) continue;
      both.first.set(key, std::move(mean));
      both.second.set(key, std::move(spread));
    }
    return both.first.size() > 0 ? both : std::pair<Value, Value>();
  }
  double sum = 0, squares = 0;
  for (const Value* tree : trees) {
    if (!tree || !tree->is_number()) return {};
    sum += tree->as_number();
  }
  const auto count = static_cast<double>(trees.size());
  for (const Value* tree : trees) squares += (tree->as_number() - sum / count) * (tree->as_number() - sum / count);
  return {sum / count, std::sqrt(squares / (count - 1))};
}

}  // namespace

std::vector<float> scores_of(const Model& model, const Part& part) {
  return model.folds() > 0 && !part.fold.empty() ? model.predict(part.features, part.fold) : model.predict(part.features);
}

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
    scores.parts[i] = scores_of(model, part);
    const MatrixView view(scores.parts[i].data(), part.rows(), model.outputs());
    metrics.set(part_names[i], measure(*job, spec_, part_names[i], {view, part.weights, part.labels, part.targets}));
  }
  job->finish();
  return metrics;
}

Value Evaluation::over_folds(const std::string& name) const {
  const Scores& scores = scores_.at(name);
  Value all = Value::array();
  const auto job = registry_.tool("metrics")->start(Value::object());
  for (Fold fold = 0; fold < events_.folds; ++fold) {
    Value metrics = Value::object();
    for (std::size_t i = 0; i < events_.parts.size(); ++i) {
      Value of_part = measure_fold(*job, spec_, part_names[i], events_.parts[i], scores.parts[i], fold);
      if (!of_part.is_null()) metrics.set(part_names[i], std::move(of_part));
    }
    all.push_back(std::move(metrics));
  }
  job->finish();
  std::vector<const Value*> trees;
  for (const Value& metrics : all.as_array()) trees.push_back(&metrics);
  auto [mean, spread] = mean_and_spread(trees);
  Value result = Value::object();
  result.set("metrics", std::move(all));
  result.set("mean", std::move(mean));
  result.set("spread", std::move(spread));
  return result;
}

void Evaluation::write_scores(const std::vector<std::string>& names, const std::filesystem::path& output, bool overwrite) const {
  Value arguments = Value::object();
  arguments.set("output", output.string());
  arguments.set("overwrite", overwrite);
  const auto job = registry_.tool("write_scores")->start(arguments);
  for (std::size_t i = 0; i < events_.parts.size(); ++i) {
    const Part& part = events_.parts[i];
    if (part.rows() == 0 || events_.repeats(static_cast<PartName>(i))) continue;
    const std::vector<std::uint8_t> part_index(part.rows(), static_cast<std::uint8_t>(i));
    Columns data{Column("part", std::span<const std::uint8_t>(part_index)), Column("sample", part.sample), Column("entry", part.entry)};
    if (events_.folds > 0) data.emplace_back("fold", part.fold);
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
