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

/// A text that calls a function which neither the language nor the table it was parsed with has.
class UnknownFunction : public ExpressionError {
 public:
  UnknownFunction(const std::string& name, const std::string& problem, std::size_t position) : ExpressionError(problem, position), name_(name) {}
  const std::string& name() const noexcept { return name_; }

 private:
  std::string name_;
};

/// Computes `rows` numbers, each from one number of every argument. `out` may be the memory of an argument.
using FunctionLoop = void (*)(const double* const* arguments, std::size_t rows, double* out);

/// A function that is not the language's own.
struct Function {
  std::string name;
  std::vector<Input> arguments;  ///< the columns it is called with where an expression names it alone: one an argument
  FunctionLoop loop = nullptr;   ///< null: known by its name alone; evaluating an expression with it throws std::logic_error
};

/// A function's own exception while it was evaluated: "the function 'f' failed: …".
class FunctionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Parsed once, evaluated often; const and safe in any number of threads.
class Expression {
 public:
  static constexpr std::size_t max_bytes = 4096;
  static constexpr std::size_t max_nodes = 1024;
  static constexpr std::size_t max_nesting = 64;  ///< brackets, signs and choices open at once in a text
  static constexpr std::size_t max_levels = 56;   ///< of the tree, where a chain of one operator (a + b + c) is one level
  static constexpr std::size_t max_arguments = 16;  ///< of a function that is not the language's own

  enum class Op : std::uint8_t;  // an index into the table of expression_ops.cpp, which gives each its name and operands

  /// One step of the syntax tree. The nodes are in postfix order: a node's operands are the subtrees right before it.
  struct Node {
    Op op;
    double number = 0;        ///< of a constant; always finite
    std::int32_t index = -1;  ///< of a column: into inputs(); of a call: into functions()
  };

  /// `functions`: what a text may call besides the language's own functions. Throws ExpressionError naming what was expected; at most
  /// 4,096 bytes, 1,024 nodes, nested 64 deep.
  static Expression parse(std::string_view text, std::span<const Function> functions = {});
  /// A tree read back from a file; throws std::invalid_argument for one that `parse` could not have made.
  static Expression from_nodes(std::vector<Node> nodes, std::vector<Input> inputs, std::vector<Function> functions = {});

  const std::vector<Node>& nodes() const noexcept { return nodes_; }
  const std::vector<Input>& inputs() const noexcept { return inputs_; }
  /// Those that it calls, each once.
  const std::vector<Function>& functions() const noexcept { return functions_; }
  /// How many of the subtrees right before a node are its operands.
  std::size_t operands_of(const Node& node) const noexcept;
  /// The name of the column when the expression is nothing but one plain column, else empty.
  std::string_view plain_column() const noexcept;

  /// `columns[i]` points to `rows` doubles of inputs()[i]. Truth is 1 and 0. Throws FunctionError.
  void evaluate(std::span<const double* const> columns, std::size_t rows, double* out) const;

  static std::string_view name_of(Op op) noexcept;  ///< empty for a number that is no Op
  static int operands_of(Op op) noexcept;   ///< 0 for a call, whose function knows
  static Op op_named(std::string_view name);  ///< throws std::invalid_argument
  static Op number_op() noexcept;             ///< the leaf "number"
  static Op column_op() noexcept;             ///< the leaf "column"
  static Op call_op() noexcept;               ///< "call": of one of functions()
  /// Whether a name is a word of the language: no function of another kind can have it.
  static bool is_reserved(std::string_view name) noexcept;

 private:
  Expression(std::vector<Node> nodes, std::vector<Input> inputs, std::vector<Function> functions, std::size_t slots);

  std::vector<Node> nodes_;
  std::vector<Input> inputs_;
  std::vector<Function> functions_;
  std::size_t slots_;  ///< intermediate results alive at once
};

}  // namespace ophion::native
