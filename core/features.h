/// Features as compiled expressions over named columns.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <ophion/config.h>
#include <ophion/dataset.h>

#include "expression.h"

namespace ophion {

/// Parses; turns a syntax error into DataError "selection 'pt >': expected a number, a column or '(' at column 5".
native::Expression parse_expression(const std::string& text, const std::string& what);

/// A syntax tree as JSON: ["+", ["column", "pt"], ["number", 1.0]] and back (ModelError when damaged).
Value to_value(const native::Expression& expression);
native::Expression expression_from_value(const Value& value);

/// An expression bound to columns by name: which of them it reads, evaluated in blocks.
class BoundExpression {
 public:
  /// Throws DataError naming the column that is missing and the nearest.
  BoundExpression(native::Expression expression, const std::vector<std::string>& columns, const std::string& what);
  /// `out` gets one double a row of `columns` (in the order of the constructor's names).
  void evaluate(const Columns& columns, std::size_t first, std::size_t rows, double* out) const;

 private:
  native::Expression expression_;
  std::vector<std::size_t> positions_;  ///< one an input
  std::string what_;
};

}  // namespace ophion
