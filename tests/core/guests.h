/// The method "guest" (tests/core/plugins), which does what its options say, in worker processes.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <ophion/method.h>
#include <ophion/registry.h>

#include "isolation/isolated_method.h"

namespace ophion {

inline const Registry& guest_registry() {
  static const Registry all({std::filesystem::path(OPHION_BINARY_DIR) / "tests" / "guests"});
  return all;
}

inline Spec spec_of_two() { return {"classification", {"x", "y"}, {"background", "signal"}, {}}; }

inline Value options_of(const std::string& json) { return read_json(json, "options"); }

inline std::unique_ptr<Backend> loaded(const std::string& options, WorkerSettings settings = {}, const CallOptions& call = {},
                                       int workers = 1) {
  return isolated_method(guest_registry(), "guest", std::move(settings), workers)->load({}, spec_of_two(), options_of(options), call);
}

inline float score(const Backend& backend, float x, float y) {
  const float row[] = {x, y};
  float out = 0;
  backend.predict(MatrixView(row, 1, 2), {&out, 1});
  return out;
}

inline TrainContext context_of(const std::string& options) {
  TrainContext context;
  context.name = "one";
  context.spec = spec_of_two();
  context.options = options_of(options);
  return context;
}

/// Three events in this program's own memory.
struct ThreeEvents {
  std::vector<float> x{1, 2, 3, 4, 5, 6};
  std::vector<std::int32_t> labels{1, 0, 1};
  std::vector<double> weights{0.5, 1, 2};
  TrainingData data() const { return {{MatrixView(x.data(), 3, 2), labels, {}, weights}, {}}; }
};

inline bool comes_true(const std::function<bool()>& what) {
  for (int i = 0; i < 500; ++i) {
    if (what()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace ophion
