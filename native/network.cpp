/// Networks: laid out for the kernels, then run block by block of events.
#include "network.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernels.h"
#include "of_thread.h"

namespace ophion::native {
namespace {

constexpr std::size_t block_rows = 63;  // whole tiles of every kernel; what a layer makes of them stays in the processor's caches

[[noreturn]] void refuse(std::size_t step, const std::string& problem) {
  throw std::invalid_argument("network: step " + std::to_string(step) + " " + problem);
}

std::size_t whole_panels(std::size_t width) noexcept { return (width + panel - 1) / panel * panel; }

bool all_finite(const std::vector<float>& numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](float number) { return std::isfinite(number); });
}

AlignedVector<float> in_panels(const NetworkStep& given, std::size_t stride) {
  AlignedVector<float> panels(stride * given.inputs, 0.0f);
  for (std::size_t o = 0; o < given.outputs; ++o) {
    for (std::size_t k = 0; k < given.inputs; ++k) {
      panels[o / panel * panel * given.inputs + k * panel + o % panel] = given.weights[o * given.inputs + k];
    }
  }
  return panels;
}

template <class Function>
void each(float* numbers, std::size_t count, Function function) {
  for (std::size_t i = 0; i < count; ++i) numbers[i] = function(numbers[i]);
}

/// Formulas are PyTorch's (torch.nn, "Non-linear Activations"), in float32 as there.
void activate(Activation activation, float parameter, float* x, std::size_t count) {
  constexpr float selu_alpha = 1.6732632423543772f, selu_scale = 1.0507009873554805f;  // arXiv:1706.02515, eq. (14)
  switch (activation) {
    case Activation::relu: return each(x, count, [](float v) { return v < 0 ? 0.0f : v; });
    case Activation::leaky_relu: return each(x, count, [=](float v) { return v < 0 ? v * parameter : v; });
    case Activation::elu: return each(x, count, [=](float v) { return v < 0 ? parameter * std::expm1(v) : v; });
    case Activation::selu: return each(x, count, [](float v) { return selu_scale * (v < 0 ? selu_alpha * std::expm1(v) : v); });
    case Activation::gelu: return each(x, count, [](float v) { return 0.5f * v * (1 + std::erf(v * 0.70710678f)); });
    case Activation::gelu_tanh:
      return each(x, count, [](float v) { return 0.5f * v * (1 + std::tanh(0.79788456f * (v + 0.044715f * v * v * v))); });
    case Activation::silu: return each(x, count, [](float v) { return v / (1 + std::exp(-v)); });
    case Activation::tanh: return each(x, count, [](float v) { return std::tanh(v); });
    case Activation::sigmoid: return each(x, count, [](float v) { return 1 / (1 + std::exp(-v)); });
    case Activation::softplus:  // linear where the exponential would say no more, as PyTorch's threshold of 20 has it
      return each(x, count, [=](float v) { return v * parameter > 20 ? v : std::log1p(std::exp(v * parameter)) / parameter; });
    case Activation::softmax: {
      const float most = *std::max_element(x, x + count);
      float total = 0;
      for (std::size_t i = 0; i < count; ++i) total += x[i] = std::exp(x[i] - most);
      for (std::size_t i = 0; i < count; ++i) x[i] /= total;
    }
  }
}

}  // namespace

Network::Network(std::vector<NetworkStep> steps, std::size_t features, Link link, Isa isa)
    : features_(features), outputs_(features), slot_width_(whole_panels(features)), link_(link), kernels_(&kernels(isa)) {
  if (features == 0) throw std::invalid_argument("network: no features");
  if (steps.empty()) throw std::invalid_argument("network: no steps");
  std::vector<bool> wanted(steps.size(), false);  // by a later sum
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].kind != NetworkStep::Kind::add) continue;
    if (steps[i].from < -1 || steps[i].from >= static_cast<std::int32_t>(i)) refuse(i, "adds what is not there yet");
    if (steps[i].from >= 0) wanted[static_cast<std::size_t>(steps[i].from)] = true;
  }
  std::vector<std::pair<std::size_t, std::size_t>> results;  // of each step: slot, width
  std::size_t slot = 0, spare = 0;                           // where the latest result lies; a slot whose result nobody wants any more
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const NetworkStep& given = steps[i];
    const bool kept = i == 0 || wanted[i - 1];  // the input, and what a later sum wants, are not written over
    Step step{given.kind, given.activation, static_cast<float>(given.parameter), 0, outputs_, whole_panels(outputs_), slot};
    if (given.kind == NetworkStep::Kind::dense) {
      step = dense_step(given, i);
    } else if (given.kind == NetworkStep::Kind::add) {
      const auto [other, width] = given.from < 0 ? std::pair{std::size_t{0}, features_} : results[static_cast<std::size_t>(given.from)];
      if (width != outputs_) refuse(i, "adds " + std::to_string(width) + " numbers to " + std::to_string(outputs_));
      step.from = other;
    } else if (!std::isfinite(given.parameter)) {
      refuse(i, "has a parameter that is not finite");
    } else if (given.activation == Activation::relu && !kept && steps_.back().kind == NetworkStep::Kind::dense) {
      steps_.back().layer.least = 0;
      results.push_back(results.back());
      continue;
    }
    if (kept || given.kind == NetworkStep::Kind::dense) {
      step.slot = spare > 0 ? spare : slots_++;
      spare = kept ? 0 : slot;
    }
    slot = step.slot;
    outputs_ = step.width;
    slot_width_ = std::max(slot_width_, step.stride);
    results.emplace_back(slot, outputs_);
    steps_.push_back(std::move(step));
  }
  Step& last = steps_.back();
  if (last.kernel == kernels_->narrow) {
    last.slot = 0;
    last.stride = outputs_;
  }
}

Network::Step Network::dense_step(const NetworkStep& given, std::size_t index) const {
  if (given.inputs != outputs_) refuse(index, "takes " + std::to_string(given.inputs) + " numbers, but gets " + std::to_string(outputs_));
  if (given.outputs == 0 || given.weights.size() != given.inputs * given.outputs || given.bias.size() != given.outputs) {
    refuse(index, "has weights or a bias of another shape");
  }
  if (!all_finite(given.weights) || !all_finite(given.bias)) refuse(index, "has a weight that is not finite");
  const bool narrow = given.outputs <= most_narrow;
  Step step{given.kind, given.activation, 0, 0, given.outputs, whole_panels(given.outputs), 0};
  step.weights = narrow ? AlignedVector<float>(given.weights.begin(), given.weights.end()) : in_panels(given, step.stride);
  step.bias.assign(step.stride, 0.0f);
  std::copy(given.bias.begin(), given.bias.end(), step.bias.begin());
  step.kernel = narrow ? kernels_->narrow : kernels_->dense;
  step.layer = {step.weights.data(), step.bias.data(), given.inputs, given.outputs, -std::numeric_limits<float>::infinity()};
  return step;
}

namespace {

/// A thread's own memory, kept for its next call.
struct Scratch {
  AlignedVector<float> slots;
  std::vector<double> sums;
};

__attribute__((noinline)) float* scratch(std::size_t numbers) {
  AlignedVector<float>& slots = of_thread<Scratch>().slots;
  if (slots.size() < numbers) slots.resize(numbers);
  return slots.data();
}

__attribute__((noinline)) void put_through(Link link, std::size_t outputs, std::size_t rows, float* scores) {
  std::vector<double>& sums = of_thread<Scratch>().sums;
  for (std::size_t r = 0; r < rows; ++r, scores += outputs) {
    sums.assign(scores, scores + outputs);
    apply_link(link, sums.data(), outputs, scores);
  }
}

}  // namespace

void Network::score(const float* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows, float* out) const {
  alignas(64) std::array<float, 1024> few;  // enough for an event of most networks: a thread's own memory has to be looked for
  const std::size_t slot_size = slot_width_ * std::min(rows, block_rows);
  float* const slots = slots_ * slot_size <= few.size() ? few.data() : scratch(slots_ * slot_size);
  for (std::size_t left = rows, count; left > 0; left -= count, in += static_cast<std::ptrdiff_t>(count) * row_stride, out += count * outputs_) {
    count = left <= block_rows ? left : left >= 2 * block_rows ? block_rows : left / 2;  // no block of a few rows
    Rows input{in, static_cast<std::size_t>(row_stride)};
    if (column_stride != 1 || row_stride < 0) {
      input = {slots, features_};
      for (std::size_t r = 0; r < count; ++r) {
        for (std::size_t j = 0; j < features_; ++j) {
          slots[r * features_ + j] = in[static_cast<std::ptrdiff_t>(r) * row_stride + static_cast<std::ptrdiff_t>(j) * column_stride];
        }
      }
    }
    Rows now = input;
    for (const Step& step : steps_) {
      float* const result = step.slot > 0 ? slots + step.slot * slot_size : out;
      if (step.kernel) {
        step.kernel(step.layer, now.numbers, now.stride, result, step.stride, count);
      } else {
        const Rows other = step.from > 0 ? Rows{slots + step.from * slot_size, step.stride} : input;
        other_step(step, now, other, result, count);
      }
      now = {result, step.stride};
    }
    if (now.numbers != out) {
      for (std::size_t r = 0; r < count; ++r) std::copy_n(now.numbers + r * now.stride, outputs_, out + r * outputs_);
    }
    if (link_ == Link::logistic) {
      kernels_->logistic(out, count * outputs_);
    } else if (link_ != Link::identity) {
      put_through(link_, outputs_, count, out);
    }
  }
}

void Network::other_step(const Step& step, Rows now, Rows other, float* result, std::size_t rows) const {
  for (std::size_t r = 0; r < rows; ++r) {
    float* const row = result + r * step.stride;
    if (result != now.numbers) std::copy_n(now.numbers + r * now.stride, step.width, row);
    if (step.kind == NetworkStep::Kind::activation) {
      activate(step.activation, step.parameter, row, step.width);
    } else {
      for (std::size_t j = 0; j < step.width; ++j) row[j] += other.numbers[r * other.stride + j];
    }
  }
}

}  // namespace ophion::native
