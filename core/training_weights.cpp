/// Event weights as the loss sees them; metrics use the original ones.
#include <algorithm>
#include <cmath>

#include <ophion/error.h>

#include "event_source.h"
#include "events.h"

namespace ophion {
namespace {

double after_policy(NegativeWeights policy, double weight) noexcept {
  if (policy == NegativeWeights::abs) return std::abs(weight);
  if (policy == NegativeWeights::zero_in_training) return std::max(weight, 0.0);
  return weight;
}

}  // namespace

std::vector<double> training_weights(const Config& config, const Part& part, std::size_t classes) {
  return training_weights(config.data(), part, classes);
}

std::vector<double> training_weights(const DataConfig& data, const Part& part, std::size_t classes) {
  std::vector<double> weights(part.weights.begin(), part.weights.end());
  for (double& weight : weights) weight = after_policy(data.negative, weight);
  if (data.normalise == Normalisation::none || weights.empty()) return weights;

  const bool by_class = data.normalise == Normalisation::equal_class && classes > 0;
  const auto group_of = [&](std::size_t row) { return by_class ? static_cast<std::size_t>(part.labels[row]) : 0; };
  std::vector<double> sums(by_class ? classes : 1, 0.0);
  std::vector<std::size_t> rows(sums.size(), 0);
  for (std::size_t row = 0; row < weights.size(); ++row) {
    sums[group_of(row)] += weights[row];
    ++rows[group_of(row)];
  }
  const auto groups = sums.size() - static_cast<std::size_t>(std::count(rows.begin(), rows.end(), 0u));
  for (std::size_t group = 0; group < sums.size(); ++group) {
    if (rows[group] == 0) continue;
    if (!(sums[group] > 0))
      throw DataError("the weights of " + std::to_string(rows[group]) + " events" +
                      (by_class ? " of class " + std::to_string(group) : "") + " sum to " + text_of(sums[group]) +
                      ": data.weights.normalise needs a positive sum");
    sums[group] = static_cast<double>(weights.size()) / static_cast<double>(groups) / sums[group];
  }
  for (std::size_t row = 0; row < weights.size(); ++row) weights[row] *= sums[group_of(row)];
  return weights;
}

}  // namespace ophion
