/// A tree that has been parsed or read back: checked once, then evaluated over blocks of rows.
#include "expression.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <optional>
#include <utility>

#include "expression_ops.h"

namespace ophion::native {
namespace {

/// Rows evaluated at a time: a few intermediate results of this length stay in the first-level cache.
constexpr std::size_t block_rows = 512;

/// At each level all operands but one may wait for the last.
constexpr std::size_t max_slots = (Expression::max_arguments - 1) * Expression::max_levels + 1;

void check_leaf(const Expression::Node& node, const std::vector<Input>& inputs, std::vector<bool>& used) {
  if (node.op == Expression::Op::number) {
    if (!std::isfinite(node.number)) throw std::invalid_argument("a number of the expression is not finite");
  } else {
    if (node.index < 0 || static_cast<std::size_t>(node.index) >= inputs.size()) {
      throw std::invalid_argument("the expression reads input " + std::to_string(node.index) + " of " +
                                  std::to_string(inputs.size()));
    }
    used[static_cast<std::size_t>(node.index)] = true;
  }
}

void check_inputs(const std::vector<Input>& inputs, const std::vector<bool>& used) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].column.empty()) throw std::invalid_argument("an input of the expression has no name");
    if (inputs[i].index < -1) {
      throw std::invalid_argument("the expression reads '" + inputs[i].column + "[" + std::to_string(inputs[i].index) +
                                  "]'");
    }
    if (!used[i]) throw std::invalid_argument("the expression does not use its input '" + inputs[i].column + "'");
    if (std::find(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(i), inputs[i]) !=
        inputs.begin() + static_cast<std::ptrdiff_t>(i)) {
      throw std::invalid_argument("the expression names its input '" + inputs[i].column + "' twice");
    }
  }
}

void check_functions(const std::vector<Function>& functions, const std::vector<bool>& used) {
  for (std::size_t i = 0; i < functions.size(); ++i) {
    const std::size_t arguments = functions[i].arguments.size();
    if (arguments < 1 || arguments > Expression::max_arguments) {
      throw std::invalid_argument("the function '" + functions[i].name + "' has " + std::to_string(arguments) + " arguments, not 1 to " +
                                  std::to_string(Expression::max_arguments));
    }
    if (!used[i]) throw std::invalid_argument("the expression does not call its function '" + functions[i].name + "'");
  }
}

/// With an argument that varies all are columns: `scratch` has room for one of `length` rows in place of each.
void call(const Function& function, const Operand* operands, bool varies, std::size_t rows, std::size_t length, double* scratch, double* out) {
  std::array<const double*, Expression::max_arguments> arguments;
  for (std::size_t k = 0; k < function.arguments.size(); ++k) {
    arguments[k] = operands[k].data;
    if (!varies || operands[k].varies) continue;
    double* const column = scratch + k * length;
    std::fill_n(column, rows, double{*operands[k].data});
    arguments[k] = column;
  }
  if (!function.loop) throw std::logic_error("the function '" + function.name + "' is known by its name alone");
  try {
    function.loop(arguments.data(), rows, out);
  } catch (const std::exception& problem) {
    throw FunctionError("the function '" + function.name + "' failed: " + problem.what());
  } catch (...) {
    throw FunctionError("the function '" + function.name + "' failed with an exception of an unknown type");
  }
}

/// How many operands a node has; nothing for one that can't be.
std::optional<std::size_t> operands_in(const Expression::Node& node, std::span<const Function> functions) noexcept {
  if (node.op != Expression::Op::call) return static_cast<std::size_t>(Expression::operands_of(node.op));
  if (node.index < 0 || static_cast<std::size_t>(node.index) >= functions.size()) return std::nullopt;
  return functions[static_cast<std::size_t>(node.index)].arguments.size();
}

}  // namespace

ExpressionLayout layout_of(std::span<const Expression::Node> nodes, std::size_t inputs, std::span<const Function> functions) {
  struct Subtree {
    Expression::Op root;
    std::size_t levels;
    std::size_t slots;
  };
  if (nodes.empty()) return {.problem = "the expression is empty"};
  if (nodes.size() > Expression::max_nodes) {
    return {.problem = "the expression has more than 1024 numbers, columns and operators"};
  }
  if (inputs > nodes.size()) return {.problem = "the expression has more inputs than nodes"};
  std::vector<Subtree> open;
  for (const Expression::Node& node : nodes) {
    if (static_cast<std::size_t>(node.op) >= op_table().size()) {
      return {.problem = "the expression has an unknown operator"};
    }
    const std::optional<std::size_t> operands = operands_in(node, functions);
    if (!operands) return {.problem = "the expression calls a function that it does not have"};
    if (*operands > open.size()) return {.problem = "the expression lacks an operand"};
    const std::size_t first = open.size() - *operands;
    Subtree tree{node.op, 1, 1};
    for (std::size_t k = 0; k < *operands; ++k) {
      const Subtree& operand = open[first + k];
      const bool same_chain = k == 0 && *operands == 2 && operand.root == node.op && node.op != Expression::Op::call;
      tree.levels = std::max(tree.levels, operand.levels + (same_chain ? 0 : 1));
      tree.slots = std::max(tree.slots, operand.slots + k);
    }
    if (tree.levels > Expression::max_levels) return {.problem = "the expression's operators are nested more than 56 deep"};
    open.resize(first);
    open.push_back(tree);
  }
  if (open.size() != 1) return {.problem = "the expression has an operand too many"};
  return {open[0].levels, open[0].slots, {}};
}

Expression::Expression(std::vector<Node> nodes, std::vector<Input> inputs, std::vector<Function> functions, std::size_t slots)
    : nodes_(std::move(nodes)), inputs_(std::move(inputs)), functions_(std::move(functions)), slots_(slots) {}

Expression Expression::from_nodes(std::vector<Node> nodes, std::vector<Input> inputs, std::vector<Function> functions) {
  const ExpressionLayout layout = layout_of(nodes, inputs.size(), functions);
  if (!layout.problem.empty()) throw std::invalid_argument(std::string(layout.problem));
  std::vector<bool> used(inputs.size()), called(functions.size());
  for (const Node& node : nodes) {
    if (node.op == Op::call) called[static_cast<std::size_t>(node.index)] = true;
    else if (operands_of(node.op) == 0) check_leaf(node, inputs, used);
  }
  check_inputs(inputs, used);
  check_functions(functions, called);
  return Expression(std::move(nodes), std::move(inputs), std::move(functions), layout.slots);
}

std::size_t Expression::operands_of(const Node& node) const noexcept { return operands_in(node, functions_).value_or(0); }

std::string_view Expression::plain_column() const noexcept {
  const bool plain = nodes_.size() == 1 && nodes_[0].op == Op::column && inputs_[0].index < 0;
  return plain ? std::string_view(inputs_[0].column) : std::string_view();
}

void Expression::evaluate(std::span<const double* const> columns, std::size_t rows, double* out) const {
  if (columns.size() != inputs_.size()) {
    throw std::invalid_argument("the expression reads " + std::to_string(inputs_.size()) + " columns, given " +
                                std::to_string(columns.size()));
  }
  const std::size_t length = std::min(rows, block_rows);
  std::array<double, 1024> few;  // spares single events the heap
  std::vector<double> many;
  double* scratch = few.data();
  if (slots_ * length > few.size()) {
    many.resize(slots_ * length);
    scratch = many.data();
  }
  std::array<Operand, max_slots> stack;
  for (std::size_t first = 0; first < rows; first += length) {
    const std::size_t count = std::min(length, rows - first);
    std::size_t top = 0;
    for (const Node& node : nodes_) {
      if (node.op == Op::number) {
        stack[top++] = {&node.number, false};
      } else if (node.op == Op::column) {
        stack[top++] = {columns[static_cast<std::size_t>(node.index)] + first, true};
      } else {
        const std::size_t operands = operands_of(node);
        top -= operands;
        bool varies = false;
        for (std::size_t k = 0; k < operands; ++k) varies |= stack[top + k].varies;
        const bool last = &node == &nodes_.back();
        double* result = last ? out + first : scratch + top * length;
        if (node.op == Op::call) {
          const Function& function = functions_[static_cast<std::size_t>(node.index)];
          call(function, &stack[top], varies, varies ? count : 1, length, scratch + top * length, result);
        } else {
          op_table()[static_cast<std::size_t>(node.op)].kernel(&stack[top], varies ? count : 1, result);
        }
        stack[top++] = {result, varies};
      }
    }
    const Operand& result = stack[0];
    if (!result.varies) {
      std::fill_n(out + first, count, *result.data);
    } else if (result.data != out + first) {
      std::copy_n(result.data, count, out + first);
    }
  }
}

std::string_view Expression::name_of(Op op) noexcept {
  const auto index = static_cast<std::size_t>(op);
  return index < op_table().size() ? op_table()[index].name : std::string_view();
}

int Expression::operands_of(Op op) noexcept {
  const auto index = static_cast<std::size_t>(op);
  return index < op_table().size() ? op_table()[index].operands : 0;
}

Expression::Op Expression::op_named(std::string_view name) {
  for (const OpEntry& entry : op_table()) {
    if (entry.name == name) return op_of(entry);
  }
  throw std::invalid_argument("an expression has no operator '" + std::string(name) + "'");
}

Expression::Op Expression::number_op() noexcept { return Op::number; }
Expression::Op Expression::column_op() noexcept { return Op::column; }
Expression::Op Expression::call_op() noexcept { return Op::call; }

}  // namespace ophion::native
