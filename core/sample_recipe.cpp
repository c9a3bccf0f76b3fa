/// What is computed for the rows of a sample.
#include "sample_recipe.h"

#include <algorithm>
#include <utility>

namespace ophion {

const std::string SampleRecipe::memory_weights = "(weights)";

std::string SampleRecipe::memory_target(std::size_t index) { return "(target " + std::to_string(index) + ")"; }

Strided Quantity::view(const Columns& chunk, std::size_t first, std::size_t rows, std::vector<double>& scratch) const {
  if (expression) {
    scratch.resize(rows);
    expression->evaluate(chunk, first, rows, scratch.data());
    return {reinterpret_cast<const std::byte*>(scratch.data()), sizeof(double), DType::float64};
  }
  const Column& source = chunk[column];
  const Strided whole{static_cast<const std::byte*>(source.data), source.row_stride, source.type};
  return {whole.at(first), whole.stride, whole.type};
}

SampleRecipe::SampleRecipe(const DataConfig& data, std::vector<std::string> known) : known_(std::move(known)) {
  for (const NamedExpression& feature : data.features)
    features_.push_back(from_text(data, "feature", feature.name, feature.expression));
  for (const std::string& name : data.spectators) spectators_.push_back(need(name, "spectator '" + name + "'"));
  if (!data.split.by.empty()) split_by_ = from_text(data, "data.split.by", data.split.by, data.split.by);
  if (!data.split.fold_by.empty()) fold_by_ = from_text(data, "data.split.folds", data.split.fold_by, data.split.fold_by);
}

SampleRecipe::SampleRecipe(const DataConfig& data, const SampleConfig& sample, bool regression, std::vector<std::string> known)
    : SampleRecipe(data, std::move(known)) {
  if (regression) take_targets(data);
  if (!sample.selection.empty()) selection_ = from_text(data, "selection", sample.selection, sample.selection);
  if (!sample.weight.empty()) weight_ = from_text(data, "weight", sample.weight, sample.weight);
}

SampleRecipe::SampleRecipe(const DataConfig& data, const Dataset::Sample& sample, bool regression, std::vector<std::string> known)
    : SampleRecipe(data, std::move(known)) {
  if (!sample.weights.empty()) weight_ = from_column("weight", memory_weights);
  if (!regression) return;
  if (sample.targets.columns() == 0) take_targets(data);
  for (std::size_t i = 0; i < sample.targets.columns(); ++i)
    targets_.push_back(from_column("target '" + data.targets.at(i).name + "'", memory_target(i)));
}

void SampleRecipe::take_targets(const DataConfig& data) {
  for (const NamedExpression& target : data.targets)
    targets_.push_back(from_text(data, "target", target.name, target.expression));
}

std::size_t SampleRecipe::need(const std::string& column, const std::string& needed_by) {
  const auto found = std::find_if(inputs_.begin(), inputs_.end(), [&](const Input& one) { return one.column == column; });
  const auto position = static_cast<std::size_t>(found - inputs_.begin());
  if (found == inputs_.end()) inputs_.push_back({column, needed_by});
  return position;
}

Quantity SampleRecipe::from_column(const std::string& what, const std::string& column) {
  return {what, need(column, what), std::nullopt};
}

Quantity SampleRecipe::from_text(const DataConfig& data, const std::string& kind, const std::string& name, const std::string& text) {
  const std::string what = kind + " '" + name + "'";
  native::Expression expression = parse_expression(text, name == text ? kind : what, functions_of(data));
  if (!expression.plain_column().empty()) return from_column(what, std::string(expression.plain_column()));
  for (const native::Input& input : expression.inputs()) {
    const std::string element = input.column + "[" + std::to_string(input.index) + "]";
    need(std::find(known_.begin(), known_.end(), element) != known_.end() ? element : input.column, what);
  }
  return {what, 0, BoundExpression(std::move(expression), columns(), what)};
}

std::vector<std::string> SampleRecipe::columns() const {
  std::vector<std::string> names;
  for (const Input& input : inputs_) names.push_back(input.column);
  return names;
}

}  // namespace ophion
