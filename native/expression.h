/// Expressions over columns: a small grammar, a closed syntax tree, evaluation over blocks in double precision.
/// The language itself is described in docs/expressions.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ophion::native {

/// A text that is no expression; `position` counts bytes from 0.
class ExpressionError : public std::runtime_error {
 public:
  ExpressionError(const std::string& problem, std::size_t position) : std::runtime_error(problem), position_(position) {}
  std::size_t position() const noexcept { return position_; }

 private:
  std::size_t position_;
};

/// A column an expression reads: a plain one, or element `index` of a fixed-size array column ("lepton_pt[0]").
struct Input {
  std::string column;
  std::int32_t index = -1;  ///< -1: the column is plain
  friend bool operator==(const Input&, const Input&) = default;
};

/// Parsed once, evaluated often; const and safe in any number of threads.
class Expression {
 public:
  static constexpr std::size_t max_bytes = 4096;
  static constexpr std::size_t max_nodes = 1024;
  static constexpr std::size_t max_nesting = 64;  ///< brackets, signs and choices open at once in a text
  static constexpr std::size_t max_levels = 56;   ///< of the tree, where a chain of one operator (a + b + c) is one level

  enum class Op : std::uint8_t;  // an index into the table of expression_ops.cpp, which gives each its name and operands

  /// One step of the syntax tree. The nodes are in postfix order: a node's operands are the subtrees right before it.
  struct Node {
    Op op;
    double number = 0;          ///< of a constant; always finite
    std::int32_t input = -1;    ///< of a column: index into inputs()
    std::int32_t operands[3] = {-1, -1, -1};
  };

  /// Throws ExpressionError naming what was expected; at most 4,096 bytes, 1,024 nodes, nested 64 deep.
  static Expression parse(std::string_view text);
  /// A tree read back from a file; throws std::invalid_argument for one that `parse` could not have made.
  static Expression from_nodes(std::vector<Node> nodes, std::vector<Input> inputs);

  const std::vector<Node>& nodes() const noexcept { return nodes_; }
  const std::vector<Input>& inputs() const noexcept { return inputs_; }
  /// The name of the column when the expression is nothing but one plain column, else empty.
  std::string_view plain_column() const noexcept;

  /// `columns[i]` points to `rows` doubles of inputs()[i]. Truth is 1 and 0.
  void evaluate(std::span<const double* const> columns, std::size_t rows, double* out) const;

  static std::string_view name_of(Op op) noexcept;  ///< empty for a number that is no Op
  static int operands_of(Op op) noexcept;
  static Op op_named(std::string_view name);  ///< throws std::invalid_argument
  static Op number_op() noexcept;             ///< the leaf "number"
  static Op column_op() noexcept;             ///< the leaf "column"

 private:
  Expression(std::vector<Node> nodes, std::vector<Input> inputs, std::size_t slots);

  std::vector<Node> nodes_;
  std::vector<Input> inputs_;
  std::size_t slots_;  ///< intermediate results alive at once
};

}  // namespace ophion::native
