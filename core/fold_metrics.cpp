/// How metrics differ from fold to fold of a cross-validation.
#include <cmath>
#include <utility>
#include <vector>

#include <ophion/tool.h>

#include "evaluation.h"

namespace ophion {
namespace {

/// The events of a part that one fold scored: scores and answers.
struct ScoredByFold {
  std::vector<float> scores, targets;
  std::vector<double> weights;
  std::vector<std::int32_t> labels;

  ScoredByFold(const Part& part, const MatrixView& all, Fold fold) {
    for (std::size_t row = 0; row < part.rows(); ++row) {
      if (part.fold[row] != fold) continue;
      for (std::size_t k = 0; k < all.columns(); ++k) scores.push_back(all.at(row, k));
      for (std::size_t t = 0; t < part.targets.columns(); ++t) targets.push_back(part.targets.at(row, t));
      if (!part.labels.empty()) labels.push_back(part.labels[row]);
      weights.push_back(part.weights[row]);
    }
  }

  Columns columns(std::size_t outputs) const {
    const std::size_t rows = weights.size();
    Columns columns{Column("weights", std::span<const double>(weights)), Column("scores", MatrixView(scores.data(), rows, outputs))};
    if (labels.empty()) {
      columns.emplace_back("targets", MatrixView(targets.data(), rows, targets.size() / rows));
    } else {
      columns.emplace_back("labels", std::span<const std::int32_t>(labels));
    }
    return columns;
  }
};

/// Means and standard deviations of the numbers that all trees have in one place, in trees of the same shape; null where there is none.
std::pair<Value, Value> mean_and_spread(const std::vector<const Value*>& trees) {
  if (trees.front()->is_object()) {
    Value means = Value::object(), spreads = Value::object();
    for (const auto& [key, ignored] : trees.front()->as_object()) {
      std::vector<const Value*> members;
      for (const Value* tree : trees) {
        if (const Value* member = tree->find(key)) members.push_back(member);
      }
      if (members.size() < trees.size()) continue;
      auto [mean, spread] = mean_and_spread(members);
      if (mean.is_null()) continue;
      means.set(key, std::move(mean));
      spreads.set(key, std::move(spread));
    }
    if (means.size() == 0) return {};
    return {std::move(means), std::move(spreads)};
  }
  double sum = 0, squares = 0;
  for (const Value* tree : trees) {
    if (!tree->is_number()) return {};
    sum += tree->as_number();
  }
  const auto count = static_cast<double>(trees.size());
  for (const Value* tree : trees) squares += (tree->as_number() - sum / count) * (tree->as_number() - sum / count);
  return {sum / count, std::sqrt(squares / (count - 1))};
}

}  // namespace

Value Evaluation::over_folds(const std::string& name) const {
  if (events_.folds == 0) return {};
  Value all = Value::array();
  for (Fold fold = 0; fold < events_.folds; ++fold) {
    const auto job = registry_.tool("metrics")->start(metrics_settings());
    Value metrics = Value::object();
    for (std::size_t i = 0; i < events_.parts.size(); ++i) {
      const MatrixView scores(scores_.at(name)[i].data(), events_.parts[i].rows(), spec_.outputs());
      const ScoredByFold mine(events_.parts[i], scores, fold);
      if (mine.weights.empty()) continue;
      Value arguments = describe_task();
      arguments.set("part", part_names[i]);
      metrics.set(part_names[i], job->run(arguments, mine.columns(spec_.outputs())).value);
    }
    job->finish();
    all.push_back(std::move(metrics));
  }
  std::vector<const Value*> trees;
  for (const Value& metrics : all.as_array()) trees.push_back(&metrics);
  auto [mean, spread] = mean_and_spread(trees);
  Value result = Value::object();
  result.set("metrics", std::move(all));
  result.set("mean", std::move(mean));
  result.set("spread", std::move(spread));
  return result;
}

}  // namespace ophion
