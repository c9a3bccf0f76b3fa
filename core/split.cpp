/// The part a row belongs to.
#include "split.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace ophion {
namespace {

bool contains(const std::vector<std::int64_t>& values, double value) noexcept {
  return std::any_of(values.begin(), values.end(), [value](std::int64_t one) { return static_cast<double>(one) == value; });
}

}  // namespace

std::uint64_t split_mix(std::uint64_t key, std::uint64_t index) noexcept {
  std::uint64_t z = key + (index + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

double uniform(std::uint64_t key, std::uint64_t index) noexcept {
  return static_cast<double>(split_mix(key, index) >> 11) * 0x1p-53;
}

std::optional<PartName> Split::part_of(double value) const noexcept {
  if (std::trunc(value) != value || std::isinf(value)) return std::nullopt;  // also for NaN
  if (contains(config_.test_values, value)) return PartName::test;
  if (contains(config_.validation_values, value)) return PartName::validation;
  return PartName::train;
}

std::uint64_t Split::key(std::uint64_t sample, std::uint64_t file) const noexcept {
  return split_mix(split_mix(split_mix(seed_, 0), sample), file);
}

PartName Split::part_of(std::uint64_t key, std::uint64_t entry) const noexcept {
  const double number = uniform(key, entry);
  if (number < config_.test) return PartName::test;
  if (folds() > 0) return PartName::train;
  if (number < config_.test + config_.validation) return PartName::validation;
  return PartName::train;
}

std::uint64_t Split::draw(std::uint64_t key, std::uint64_t entry) const noexcept { return split_mix(key, entry); }

Fold Split::fold_of(std::uint64_t draw) const noexcept { return static_cast<Fold>(uniform(draw, 0) * folds()); }

bool Split::validates(std::uint64_t draw, Fold fold) const noexcept {
  return uniform(draw, 1 + static_cast<std::uint64_t>(fold)) < config_.validation;
}

Fold fold_named(double value, int folds) noexcept {
  // What is no number fails both comparisons.
  return value >= 0 && value < folds && std::trunc(value) == value ? static_cast<Fold>(value) : no_fold;
}

bool Split::wants(PartName part) const noexcept {
  switch (part) {
    case PartName::train: return by_value() || (folds() > 0 ? 0 : config_.validation) + config_.test < 1;
    case PartName::validation:
      if (folds() > 0) return false;  // each fold has its own
      return by_value() ? !config_.validation_values.empty() : config_.validation > 0;
    case PartName::test: break;
  }
  return by_value() ? !config_.test_values.empty() : config_.test > 0;
}

}  // namespace ophion
