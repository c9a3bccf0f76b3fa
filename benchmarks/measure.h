/// Clocks, memory, medians, and the one line that each figure prints.
#pragma once

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace ophion::benchmarks {

inline double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// CPU seconds of all threads: what others on the machine do is not in it, or hardly.
inline double process_seconds() { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }
inline double thread_seconds() { return seconds_of(CLOCK_THREAD_CPUTIME_ID); }

inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// CPU seconds of the work, by the process's clock.
template <class Work>
double time_of(Work&& work) {
  const double begin = process_seconds();
  work();
  return process_seconds() - begin;
}

/// A line of /proc/self/status, in bytes.
inline double status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key + ":")) return 1024 * std::stod(line.substr(key.size() + 1));
  }
  return 0;
}

inline double resident_bytes() { return status_bytes("VmRSS"); }

/// How far the resident memory rises above where it stands now.
class PeakMemory {
 public:
  PeakMemory() {
    std::ofstream("/proc/self/clear_refs") << "5" << std::flush;  // the kernel's peak starts anew
    before_ = resident_bytes();
  }
  double bytes() const { return std::max(0.0, status_bytes("VmHWM") - before_); }
  /// How far it stands above that now.
  double left() const { return resident_bytes() - before_; }

 private:
  double before_ = 0;
};

/// Two works by turns, so that what happens on the machine meanwhile hits both.
struct Pair {
  std::vector<double> first, second;

  double ratio() const {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < first.size(); ++i) ratios.push_back(first[i] / second[i]);
    return median(ratios);
  }
};

template <class First, class Second>
Pair interleave(int pairs, First&& first, Second&& second) {
  Pair times;
  for (int i = 0; i < pairs; ++i) {
    if (i % 2 == 0) times.first.push_back(time_of(first));
    times.second.push_back(time_of(second));
    if (i % 2 != 0) times.first.push_back(time_of(first));
  }
  return times;
}

/// letter | what | found | goal | pass or MISS | details. scripts/bench.sh makes its table of these.
inline void report(char letter, const std::string& what, double found, double goal, const std::string& details = "") {
  std::printf("%c | %-58s | %8.3f | <= %-6g | %s | %s\n", letter, what.c_str(), found, goal, found <= goal ? "pass" : "MISS", details.c_str());
  std::fflush(stdout);
}

/// A figure that has no goal.
inline void note(char letter, const std::string& what, double found, const std::string& details = "") {
  std::printf("%c | %-58s | %8.3f | %-9s | %s | %s\n", letter, what.c_str(), found, "", "    ", details.c_str());
  std::fflush(stdout);
}

inline std::string text(const char* format, double a, double b = 0, double c = 0) {
  char line[160];
  std::snprintf(line, sizeof line, format, a, b, c);
  return line;
}

}  // namespace ophion::benchmarks
