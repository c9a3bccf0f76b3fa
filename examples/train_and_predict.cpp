/// Trains the methods of a config and scores events with the best: the whole of Ophion in a dozen lines.
///   train_and_predict CONFIG.json MODEL.ophion
#include <cstdio>

#include <ophion/ophion.h>

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fprintf(stderr, "usage: train_and_predict CONFIG.json MODEL.ophion\n");
    return 2;
  }
  const auto config = ophion::Config::from_file(argv[1]);
  const auto run = ophion::Session(config).train([](const ophion::Progress& progress) {
    std::printf("%s: epoch %lld\n", progress.method.c_str(), static_cast<long long>(progress.epoch));
    return progress.keep_going();
  });
  run.best().save(argv[2]);
  std::printf("%s\n", ophion::write_json(run.metrics().at("methods")).c_str());

  const auto model = ophion::Model::load(argv[2]);
  std::vector<float> event(model.features().size(), 0.5f);
  std::printf("score of one event: %f\n", model.bind(model.features())(event));
  return 0;
} catch (const ophion::Error& error) {
  std::fprintf(stderr, "train_and_predict: %s\n", error.what());
  return 1;
}
