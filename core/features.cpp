/// Expressions between their text, the model file and typed columns.
#include "features.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include <ophion/error.h>

#include "dtype.h"

namespace ophion {
namespace {

using native::Expression;

[[noreturn]] void damaged(const std::string& problem) {
  throw ModelError("the model file holds a damaged expression: " + problem);
}

/// Lists of lists, at most as deep as a tree is; the nodes come out in postfix order.
class TreeReader {
 public:
  explicit TreeReader(std::span<const native::Function> known) : known_(known) {}

  std::vector<Expression::Node> nodes;
  std::vector<native::Input> inputs;
  std::vector<native::Function> functions;

  void read(const Value& value, std::size_t depth) {
    if (depth > Expression::max_levels) {
      damaged("it is nested more than " + std::to_string(Expression::max_levels) + " deep");
    }
    if (!value.is_array() || value.size() == 0 || !value.at(0).is_text()) {
      damaged(std::string("expected a list that starts with an operator's name, found ") +
              (value.is_array() ? "another list" : Value::type_name(value.type())));
    }
    const Value::Array& items = value.as_array();
    const std::string& name = items[0].as_text();
    const Expression::Op op = op_of(name);
    if (op == Expression::number_op()) return number(items);
    if (op == Expression::column_op()) return column(items);
    if (op == Expression::call_op()) return call(items, depth);
    const auto operands = static_cast<std::size_t>(Expression::operands_of(op));
    const std::size_t given = items.size() - 1;
    if (given < operands || (given > operands && operands != 2)) {
      damaged("'" + name + "' takes " + std::to_string(operands) + " operands, found " + std::to_string(given));
    }
    for (std::size_t i = 0; i < given; ++i) {
      read(items[i + 1], depth + 1);
      if (i + 1 >= operands) push({op});
    }
  }

 private:
  static Expression::Op op_of(const std::string& name) {
    try {
      return Expression::op_named(name);
    } catch (const std::invalid_argument& problem) {
      damaged(problem.what());
    }
  }

  void number(const Value::Array& items) {
    if (items.size() != 2 || !items[1].is_number()) damaged("'number' takes one number");
    push({Expression::number_op(), items[1].as_number()});
  }

  void column(const Value::Array& items) {
    if (items.size() < 2 || items.size() > 3 || !items[1].is_text() || (items.size() == 3 && !items[2].is_integer())) {
      damaged("'column' takes a name and at most an index");
    }
    native::Input input{items[1].as_text(), -1};
    if (items.size() == 3) {
      const std::int64_t index = items[2].as_integer();
      if (index < 0 || index > std::numeric_limits<std::int32_t>::max()) {
        damaged("column '" + input.column + "' has the index " + std::to_string(index));
      }
      input.index = static_cast<std::int32_t>(index);
    }
    const auto found = std::find(inputs.begin(), inputs.end(), input);
    const auto position = static_cast<std::int32_t>(found - inputs.begin());
    if (found == inputs.end()) inputs.push_back(std::move(input));
    push({Expression::column_op(), 0, position});
  }

  void call(const Value::Array& items, std::size_t depth) {
    if (items.size() < 2 || !items[1].is_text()) damaged("'call' takes a function's name and its arguments");
    const std::string& name = items[1].as_text();
    const auto function = std::ranges::find(known_, name, &native::Function::name);
    if (function == known_.end()) damaged("it calls '" + name + "', which no plug-in of the model has");
    const std::size_t given = items.size() - 2;
    if (given != function->arguments.size()) {
      damaged("'" + name + "' takes " + std::to_string(function->arguments.size()) + " arguments, found " + std::to_string(given));
    }
    for (std::size_t i = 0; i < given; ++i) read(items[i + 2], depth + 1);
    const auto found = std::ranges::find(functions, name, &native::Function::name);
    const auto position = static_cast<std::int32_t>(found - functions.begin());
    if (found == functions.end()) functions.push_back(*function);
    push({Expression::call_op(), 0, position});
  }

  void push(const Expression::Node& node) {
    if (nodes.size() == Expression::max_nodes) {
      damaged("it has more than " + std::to_string(Expression::max_nodes) + " numbers, columns and operators");
    }
    nodes.push_back(node);
  }

  std::span<const native::Function> known_;
};

/// A tree from its nodes in postfix order, as lists of lists.
class TreeWriter {
 public:
  explicit TreeWriter(const Expression& expression) : expression_(expression), first_(expression.nodes().size()) {
    std::vector<std::size_t> open;  // first nodes of subtrees
    for (std::size_t i = 0; i < first_.size(); ++i) {
      const std::size_t operands = expression.operands_of(expression.nodes()[i]);
      open.push_back(i);
      open.resize(open.size() - operands);
      first_[i] = open.back();
    }
  }

  Value write(std::size_t root) const {
    const Expression::Node& node = expression_.nodes()[root];
    Value list = Value::array();
    list.push_back(Expression::name_of(node.op));
    if (node.op == Expression::number_op()) {
      list.push_back(node.number);
    } else if (node.op == Expression::column_op()) {
      const native::Input& input = expression_.inputs()[static_cast<std::size_t>(node.index)];
      list.push_back(input.column);
      if (input.index >= 0) list.push_back(input.index);
    } else if (node.op == Expression::call_op()) {
      list.push_back(expression_.functions()[static_cast<std::size_t>(node.index)].name);
      for (const std::size_t operand : operands_of(root)) list.push_back(write(operand));
    } else {
      // A chain of one operator becomes a flat list: JSON can't be nested as deep as a sum may be long.
      std::vector<std::size_t> items = operands_of(root);
      while (items.size() >= 2 && Expression::operands_of(node.op) == 2 && expression_.nodes()[items.front()].op == node.op) {
        const std::vector<std::size_t> chain = operands_of(items.front());
        items.front() = chain[1];
        items.insert(items.begin(), chain[0]);
      }
      for (const std::size_t item : items) list.push_back(write(item));
    }
    return list;
  }

 private:
  /// The last nodes of a node's operands, which end right before it.
  std::vector<std::size_t> operands_of(std::size_t root) const {
    std::vector<std::size_t> roots(expression_.operands_of(expression_.nodes()[root]));
    std::size_t end = root;
    for (auto operand = roots.rbegin(); operand != roots.rend(); ++operand) {
      *operand = end - 1;
      end = first_[end - 1];
    }
    return roots;
  }

  const Expression& expression_;
  std::vector<std::size_t> first_;  ///< the first node of the subtree that ends at a node
};

[[noreturn]] void refuse(const std::string& text, const std::string& what, const native::ExpressionError& problem, const std::string& advice) {
  // A long text is shown around the place that is meant.
  constexpr std::size_t shown = 200;
  const std::size_t first = text.size() <= shown || problem.position() < shown / 2 ? 0 : problem.position() - shown / 2;
  std::string excerpt = text.substr(first, shown);
  if (first > 0) excerpt.insert(0, "…");
  if (first + shown < text.size()) excerpt += "…";
  throw DataError(what + " '" + excerpt + "': " + problem.what() + advice + " at column " + std::to_string(problem.position() + 1));
}

}  // namespace

std::vector<std::string> names_of(const std::vector<NamedExpression>& expressions) {
  std::vector<std::string> names;
  for (const auto& expression : expressions) names.push_back(expression.name);
  return names;
}

Expression parse_expression(const std::string& text, const std::string& what, const FeatureFunctions& functions) {
  try {
    return Expression::parse(text, functions.all());
  } catch (const native::UnknownFunction& problem) {
    refuse(text, what, problem, functions.advice(problem.name()));
  } catch (const native::ExpressionError& problem) {
    refuse(text, what, problem, "");
  }
}

Value to_value(const Expression& expression) { return TreeWriter(expression).write(expression.nodes().size() - 1); }

Expression expression_from_value(const Value& value, std::span<const native::Function> functions) {
  TreeReader tree(functions);
  tree.read(value, 1);
  try {
    return Expression::from_nodes(std::move(tree.nodes), std::move(tree.inputs), std::move(tree.functions));
  } catch (const std::invalid_argument& problem) {
    damaged(problem.what());
  }
}

BoundExpression::BoundExpression(Expression expression, const std::vector<std::string>& columns, const std::string& what)
    : expression_(std::move(expression)), what_(what) {
  const auto position_of = [&](const std::string& name) {
    return static_cast<std::size_t>(std::find(columns.begin(), columns.end(), name) - columns.begin());
  };
  for (const native::Input& input : expression_.inputs()) {
    Source source{columns.size(), -1};
    if (input.index >= 0) source.column = position_of(input.column + "[" + std::to_string(input.index) + "]");
    if (source.column == columns.size()) source = {position_of(input.column), input.index};
    if (source.column == columns.size()) {
      throw DataError(what_ + ": there is no column '" + input.column + "'" + nearest_names(input.column, columns));
    }
    sources_.push_back(source);
  }
}

const Column& BoundExpression::checked(const Columns& columns, const Source& source, std::size_t rows) const {
  if (source.column >= columns.size()) {
    throw DataError(what_ + ": expected at least " + std::to_string(source.column + 1) + " columns, found " +
                    std::to_string(columns.size()));
  }
  const Column& column = columns[source.column];
  const std::string name = "column '" + column.name + "'";
  if (source.element < 0 && column.width != 1) {
    throw DataError(what_ + ": " + name + " holds " + std::to_string(column.width) + " numbers an event: write " +
                    column.name + "[0]");
  }
  if (source.element >= 0 && static_cast<std::size_t>(source.element) >= column.width) {
    throw DataError(what_ + ": " + name + " holds " + std::to_string(column.width) +
                    (column.width == 1 ? " number" : " numbers") + " an event: there is no " + column.name + "[" +
                    std::to_string(source.element) + "]");
  }
  if (column.rows < rows) {
    throw DataError(what_ + ": " + name + " has " + std::to_string(column.rows) + " rows, expected " + std::to_string(rows));
  }
  return column;
}

void BoundExpression::evaluate(const Columns& columns, std::size_t first, std::size_t rows, double* out) const {
  struct Part {
    Strided numbers;    // from row `first` on
    double* converted;  // null: the column's own doubles are read in place
  };
  const std::size_t length = std::min(rows, evaluated_rows);
  std::vector<double> scratch(sources_.size() * length);
  std::vector<Part> parts;
  for (const Source& source : sources_) {
    const Column& column = checked(columns, source, first + rows);
    const auto* data = static_cast<const std::byte*>(column.data) + static_cast<std::ptrdiff_t>(first) * column.row_stride +
                       std::max<std::ptrdiff_t>(source.element, 0) * column.column_stride;
    const bool in_place = column.type == DType::float64 && column.row_stride == sizeof(double) &&
                          reinterpret_cast<std::uintptr_t>(data) % alignof(double) == 0;
    parts.push_back({{data, column.row_stride, column.type}, in_place ? nullptr : scratch.data() + parts.size() * length});
  }
  std::vector<const double*> pointers(parts.size());
  for (std::size_t done = 0; done < rows; done += length) {
    const std::size_t count = std::min(length, rows - done);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto& [numbers, converted] = parts[i];
      const std::byte* from = numbers.at(done);
      if (converted != nullptr) Strided{from, numbers.stride, numbers.type}.to_doubles(count, converted);
      pointers[i] = converted != nullptr ? converted : reinterpret_cast<const double*>(from);
    }
    try {
      expression_.evaluate(pointers, count, out + done);
    } catch (const native::FunctionError& problem) {
      throw DataError(what_ + ": " + problem.what());
    }
  }
}

}  // namespace ophion
