/// The few events whose scores a model file keeps, to show that they are still the same.
#include "self_test.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <thread>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "durable_file.h"

namespace ophion {
namespace {

/// What /proc/cpuinfo says of the first processor under one of its keys.
std::string cpu_fact(const std::string& key) {
  std::ifstream stream("/proc/cpuinfo");
  for (std::string line; std::getline(stream, line);) {
    const std::size_t colon = line.find(':');
    if (line.starts_with(key) && colon != std::string::npos) return line.substr(std::min(colon + 2, line.size()));
  }
  return "";
}

/// 0 where both are the same, NaN equal to NaN; in units of the score where that is above 1.
double difference(float a, float b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  const double apart = std::abs(static_cast<double>(a) - b) / std::max({1.0, std::abs(double{a}), std::abs(double{b})});
  return std::isnan(apart) ? std::numeric_limits<double>::infinity() : apart;
}

std::string in_words(const Value& versions) {
  std::string text;
  if (!versions.is_object()) return "unknown versions";
  for (const auto& [package, version] : versions.as_object()) {
    text += (text.empty() ? "" : ", ") + package + " " + (version.is_text() ? version.as_text() : "?");
  }
  return text.empty() ? "unknown versions" : text;
}

std::string number(double value) {
  std::ostringstream text;
  text.precision(9);
  text << value;
  return text.str();
}

}  // namespace

std::string machine_of(int threads) {
  const int everywhere = runtime_options().threads;
  const unsigned used = threads > 0      ? static_cast<unsigned>(threads)
                        : everywhere > 0 ? static_cast<unsigned>(everywhere)
                                         : std::thread::hardware_concurrency();
  // Read once: the processor stays.
  static const std::string processor = [] {
    const std::string model = cpu_fact("model name");
    const std::string flags = cpu_fact("flags");  // "Features" on ARM
    return (model.empty() ? "a processor" : model) + " (" + sha256(flags.empty() ? cpu_fact("Features") : flags).substr(0, 12) + ")";
  }();
  return processor + ", " + std::to_string(used) + (used == 1 ? " thread" : " threads");
}

void check_self_test(const SelfTest& test, std::span<const float> scores, const Value& versions, const std::string& machine,
                     const std::string& origin) {
  double worst = 0;
  std::size_t where = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const double apart = difference(scores[i], test.scores[i]);
    if (apart > worst) {
      worst = apart;
      where = i;
    }
  }
  if (worst == 0) return;
  const std::string text = origin + ": the self-test's score " + std::to_string(where) + " was " + number(double{test.scores[where]}) +
                           " in training and is " + number(double{scores[where]}) + " here";
  if (worst > test.tolerance) {
    throw ModelError(text + ", which is more than rounding (" + number(test.tolerance) + "). Trained with " + in_words(test.versions) +
                     " on " + test.machine + "; here " + in_words(versions) + " on " + machine);
  }
  if (versions.size() > 0 && versions == test.versions && machine == test.machine) {
    log(LogLevel::warning, text + ", with the same versions on the same machine");
  }
}

}  // namespace ophion
