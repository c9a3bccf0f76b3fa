/// An expression computed over columns, for the tests of expressions.
#pragma once

#include "expression.h"

#include <cstddef>
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

}  // namespace ophion::native
