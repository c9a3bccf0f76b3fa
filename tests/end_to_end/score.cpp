/// Scores rows with a model: what a program that only links ophion_core sees of it.
///   score_program MODEL.ophion ROWS.bin SCORES.bin [--trust] [BACKEND]      float32 rows of features in, float32 scores out
/// --trust: it runs the model's code whoever made it. Rows are scored in one batch, and the first few of them once more one by one.
/// With the native backend, and with ONNX Runtime, no Python may come in.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <ophion/ophion.h>

namespace {

std::vector<float> read_floats(const char* file) {
  std::ifstream stream(file, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
  std::vector<float> numbers(bytes.size() / sizeof(float));
  std::copy(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(numbers.size() * sizeof(float)),
            reinterpret_cast<char*>(numbers.data()));
  return numbers;
}

bool has_python() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("libpython") != std::string::npos) return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 4) {
    std::fprintf(stderr, "usage: score_program MODEL.ophion ROWS.bin SCORES.bin [--trust] [BACKEND]\n");
    return 2;
  }
  ophion::LoadOptions options;
  for (int i = 4; i < argc; ++i) {
    if (std::strcmp(argv[i], "--trust") == 0) options.trust = ophion::Trust::all;
    else options.backend = argv[i];
  }
  const auto model = ophion::Model::load(argv[1], options);
  const std::vector<float> rows = read_floats(argv[2]);
  const std::size_t columns = model.features().size();
  const ophion::MatrixView events(rows.data(), rows.size() / columns, columns);
  const std::vector<float> scores = model.predict(events);
  std::ofstream(argv[3], std::ios::binary)
      .write(reinterpret_cast<const char*>(scores.data()), static_cast<std::streamsize>(scores.size() * sizeof(float)));

  const auto bound = model.bind(model.features());
  std::vector<float> alone(model.outputs());
  for (std::size_t i = 0; i < std::min<std::size_t>(8, events.rows()); ++i) {
    bound(std::span(rows.data() + i * columns, columns), alone);
    for (std::size_t k = 0; k < alone.size(); ++k) {
      const float batch = scores[i * alone.size() + k];
      if (std::abs(alone[k] - batch) > 1e-5f * std::max(1.0f, std::abs(batch))) {
        std::fprintf(stderr, "score_program: row %zu scores %g alone and %g in the batch\n", i, static_cast<double>(alone[k]),
                     static_cast<double>(batch));
        return 1;
      }
    }
  }
  if ((options.backend == "native" || options.backend == "onnx") && has_python()) {
    std::fprintf(stderr, "score_program: there is a libpython in this process\n");
    return 1;
  }
  return 0;
} catch (const ophion::Error& error) {
  std::fprintf(stderr, "score_program: %s\n", error.what());
  return 1;
}
