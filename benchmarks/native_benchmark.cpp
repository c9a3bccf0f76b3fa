/// What native/ does to a million rows of 30 features, beside a plain copy of them. Google Benchmark; no goal of its own.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "made_up.h"
#include "transform.h"

namespace {

using ophion::native::TransformChain;
using ophion::native::TransformStep;

constexpr std::size_t rows = 1'000'000;
constexpr std::size_t features = 30;

const std::vector<float>& numbers() {
  static const std::vector<float> made = ophion::benchmarks::random_numbers<float>(rows * features, 0, 1);
  return made;
}

TransformStep step_of(const std::string& type) {
  TransformStep step;
  step.type = type;
  if (type == "standard") {
    step.arrays = {{"mean", std::vector<double>(features, 0.5)}, {"scale", std::vector<double>(features, 0.29)}};
  } else if (type == "minmax") {
    step.arrays = {{"scale", std::vector<double>(features, 1.01)}, {"min", std::vector<double>(features, -0.005)}};
  } else {
    std::vector<double> references, quantiles;
    for (int i = 0; i < 1000; ++i) {
      references.push_back(i / 999.0);
      quantiles.insert(quantiles.end(), features, i / 999.0);
    }
    step.arrays = {{"references", references}, {"quantiles", quantiles}};
    step.settings["output"] = "normal";
  }
  return step;
}

void copy(benchmark::State& state) {
  const std::vector<float>& in = numbers();
  std::vector<float> out(in.size());
  for ([[maybe_unused]] auto _ : state) {
    std::memcpy(out.data(), in.data(), in.size() * sizeof(float));
    benchmark::ClobberMemory();
  }
}

void transform(benchmark::State& state, const std::string& type) {
  const std::vector<float>& in = numbers();
  std::vector<float> out(in.size());
  const TransformChain chain({step_of(type)}, features);
  for ([[maybe_unused]] auto _ : state) {
    chain.apply(in.data(), features, 1, rows, out.data());
    benchmark::ClobberMemory();
  }
}

}  // namespace

BENCHMARK(copy)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(transform, standard, "standard")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(transform, minmax, "minmax")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(transform, quantile_normal, "quantile")->Unit(benchmark::kMillisecond);
