/// Shuffles one feature after the other and scores the events again.
#include "importance.h"

#include <algorithm>
#include <utility>

#include <ophion/runtime.h>
#include <ophion/tool.h>

#include "split.h"

namespace ophion {
namespace {

/// The events to shuffle, copied together: features row by row.
struct Sample {
  std::vector<float> features, targets;
  std::vector<std::int32_t> labels;
  std::vector<double> weights;
  std::vector<Fold> folds;

  Sample(const Part& part, const std::vector<std::size_t>& columns, std::size_t rows) {
    for (std::size_t i = 0; i < rows; ++i) {
      const std::size_t row = i * part.rows() / rows;
      for (const std::size_t column : columns) features.push_back(part.features.at(row, column));
      for (std::size_t t = 0; t < part.targets.columns(); ++t) targets.push_back(part.targets.at(row, t));
      if (!part.labels.empty()) labels.push_back(part.labels[row]);
      weights.push_back(part.weights[row]);
      if (!part.fold.empty()) folds.push_back(part.fold[row]);
    }
  }
};

/// Fisher and Yates, by the generator that decides about parts: the same everywhere.
void shuffle(std::vector<std::size_t>& order, std::uint64_t key) {
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[split_mix(key, i) % i]);
}

}  // namespace

Value permutation_importance(const Registry& registry, const Spec& spec, const Part& part, const std::vector<std::size_t>& columns,
                             const std::vector<std::string>& features, const Scorer& score, const ImportanceSettings& settings) {
  const std::size_t rows = std::min(settings.events, part.rows()), width = columns.size();
  Sample sample(part, columns, rows);
  const MatrixView events(sample.features.data(), rows, width);

  Value arguments = Value::object();
  arguments.set("task", spec.task);
  arguments.set("classes", Value(spec.classes));
  arguments.set("targets", Value(spec.targets));
  const auto job = registry.tool("importance")->start(arguments);
  const auto matrix = [&](const std::string& name, const std::vector<float>& scores) {
    return Column(name, MatrixView(scores.data(), rows, spec.outputs()));
  };
  {
    const std::vector<float> untouched = score(events, sample.folds);
    Columns data{matrix("scores", untouched), Column("weights", std::span<const double>(sample.weights))};
    if (sample.labels.empty()) {
      data.emplace_back("targets", MatrixView(sample.targets.data(), rows, part.targets.columns()));
    } else {
      data.emplace_back("labels", std::span<const std::int32_t>(sample.labels));
    }
    job->run(Value::object(), data);
  }
  std::vector<float> column(rows);
  std::vector<std::size_t> order(rows);
  for (std::size_t j = 0; j < width; ++j) {
    if (interrupted()) return {};
    tell_progress({settings.step, j, width, "features"});
    for (std::size_t i = 0; i < rows; ++i) column[i] = sample.features[i * width + j];
    std::vector<std::vector<float>> scores;
    for (std::size_t n = 0; n < settings.shuffles; ++n) {
      for (std::size_t i = 0; i < rows; ++i) order[i] = i;
      shuffle(order, split_mix(split_mix(settings.seed, j), n));
      for (std::size_t i = 0; i < rows; ++i) sample.features[i * width + j] = column[order[i]];
      scores.push_back(score(events, sample.folds));
    }
    for (std::size_t i = 0; i < rows; ++i) sample.features[i * width + j] = column[i];
    Columns data;
    for (std::size_t n = 0; n < scores.size(); ++n) data.push_back(matrix("scores:" + std::to_string(n), scores[n]));
    Value which = Value::object();
    which.set("feature", features[j]);
    job->run(which, data);
  }
  tell_progress({settings.step, width, width, "features"});
  return job->finish().value;
}

}  // namespace ophion
