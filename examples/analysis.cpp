/// A small analysis program: loads a trained model and scores events, one by one and in a batch. It trains nothing, reads no
/// config and links nothing but ophion::core.
///   analysis MODEL.ophion
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include <ophion/ophion.h>

namespace {

/// An event as this program has it: its own struct, its own order.
struct Candidate {
  float mZ1, mZ2;                                    // GeV
  float cos_theta_star, cos_theta1, cos_theta2;      // -1 to 1
  float phi, phi1;                                   // rad
  float pt[4];                                       // GeV, falling
  float eta[4];
};

const std::vector<std::string> columns = {"mZ1", "mZ2", "cos_theta_star", "cos_theta1", "cos_theta2", "phi", "phi1", "pt1",
                                          "pt2", "pt3", "pt4", "eta1", "eta2", "eta3", "eta4"};

/// Events of no physical meaning, to have some: a real program has its own.
std::vector<Candidate> make_candidates(std::size_t count) {
  std::mt19937 engine(1);
  std::uniform_real_distribution<float> flat(0.0f, 1.0f);
  std::vector<Candidate> candidates(count);
  for (auto& c : candidates) {
    c = {85 + 10 * flat(engine), 15 + 45 * flat(engine), 2 * flat(engine) - 1, 2 * flat(engine) - 1, 2 * flat(engine) - 1,
         6.28f * flat(engine) - 3.14f, 6.28f * flat(engine) - 3.14f,
         {45 + 20 * flat(engine), 30 + 15 * flat(engine), 18 + 10 * flat(engine), 8 + 8 * flat(engine)},
         {4 * flat(engine) - 2, 4 * flat(engine) - 2, 4 * flat(engine) - 2, 4 * flat(engine) - 2}};
  }
  return candidates;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: analysis MODEL.ophion\n");
    return 2;
  }
  const auto model = ophion::Model::load(argv[1]);
  const auto score = model.bind(columns);  // by name, in this program's order; a missing one throws here
  std::printf("%s: %zu features, backend %s\n", argv[1], model.features().size(), model.backend().c_str());

  // One by one, as in an event loop.
  const float first = score({91.0f, 32.5f, 0.3f, -0.2f, 0.6f, 1.2f, -0.4f, 52.0f, 38.0f, 21.0f, 11.0f, 0.4f, -1.1f, 0.9f, 1.6f});
  std::printf("one event: score %.6f\n", first);

  // In a batch: the program's own memory is lent, not copied; a Candidate is a row.
  const auto candidates = make_candidates(20000);
  static_assert(sizeof(Candidate) == 15 * sizeof(float));
  const ophion::MatrixView events(&candidates[0].mZ1, candidates.size(), columns.size());
  std::vector<float> scores(candidates.size());
  const auto begin = std::chrono::steady_clock::now();
  score.predict(events, scores);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;

  std::size_t selected = 0;
  for (const float s : scores) selected += s > 0.5f ? 1 : 0;
  std::printf("batch: %zu of %zu events above 0.5, in %.1f ms\n", selected, scores.size(), took.count());

  // The same events one by one: the same scores, but for the last bits that a batch may round otherwise.
  float largest = 0;
  for (std::size_t i = 0; i < 100; ++i) {
    const float alone = score(std::span(&candidates[i].mZ1, columns.size()));
    largest = std::max(largest, std::abs(alone - scores[i]));
  }
  std::printf("one by one and in a batch agree within %.1g over 100 events\n", static_cast<double>(largest));
  return largest < 1e-5f ? 0 : 1;
} catch (const ophion::Error& error) {
  std::fprintf(stderr, "analysis: %s\n", error.what());
  return 1;
}
