/// Trains the foreign method, with a foreign feature, on events in this program's own memory, keeps the model, loads it again, scores.
///   foreign train FOLDER | foreign use FOLDER | foreign isolate FOLDER
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include <ophion/ophion.h>

namespace {

std::vector<float> gaussians(std::size_t rows, float centre, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(centre, 1.0f);
  std::vector<float> values(rows * 2);
  for (auto& value : values) value = normal(engine);
  return values;
}

int train(const std::string& folder) {
  const auto signal = gaussians(4000, 0.7f, 1);
  const auto background = gaussians(4000, -0.7f, 2);
  ophion::Dataset events({"a", "b"});
  events.add("signal", ophion::MatrixView(signal.data(), 4000, 2));
  events.add("background", ophion::MatrixView(background.data(), 4000, 2));
  const auto config = ophion::Config::from_json(R"({
    "version": 1, "name": "foreign", "task": "classification", "seed": 7, "plugins": ["mirror"],
    "data": {"features": ["a", "mirrored"], "split": {"validation": 0.2, "test": 0.3}},
    "methods": [{"name": "c", "type": "centroid", "sharpness": 1.5}],
    "output": "runs"})",
                                                folder);
  const auto run = ophion::Session(config, events).train();
  run.best().save(folder + "/c.ophion");
  const double auc = run.metrics().at("methods").at("c").at("metrics").at("test").at("auc").as_number();
  // Two unit Gaussians d apart allow an AUC of Phi(d / sqrt 2); here d = 1.4 * sqrt 2.
  const double best_possible = 0.5 * std::erfc(-1.4 / std::sqrt(2.0));
  std::printf("auc %.4f of at most %.4f\n", auc, best_possible);
  return auc > best_possible - 0.02 && auc < best_possible + 0.02 ? 0 : 1;
}

int use(const std::string& folder, ophion::Isolation isolation) {
  ophion::LoadOptions options;
  options.isolation = isolation;
  const auto model = ophion::Model::load(folder + "/c.ophion", options);
  const auto score = model.bind({"b", "a"});
  const float high = score({2.0f, 2.0f});
  const float low = score({-2.0f, -2.0f});
  std::printf("scores %.3f and %.3f\n", static_cast<double>(high), static_cast<double>(low));
  return high > 0.9f && low < 0.1f ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) return 2;
  const std::string verb = argv[1];
  if (verb == "train") return train(argv[2]);
  return use(argv[2], verb == "isolate" ? ophion::Isolation::process : ophion::Isolation::none);
} catch (const ophion::Error& error) {
  std::fprintf(stderr, "foreign: %s\n", error.what());
  return 1;
}
