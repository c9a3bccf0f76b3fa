/// The operators and functions of expressions: one table with names, operands and the loops that compute them.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "expression.h"

namespace ophion::native {

/// The leaves and the call of a function from elsewhere; every other Op is known by its name in the table only.
enum class Expression::Op : std::uint8_t { number, column, call };

/// What a loop reads: one double a row, or the same one for all rows.
struct Operand {
  const double* data;
  bool varies;
};

/// Computes `rows` results. `out` may be the memory of an operand. With no operand that varies, `rows` is 1.
using Kernel = void (*)(const Operand* operands, std::size_t rows, double* out);

struct OpEntry {
  std::string_view name;
  int operands;
  Kernel kernel;  ///< null for the leaves and the call
  bool callable;  ///< a user may write name(…)
};

std::span<const OpEntry> op_table() noexcept;

/// The operator behind a function's name, among them "pow", "TMath::Power" and "std::pow"; null when there is none.
const OpEntry* function_named(std::string_view name) noexcept;
/// Every name that `function_named` knows, but for those with "std::" before them.
std::vector<std::string_view> function_names();

inline Expression::Op op_of(const OpEntry& entry) noexcept {
  return static_cast<Expression::Op>(&entry - op_table().data());
}

/// How a tree is laid out; `problem` says why it is none.
struct ExpressionLayout {
  std::size_t levels = 0;
  std::size_t slots = 0;
  std::string_view problem;
};
ExpressionLayout layout_of(std::span<const Expression::Node> nodes, std::size_t inputs, std::span<const Function> functions);

}  // namespace ophion::native
