/// What the tests of expressions share: one computed over columns, and what the parser says of another.
#pragma once

#include "expression.h"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace ophion::native {

/// The expression over columns given in the order in which it names them.
inline std::vector<double> evaluated(const Expression& expression, const std::vector<std::vector<double>>& columns) {
  std::vector<const double*> pointers;
  for (const auto& column : columns) pointers.push_back(column.data());
  std::vector<double> out(columns.empty() ? 1 : columns[0].size());
  expression.evaluate(pointers, out.size(), out.data());
  return out;
}

/// What the parser says of the text, and at which byte.
inline std::string parse_refusal(const std::string& text, std::span<const Function> functions = {}) {
  try {
    Expression::parse(text, functions);
  } catch (const ExpressionError& problem) {
    return problem.what() + std::string(" at ") + std::to_string(problem.position());
  }
  return "nothing was refused";
}

}  // namespace ophion::native
