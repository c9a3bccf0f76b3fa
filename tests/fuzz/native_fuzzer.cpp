/// Payloads that score without Python: model.json, then a byte 0 and arrays.safetensors. What is accepted is used, and an event alone gets the
/// score that it gets among others.
#include <cmath>
#include <limits>
#include <vector>

#include "fuzz/fuzzer.h"
#include "native_backend.h"

namespace {

constexpr std::size_t features = 3;

std::vector<float> events() {
  constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const float numbers[] = {0, 1, -1, 0.5f, 31.5f, 64, -0.5f, 3e38f, 1e-40f, infinity, -infinity, nan, 3e9f, 2};
  std::vector<float> all;
  for (std::size_t i = 0; i < 90 * features; ++i) all.push_back(numbers[i * i % std::size(numbers)]);
  return all;
}

void use(const ophion::Backend& backend, std::size_t outputs) {
  static const std::vector<float> rows = events();
  const std::size_t count = rows.size() / features;
  std::vector<float> scores(count * outputs), alone(outputs);
  try {
    backend.predict({rows.data(), count, features}, scores);
  } catch (const ophion::DataError&) {
    return;  // NaN, which the trees don't take
  }
  for (std::size_t row = 0; row < count; ++row) {
    backend.predict({rows.data() + row * features, 1, features}, alone);
    for (std::size_t i = 0; i < outputs; ++i) {
      const float together = scores[row * outputs + i];
      demand(together == alone[i] || (std::isnan(together) && std::isnan(alone[i])), "an event's score does not depend on its company");
    }
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ophion;
  const std::string_view text = text_of(data, size);
  const std::size_t end = text.find('\0');
  if (end == text.npos) return 0;
  Payload payload;
  payload.members["model.json"] = std::string(text.substr(0, end));
  payload.members["arrays.safetensors"] = std::string(text.substr(end + 1));
  Spec spec{"classification", {"a", "b", "c"}, {"no", "yes"}, {}};
  for (int kind = 0; kind < 2; ++kind) {
    try {
      use(*make_native_backend(payload, spec), spec.outputs());
    } catch (const ModelError&) {
    }
    spec.classes.emplace_back("perhaps");
  }
  return 0;
}
