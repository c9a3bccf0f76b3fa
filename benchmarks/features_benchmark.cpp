/// A function of a plug-in of features, beside the same written as an expression and as a loop by hand.
#include "made_up.h"
#include "measure.h"

#include <cmath>
#include <numbers>

#include <ophion/registry.h>

#include "expression.h"

using namespace ophion;
using namespace ophion::benchmarks;

namespace {

constexpr std::size_t rows = 4096;  // what stays in the second-level cache: memory's own pace hides what is compared
constexpr int repeats = 200;
const std::vector<std::string> names{"pt1", "eta1", "phi1", "pt2", "eta2", "phi2"};

using Table = std::vector<std::vector<double>>;

void delta_r_by_hand(const Table& table, double* out) {
  const double *eta1 = table[1].data(), *phi1 = table[2].data(), *eta2 = table[4].data(), *phi2 = table[5].data();
#pragma GCC ivdep
  for (std::size_t i = 0; i < rows; ++i) {
    const double eta = eta1[i] - eta2[i], apart = std::fabs(phi1[i] - phi2[i]);
    const double phi = apart > std::numbers::pi ? 2 * std::numbers::pi - apart : apart;
    out[i] = std::sqrt(eta * eta + phi * phi);
  }
}

void mass_by_hand(const Table& table, double* out) {
  const double *pt1 = table[0].data(), *eta1 = table[1].data(), *phi1 = table[2].data();
  const double *pt2 = table[3].data(), *eta2 = table[4].data(), *phi2 = table[5].data();
#pragma GCC ivdep
  for (std::size_t i = 0; i < rows; ++i) {
    out[i] = std::sqrt(2 * pt1[i] * pt2[i] * (std::cosh(eta1[i] - eta2[i]) - std::cos(phi1[i] - phi2[i])));
  }
}

struct Triple {
  const char* name;
  const char* expression;
  void (*loop)(const Table&, double*);
};
const Triple triples[] = {
    {"delta_r", "sqrt((eta1 - eta2)^2 + (abs(phi1 - phi2) > pi ? 2*pi - abs(phi1 - phi2) : abs(phi1 - phi2))^2)", delta_r_by_hand},
    {"mass", "sqrt(2*pt1*pt2*(cosh(eta1 - eta2) - cos(phi1 - phi2)))", mass_by_hand},
};

}  // namespace

int main() {
  Table columns;
  for (unsigned i = 0; i < names.size(); ++i) {
    columns.push_back(i % 3 == 0 ? random_numbers<double>(rows, 20, 200, i + 1) : random_numbers<double>(rows, -3, 3, i + 1));
  }
  const auto evaluation = [&](const native::Expression& expression, std::vector<double>& out) {
    std::vector<const double*> inputs;
    for (const native::Input& input : expression.inputs()) {
      inputs.push_back(columns[static_cast<std::size_t>(std::find(names.begin(), names.end(), input.column) - names.begin())].data());
    }
    return [&expression, inputs, &out] {
      for (int i = 0; i < repeats; ++i) expression.evaluate(inputs, rows, out.data());
    };
  };

  const Registry registry({OPHION_BENCHMARK_FEATURES});
  std::vector<native::Function> functions;
  for (const FeatureInfo& feature : registry.info("features", "kinematics").functions) {
    native::Function function{feature.name, {}, registry.feature("kinematics", feature.name)};
    for (const std::string& argument : feature.arguments) function.arguments.push_back({argument, -1});
    functions.push_back(std::move(function));
  }
  for (const Triple& triple : triples) {
    const auto called = native::Expression::parse(triple.name, functions), written = native::Expression::parse(triple.expression);
    std::vector<double> out(rows), their_out(rows);
    const auto ours = evaluation(called, out), theirs = evaluation(written, their_out);
    const auto loop = [&] {
      for (int i = 0; i < repeats; ++i) triple.loop(columns, their_out.data());
    };
    const auto worst = [&] {
      double apart = 0;
      for (std::size_t i = 0; i < rows; ++i) apart = std::max(apart, std::fabs(out[i] - their_out[i]));
      return apart;
    };
    const auto compare = [&](const char* peer, double goal, const auto& by_peer) {
      ours();
      by_peer();
      const double apart = worst();
      const Pair times = interleave(25, ours, by_peer);
      const double each = 1e9 / rows / repeats;
      report('u', triple.name + std::string(" of a plug-in / ") + peer, times.ratio(), goal,
             text("%.2f ns / %.2f ns an event, results differ by %.1g", each * median(times.first), each * median(times.second), apart));
    };
    compare("the same as an expression", 1, theirs);
    compare("a loop by hand", 1.2, loop);
  }
}
