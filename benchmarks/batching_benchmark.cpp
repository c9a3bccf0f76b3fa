/// Single events from 64 threads: scored together, beside each by a call of its own.
#include "made_up.h"
#include "measure.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include <ophion/ophion.h>

using namespace ophion;
using namespace ophion::benchmarks;

namespace {

constexpr std::size_t features = 28;
constexpr std::size_t rows = 4000;
constexpr int threads = 64;
constexpr int rounds = 5;

TrainedRun train(const std::filesystem::path& output) {
  const std::vector<float> x = random_numbers<float>(rows * features, -0.5, 0.5);
  Dataset events(column_names('x', features));
  events.add("signal", MatrixView(x.data(), rows / 2, features)).add("background", MatrixView(x.data() + rows / 2 * features, rows / 2, features));
  const std::string config = R"({"version": 1, "name": "batching", "seed": 1, "task": "classification", "data": {"features": )" +
                             write_json(Value(column_names('x', features)), 0) + R"(}, "output": ")" + output.string() + R"(", "methods": [
    {"name": "network", "type": "pytorch", "script": ")" OPHION_SOURCE_DIR R"(/examples/higgs4l/mlp.py", "training": {"epochs": 1}},
    {"name": "forest", "type": "sklearn", "estimator": "sklearn.ensemble.RandomForestClassifier",
     "params": {"n_estimators": 100, "max_depth": 10}}]})";
  return Session(Config::from_json(config, "."), events).train();
}

/// Single events a second, from all threads, for about a second.
double rate(const Model& model) {
  using Clock = std::chrono::steady_clock;
  const std::vector<float> x = random_numbers<float>(threads * features, -0.5, 0.5, 2);
  std::atomic<bool> over = false;
  std::atomic<long> calls = 0;
  std::vector<std::thread> callers;
  const Clock::time_point begin = Clock::now();
  for (std::size_t t = 0; t < threads; ++t) {
    callers.emplace_back([&, t] {
      float score = 0;
      long mine = 0;
      for (; !over; ++mine) model.predict(MatrixView(x.data() + t * features, 1, features), std::span(&score, 1));
      calls += mine;
    });
  }
  std::this_thread::sleep_for(std::chrono::seconds(1));
  over = true;
  for (std::thread& caller : callers) caller.join();
  return static_cast<double>(calls) / std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

int main() {
  const auto output = std::filesystem::temp_directory_path() / ("ophion_batching_" + std::to_string(getpid()));
  RuntimeOptions runtime;
  runtime.python = OPHION_BENCHMARK_PYTHON;
  configure(runtime);
  const TrainedRun run = train(output);
  for (const char* name : {"network", "forest"}) {
    LoadOptions options;
    options.backend = "python";
    options.call.threads = 1;
    const std::filesystem::path file = run.folder() / "models" / (std::string(name) + ".ophion");
    const Model alone = Model::load(file, options);
    options.batching = 256;
    const Model together = Model::load(file, options);
    std::vector<double> ratios, lone, joint;
    for (int round = 0; round < rounds; ++round) {
      lone.push_back(rate(alone));
      joint.push_back(rate(together));
      ratios.push_back(lone.back() / joint.back());
    }
    report('i', std::string("single events of 64 threads, ") + name + ": alone / together", median(ratios), 0.5,
           text("%.0f / %.0f calls a second", median(lone), median(joint)));
  }
  std::filesystem::remove_all(output);
}
