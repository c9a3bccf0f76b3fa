/// Networks: laid out for the kernels, then run block by block of events.
#include "network.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernels.h"

namespace ophion::native {
namespace {

constexpr std::size_t vector = 16;      // the widest
constexpr std::size_t block_rows = 48;  // what a layer makes of them stays in the processor's first cache

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
    : features_(features), outputs_(features), input_stride_(whole_panels(features)), scratch_(input_stride_), link_(link),
      kernels_(&kernels(isa)) {
  if (features == 0) throw std::invalid_argument("network: no features");
  if (steps.empty()) throw std::invalid_argument("network: no steps");
  std::size_t place = 0;  // where the latest result lies
  std::vector<std::pair<std::size_t, std::size_t>> results;  // of each step: place, width
  std::vector<bool> wanted(steps.size(), false);  // by a later sum
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].kind != NetworkStep::Kind::add) continue;
    if (steps[i].from < -1 || steps[i].from >= static_cast<std::int32_t>(i)) refuse(i, "adds what is not there yet");
    if (steps[i].from >= 0) wanted[static_cast<std::size_t>(steps[i].from)] = true;
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const NetworkStep& given = steps[i];
    Step step{given.kind, outputs_, whole_panels(outputs_), 0, {}, {}, given.activation, static_cast<float>(given.parameter), 0, place};
    // A result that a later sum wants, and the input, are not written over.
    const bool in_place = given.kind != NetworkStep::Kind::dense && i > 0 && !wanted[i - 1];
    if (given.kind == NetworkStep::Kind::dense) {
      if (given.inputs != outputs_) refuse(i, "takes " + std::to_string(given.inputs) + " numbers, but gets " + std::to_string(outputs_));
      if (given.outputs == 0 || given.weights.size() != given.inputs * given.outputs || given.bias.size() != given.outputs) {
        refuse(i, "has weights or a bias of another shape");
      }
      if (!all_finite(given.weights) || !all_finite(given.bias)) refuse(i, "has a weight that is not finite");
      step.inputs = given.inputs;
      step.width = given.outputs;
      step.stride = whole_panels(given.outputs);
      step.bias.assign(step.stride, 0.0f);
      std::copy(given.bias.begin(), given.bias.end(), step.bias.begin());
      step.weights = given.outputs <= most_narrow ? AlignedVector<float>(given.weights.begin(), given.weights.end())
                                                  : in_panels(given, step.stride);
    } else if (given.kind == NetworkStep::Kind::add) {
      const auto [other, width] = given.from < 0 ? std::pair{std::size_t{0}, features_} : results[static_cast<std::size_t>(given.from)];
      if (width != outputs_) refuse(i, "adds " + std::to_string(width) + " numbers to " + std::to_string(outputs_));
      step.from = other;
    } else if (!std::isfinite(given.parameter)) {
      refuse(i, "has a parameter that is not finite");
    }
    if (!in_place) {
      step.place = scratch_;
      scratch_ += step.stride;
    }
    place = step.place;
    outputs_ = step.width;
    results.emplace_back(place, outputs_);
    steps_.push_back(std::move(step));
  }
}

/// A thread's own memory, kept for its next call.
struct Network::Scratch {
  AlignedVector<float> numbers;
  std::vector<double> sums;
};

void Network::score(const float* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows, float* out) const {
  thread_local Scratch scratch;
  if (scratch.numbers.size() < scratch_ * block_rows) scratch.numbers.resize(scratch_ * block_rows);
  if (scratch.sums.size() < outputs_) scratch.sums.resize(outputs_);
  float* const numbers = scratch.numbers.data();
  for (std::size_t first = 0; first < rows; first += block_rows) {
    const std::size_t count = std::min(block_rows, rows - first);
    const float* input = in + static_cast<std::ptrdiff_t>(first) * row_stride;
    std::size_t input_stride = input_stride_;
    if (column_stride == 1 && row_stride >= 0) {
      input_stride = static_cast<std::size_t>(row_stride);
    } else {
      for (std::size_t r = 0; r < count; ++r) {
        for (std::size_t j = 0; j < features_; ++j) {
          numbers[r * input_stride_ + j] = input[static_cast<std::ptrdiff_t>(r) * row_stride + static_cast<std::ptrdiff_t>(j) * column_stride];
        }
      }
      input = numbers;
    }
    const float* now = input;
    std::size_t stride = input_stride;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const Step& step = steps_[i];
      float* const result = numbers + step.place * block_rows;
      if (step.kind == NetworkStep::Kind::dense) {
        const bool relu = i + 1 < steps_.size() && steps_[i + 1].kind == NetworkStep::Kind::activation &&
                          steps_[i + 1].activation == Activation::relu && steps_[i + 1].place == step.place;
        if (step.width <= most_narrow) {
          kernels_->narrow(now, stride, step.inputs, step.weights.data(), step.bias.data(), relu, result, step.stride, step.width, count);
        } else {
          kernels_->dense(now, stride, step.inputs, step.weights.data(), step.bias.data(), relu, result, step.stride, count);
        }
        if (relu) ++i;
      } else {
        for (std::size_t r = 0; r < count; ++r) {
          float* const row = result + r * step.stride;
          if (result != now) std::copy_n(now + r * stride, step.width, row);
          if (step.kind == NetworkStep::Kind::activation) {
            activate(step.activation, step.parameter, row, step.width);
          } else {
            const float* const other = step.from == 0 ? input + r * input_stride : numbers + step.from * block_rows + r * step.stride;
            for (std::size_t j = 0; j < step.width; ++j) row[j] += other[j];
          }
        }
      }
      now = result;
      stride = step.stride;
    }
    if (link_ == Link::logistic) {
      std::array<float, block_rows + vector> sums{};
      for (std::size_t o = 0; o < outputs_; ++o) {
        for (std::size_t r = 0; r < count; ++r) sums[r] = now[r * stride + o];
        kernels_->logistic(sums.data(), count);
        for (std::size_t r = 0; r < count; ++r) out[(first + r) * outputs_ + o] = sums[r];
      }
      continue;
    }
    for (std::size_t r = 0; r < count; ++r) {
      std::copy_n(now + r * stride, outputs_, scratch.sums.begin());
      apply_link(link_, scratch.sums.data(), outputs_, out + (first + r) * outputs_);
    }
  }
}

}  // namespace ophion::native
