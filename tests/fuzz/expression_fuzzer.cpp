/// Expressions: the parser, the tree as JSON and back, evaluation.
#include "expression.h"

#include <array>
#include <cstring>
#include <limits>
#include <vector>

#include "features.h"
#include "fuzz/fuzzer.h"

namespace {

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
  try {
    const native::Expression expression = native::Expression::parse(text_of(data, size));
    const native::Expression again = expression_from_value(read_json(write_json(to_value(expression)), "a tree"));
    const auto first = evaluated(expression), second = evaluated(again);
    demand(std::memcmp(first.data(), second.data(), first.size() * sizeof(double)) == 0, "a tree that was kept gives the same numbers");
  } catch (const native::ExpressionError& problem) {
    demand(problem.position() <= size, "an error is inside the text");
  }
  return 0;
}
