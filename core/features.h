/// Features as compiled expressions over named columns.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <ophion/config.h>
#include <ophion/dataset.h>

#include "expression.h"
#include "feature_functions.h"

namespace ophion {

std::vector<std::string> names_of(const std::vector<NamedExpression>& expressions);

/// Rows of an expression evaluated at once: enough that a block's fixed costs vanish, few enough that its numbers stay in the second-level
/// cache.
inline constexpr std::size_t evaluated_rows = 2048;

/// Parses, with the functions of plug-ins if there are any; turns a syntax error into DataError "selection 'pt >': expected a number, a column or '(', found end of text at
/// column 5".
native::Expression parse_expression(const std::string& text, const std::string& what, const FeatureFunctions& functions = {});

/// A syntax tree as JSON: ["+", ["column", "pt"], ["number", 1.0]], an element of an array column ["column", "pt", 0], and a chain
/// of one operator in one list: ["+", a, b, c] is (a + b) + c. A function of a plug-in is ["call", "delta_r", a, b, c, d]. And back, with
/// the functions it may call: ModelError when damaged.
Value to_value(const native::Expression& expression);
native::Expression expression_from_value(const Value& value, std::span<const native::Function> functions = {});

/// An expression bound to columns by name: which of them it reads, evaluated in blocks.
class BoundExpression {
 public:
  /// Throws DataError naming the column that is missing and the nearest. "pt[0]" is a column of just that name if there is one,
  /// else the first number of the array column "pt".
  BoundExpression(native::Expression expression, const std::vector<std::string>& columns, const std::string& what);
  /// `out` gets one double a row of `columns` (in the order of the constructor's names). Throws DataError where a column is an
  /// array and a plain one is asked for, or has no such element, and where a function fails.
  void evaluate(const Columns& columns, std::size_t first, std::size_t rows, double* out) const;

 private:
  /// Where an input of the expression is found.
  struct Source {
    std::size_t column;
    std::int32_t element;  ///< -1: the column has to be plain
  };

  const Column& checked(const Columns& columns, const Source& source, std::size_t rows) const;

  native::Expression expression_;
  std::vector<Source> sources_;  ///< one an input
  std::string what_;
};

}  // namespace ophion
