/// From sums to scores: what stands at the end of forests, networks and linear models.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string_view>

namespace ophion::native {

enum class Link { identity, logistic, softmax, exponential, one_against_rest };

inline std::optional<Link> link_named(std::string_view name) noexcept {
  if (name == "identity") return Link::identity;
  if (name == "logistic") return Link::logistic;
  if (name == "softmax") return Link::softmax;
  if (name == "exponential") return Link::exponential;
  if (name == "one_against_rest") return Link::one_against_rest;
  return std::nullopt;
}

/// Whether an output depends on the sums of the others: then the link takes an event's outputs at once.
constexpr bool joins_outputs(Link link) noexcept { return link == Link::softmax || link == Link::one_against_rest; }

/// In double, rounded once at the end; never overflows.
inline void apply_link(Link link, double* sums, std::size_t count, float* out) noexcept {
  switch (link) {
    case Link::identity: break;
    case Link::logistic:
      for (std::size_t i = 0; i < count; ++i) sums[i] = 1.0 / (1.0 + std::exp(-sums[i]));
      break;
    case Link::exponential:
      for (std::size_t i = 0; i < count; ++i) sums[i] = std::exp(sums[i]);
      break;
    case Link::softmax: {
      const double most = *std::max_element(sums, sums + count);
      double total = 0;
      for (std::size_t i = 0; i < count; ++i) total += sums[i] = std::exp(sums[i] - most);
      for (std::size_t i = 0; i < count; ++i) sums[i] /= total;
      break;
    }
    case Link::one_against_rest: {  // each class's own probability, of those of all
      double total = 0;
      for (std::size_t i = 0; i < count; ++i) total += sums[i] = 1.0 / (1.0 + std::exp(-sums[i]));
      for (std::size_t i = 0; i < count; ++i) sums[i] /= total;
      break;
    }
  }
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(sums[i]);
}

}  // namespace ophion::native
