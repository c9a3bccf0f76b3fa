/// A plug-in of somebody's program that knows nothing of Python: it uses Ophion, and is opened with its names kept to itself.
#include <cstdio>
#include <exception>
#include <string>

#include <ophion/ophion.h>

/// Trains a config that has one method, and scores one event with the model; prints the score, or what went wrong. 0 when all is well.
extern "C" OPHION_EXPORT int train_and_score(const char* config) {
  try {
    const auto run = ophion::Session(ophion::Config::from_file(config)).train();
    const auto score = run.best().bind({"x0", "x1", "x2"});
    std::printf("score %.3f\n", static_cast<double>(score({1.5f, 0.0f, 0.0f})));
    std::fflush(stdout);
    return 0;
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    std::fflush(stdout);
    return 1;
  }
}
