/// Scores rows of a file with several models in threads that come and go, and says where the bits differ from one thread's.
///   many_threads_program ROWS.bin BACKEND MODEL…      BACKEND: as LoadOptions::backend
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <ophion/ophion.h>

namespace {

using namespace ophion;

constexpr std::size_t rows_a_call = 50;

std::vector<float> read_numbers(const char* file) {
  std::ifstream stream(file, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
  std::vector<float> numbers(bytes.size() / sizeof(float));
  std::copy_n(bytes.data(), numbers.size() * sizeof(float), reinterpret_cast<char*>(numbers.data()));
  return numbers;
}

/// In calls of the same size everywhere: PyTorch's last bits may depend on it.
std::vector<float> scores_of(const Model& model, const std::vector<float>& rows) {
  const std::size_t width = model.features().size(), count = rows.size() / width;
  std::vector<float> scores(count);
  for (std::size_t first = 0; first + rows_a_call <= count; first += rows_a_call) {
    model.predict(MatrixView(&rows[first * width], rows_a_call, width), std::span(scores).subspan(first, rows_a_call));
  }
  return scores;
}

/// A model that lives as long as the process.
std::optional<Model> last_model;

}  // namespace

int main(int count, char** arguments) {
  const std::vector<float> rows = read_numbers(arguments[1]);
  LoadOptions options;
  options.backend = arguments[2];
  const std::vector<std::string> files(arguments + 3, arguments + count);
  std::vector<Model> shared;
  // Python is used first in a thread that then ends.
  std::thread([&] {
    for (const auto& file : files) shared.push_back(Model::load(file, options));
  }).join();
  std::vector<std::vector<float>> expected;
  for (const Model& model : shared) expected.push_back(scores_of(model, rows));

  std::atomic<int> different = 0, failed = 0;
  std::atomic<bool> over = false;
  std::thread interruptions([&] {
    while (!over) {
      interrupt();  // no training: nobody minds
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      clear_interrupt();
    }
  });
  for (int wave = 0; wave < 3; ++wave) {
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        try {
          const std::size_t i = t % files.size();
          const Model model = t < 4 ? shared[i] : Model::load(files[i], options);  // half of them make and destroy their own
          if (scores_of(model, rows) != expected[i]) ++different;
        } catch (const std::exception& error) {
          std::printf("%s\n", error.what());
          ++failed;
        }
      });
    }
    for (auto& thread : threads) thread.join();
  }
  over = true;
  interruptions.join();
  last_model = shared.front();
  std::printf("%d different, %d failed\n", different.load(), failed.load());
  return different + failed == 0 ? 0 : 1;
}
