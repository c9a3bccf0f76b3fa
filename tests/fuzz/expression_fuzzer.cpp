/// Expressions: the parser, the tree as JSON and back, evaluation; with functions from elsewhere, `f` of three numbers and `g` of one.
#include "expression.h"

#include <array>
#include <cstring>
#include <limits>
#include <vector>

#include "features.h"
#include "fuzz/fuzzer.h"

namespace {

void sums(const double* const* arguments, std::size_t rows, double* out) {
  for (std::size_t i = 0; i < rows; ++i) out[i] = arguments[0][i] - arguments[1][i] + 2 * arguments[2][i];
}
void halves(const double* const* arguments, std::size_t rows, double* out) {
  for (std::size_t i = 0; i < rows; ++i) out[i] = arguments[0][i] / 2;
}

std::vector<double> evaluated(const ophion::native::Expression& expression) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  constexpr std::array<double, 6> numbers{0, -1.5, 1e300, infinity, -infinity, std::numeric_limits<double>::quiet_NaN()};
  const std::vector<const double*> columns(expression.inputs().size(), numbers.data());
  std::vector<double> out(numbers.size());
  expression.evaluate(columns, numbers.size(), out.data());
  return out;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ophion;
  static const std::vector<native::Function> functions = {{"f", {{"x", -1}, {"y", 1}, {"x", -1}}, sums}, {"g", {{"z", -1}}, halves}};
  try {
    const native::Expression expression = native::Expression::parse(text_of(data, size), functions);
    const native::Expression again = expression_from_value(read_json(write_json(to_value(expression)), "a tree"), functions);
    const auto first = evaluated(expression), second = evaluated(again);
    demand(std::memcmp(first.data(), second.data(), first.size() * sizeof(double)) == 0, "a tree that was kept gives the same numbers");
  } catch (const native::ExpressionError& problem) {
    demand(problem.position() <= size, "an error is inside the text");
  }
  return 0;
}
