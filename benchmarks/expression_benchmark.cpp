/// Expressions over a million rows of doubles, beside numexpr on one thread.
#include "bare_python.h"
#include "made_up.h"
#include "measure.h"

#include <cmath>

#include "expression.h"

using namespace ophion;
using namespace ophion::benchmarks;

namespace {

constexpr std::size_t rows = 1'000'000;
const std::vector<std::string> names{"a", "b", "c", "d"};

/// The same in Ophion's words and in numexpr's, which has & where a truth is meant.
struct Twin {
  const char* ours;
  const char* theirs;
};
const Twin twins[] = {
    {"a + 2 * b - c", "a + 2 * b - c"},
    {"a > 0.2 && b < 0.8 && abs(c) < 0.9", "(a > 0.2) & (b < 0.8) & (abs(c) < 0.9)"},
    {"sqrt(a^2 + b^2)", "sqrt(a**2 + b**2)"},
    {"2 * a * b * (cosh(c) - cos(d))", "2 * a * b * (cosh(c) - cos(d))"},
    {"a > b ? log(a + 1) : exp(-b)", "where(a > b, log(a + 1), exp(-b))"},
    {"atan2(a, b) * sin(c)", "arctan2(a, b) * sin(c)"},
    {"(a - 0.5)^3 / (1 + b * b)", "(a - 0.5)**3 / (1 + b * b)"},
    {"pow(a, 1.7) + min(b, c)", "a**1.7 + where(b < c, b, c)"},
};

}  // namespace

int main() {
  start_python();
  std::vector<std::vector<double>> columns;
  for (unsigned i = 0; i < names.size(); ++i) columns.push_back(random_numbers<double>(rows, 0, 1, i + 1));
  std::vector<double> out(rows), their_out(rows);

  const Hold gil;
  PyObject* const evaluate = find("expressions", "evaluate");
  PyObject* const dict = check(PyDict_New());
  for (std::size_t i = 0; i < names.size(); ++i) {
    PyObject* const array = array_over(columns[i].data(), {static_cast<npy_intp>(rows)}, NPY_FLOAT64);
    PyDict_SetItemString(dict, names[i].c_str(), array);
    Py_DECREF(array);
  }
  PyObject* const result = array_over(their_out.data(), {static_cast<npy_intp>(rows)}, NPY_FLOAT64);

  for (const Twin& twin : twins) {
    const auto expression = native::Expression::parse(twin.ours);
    std::vector<const double*> inputs;
    for (const native::Input& input : expression.inputs()) {
      inputs.push_back(columns[static_cast<std::size_t>(std::find(names.begin(), names.end(), input.column) - names.begin())].data());
    }
    const auto ours = [&] { expression.evaluate(inputs, rows, out.data()); };
    const auto theirs = [&] { Py_DECREF(call(evaluate, {to_text(twin.theirs), Py_NewRef(dict), Py_NewRef(result)})); };
    ours();
    theirs();
    double worst = 0;
    for (std::size_t i = 0; i < rows; ++i) worst = std::max(worst, std::fabs(out[i] - their_out[i]));
    const Pair times = interleave(25, ours, theirs);
    report('g', std::string(twin.ours) + " / numexpr", times.ratio(), 3,
           text("%.1f ms / %.1f ms, results differ by %.1g", 1e3 * median(times.first), 1e3 * median(times.second), worst));
  }
}
