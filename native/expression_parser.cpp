/// Text → syntax tree, by recursive descent; constants are folded on the way.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <optional>
#include <span>
#include <utility>

#include "expression.h"
#include "expression_ops.h"

namespace ophion::native {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Longer ones before their beginnings.
constexpr std::string_view symbols[] = {"**", "<=", ">=", "==", "!=", "&&", "||", "+", "-", "*", "/", "%", "^",
                                        "<",  ">",  "!",  "?",  ":",  "(",  ")",  "[", "]", ",", "=", "&", "|"};

constexpr std::string_view or_[] = {"||"};
constexpr std::string_view and_[] = {"&&"};
constexpr std::string_view equal_[] = {"==", "!="};
constexpr std::string_view order_[] = {"<", "<=", ">", ">="};
constexpr std::string_view sum_[] = {"+", "-"};
constexpr std::string_view product_[] = {"*", "/", "%"};
/// Binary operators from the loosest to the tightest.
constexpr std::array<std::span<const std::string_view>, 6> levels = {or_, and_, equal_, order_, sum_, product_};
/// "a < b < c" is refused, since it does not mean what it seems to.
constexpr bool chains(std::size_t level) { return level != 2 && level != 3; }

/// What people coming from Python, C or SQL write, and what it is here.
constexpr std::pair<std::string_view, std::string_view> habits[] = {
    {"and", "&&"}, {"or", "||"}, {"not", "!"}, {"&", "&&"}, {"|", "||"}, {"=", "=="}};

constexpr std::pair<std::string_view, double> constants[] = {{"pi", std::numbers::pi}, {"true", 1.0}, {"false", 0.0}};
constexpr std::pair<std::string_view, double> constant_functions[] = {
    {"TMath::Pi", std::numbers::pi}, {"TMath::TwoPi", 2 * std::numbers::pi},
    {"TMath::PiOver2", std::numbers::pi / 2}, {"TMath::E", std::numbers::e}};

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

std::string nearest_function(std::string_view name) {
  std::string_view nearest;
  std::size_t least = std::max<std::size_t>(1, name.size() / 3) + 1;  // further away is no likeness
  for (const std::string_view known : function_names()) {
    const std::size_t distance = edit_distance(name, known);
    if (distance < least) {
      least = distance;
      nearest = known;
    }
  }
  return nearest.empty() ? "" : "; did you mean '" + std::string(nearest) + "'?";
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  void parse() {
    if (text_.size() > Expression::max_bytes) {
      throw ExpressionError("an expression has at most 4096 bytes, found " + std::to_string(text_.size()),
                            Expression::max_bytes);
    }
    choice();
    if (at_ < text_.size()) fail("an operator or the end");
  }

  std::vector<Expression::Node> nodes;
  std::vector<Input> inputs;

 private:
  /// Counts what is open, so that no text can exhaust the stack.
  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) {
      if (++parser_.nesting_ > Expression::max_nesting) {
        throw ExpressionError("brackets, signs and choices are nested more than 64 deep", parser_.at_);
      }
    }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    ~Nesting() { --parser_.nesting_; }

   private:
    Parser& parser_;
  };

  // choice := binary ['?' choice ':' choice]
  void choice() {
    binary(0);
    if (!take("?")) return;
    const Nesting open(*this);
    choice();
    expect(":");
    choice();
    emit("?:");
  }

  // binary(level) := binary(level + 1) { operator binary(level + 1) }
  void binary(std::size_t level) {
    if (level == levels.size()) return signed_term();
    binary(level + 1);
    for (bool again = false;; again = true) {
      const std::string_view symbol = peek();
      if (std::ranges::find(levels[level], symbol) == levels[level].end()) return;
      if (again && !chains(level)) {
        throw ExpressionError("comparisons can't be chained; write 'a < b && b < c', or brackets", at_);
      }
      at_ += symbol.size();
      binary(level + 1);
      emit(symbol);
    }
  }

  // signed_term := ('-' | '+' | '!') signed_term | power
  void signed_term() {
    const std::string_view symbol = peek();
    if (symbol != "-" && symbol != "+" && symbol != "!") return power();
    const Nesting open(*this);
    at_ += symbol.size();
    signed_term();
    if (symbol == "-") emit("neg");
    if (symbol == "!") emit("!");
  }

  // power := term [('^' | '**') signed_term]: binds tighter than a sign on its left, looser than one on its right
  void power() {
    term();
    if (!take("^") && !take("**")) return;
    const Nesting open(*this);
    signed_term();
    emit("^");
  }

  // term := number | '(' choice ')' | name | name '[' whole number ']' | name '(' choice {',' choice} ')'
  void term() {
    const std::string_view symbol = peek();
    const std::size_t start = at_;
    if (symbol == "(") {
      const Nesting open(*this);
      at_ += 1;
      choice();
      return expect(")");
    }
    if (start < text_.size() && (is_digit(text_[start]) || text_[start] == '.')) return number();
    if (start < text_.size() && text_[start] == '`') return column(quoted_name());
    const std::string_view name = name_here();
    if (name.empty()) fail("a number, a column or '('");
    if (habit_of(name)) fail("a number, a column or '('");
    at_ += name.size();
    if (peek() == "(") return call(name, start);
    if (name.find("::") != std::string_view::npos) fail("'(' after '" + std::string(name) + "'");
    for (const auto& [constant, value] : constants) {
      if (name == constant) return emit_number(value);
    }
    column(std::string(name));
  }

  void number() {
    double value = 0;
    const auto [end, problem] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (problem == std::errc::invalid_argument) fail("a number, a column or '('");
    if (problem == std::errc::result_out_of_range) {
      const std::string digits(text_.data() + at_, end);
      throw ExpressionError("the number '" + digits + "' is beyond what a double can hold", at_);
    }
    at_ = static_cast<std::size_t>(end - text_.data());
    emit_number(value);
  }

  void column(std::string name) {
    Input input{std::move(name), -1};
    if (take("[")) {
      peek();
      const auto [end, problem] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), input.index);
      if (problem != std::errc() || !is_digit(text_[at_])) fail("a whole number from 0 on");
      at_ = static_cast<std::size_t>(end - text_.data());
      expect("]");
    }
    const auto found = std::ranges::find(inputs, input);
    const auto index = static_cast<std::int32_t>(found - inputs.begin());
    if (found == inputs.end()) inputs.push_back(std::move(input));
    push({Expression::Op::column, 0, index, {-1, -1, -1}});
  }

  void call(std::string_view name, std::size_t start) {
    expect("(");
    const Nesting open(*this);
    for (const auto& [constant, value] : constant_functions) {
      if (name != constant) continue;
      expect(")");
      return emit_number(value);
    }
    const OpEntry* function = function_named(name);
    if (function == nullptr) {
      throw ExpressionError("there is no function '" + std::string(name) + "'" + nearest_function(name), start);
    }
    const bool folds = function->name == "min" || function->name == "max";
    int given = 0;
    if (peek() != ")") {
      do {
        choice();
        ++given;
        if (folds && given > 1) emit(function->name);
      } while (take(","));
    }
    expect(")");
    if (folds ? given < 2 : given != function->operands) {
      throw ExpressionError("'" + std::string(name) + "' takes " + std::to_string(function->operands) +
                                (folds ? " or more" : "") + (function->operands == 1 ? " argument" : " arguments") +
                                ", found " + std::to_string(given), start);
    }
    if (!folds) emit(function->name);
  }

  /// Appends an operator over the last subtrees, or the number it gives if they are all numbers. What is not finite stays a
  /// tree: numbers in a model file are finite.
  void emit(std::string_view name) {
    const OpEntry& op = op_table()[static_cast<std::size_t>(Expression::op_named(name))];
    const auto operands = static_cast<std::size_t>(op.operands);
    Expression::Node node{op_of(op), 0, -1, {-1, -1, -1}};
    std::array<Operand, 3> values{};
    bool constant = true;
    for (std::size_t k = 0; k < operands; ++k) {
      const std::int32_t root = roots_[roots_.size() - operands + k];
      const Expression::Node& operand = nodes[static_cast<std::size_t>(root)];
      node.operands[k] = root;
      values[k] = {&operand.number, false};
      constant = constant && operand.op == Expression::Op::number;
    }
    if (constant) {
      double value = 0;
      op.kernel(values.data(), 1, &value);
      if (std::isfinite(value)) {
        nodes.resize(nodes.size() - operands);
        roots_.resize(roots_.size() - operands);
        return emit_number(value);
      }
    }
    roots_.resize(roots_.size() - operands);
    push(node);
  }

  void emit_number(double value) { push({Expression::Op::number, value, -1, {-1, -1, -1}}); }

  void push(const Expression::Node& node) {
    if (nodes.size() == Expression::max_nodes) {
      throw ExpressionError("the expression has more than 1024 numbers, columns and operators", at_);
    }
    roots_.push_back(static_cast<std::int32_t>(nodes.size()));
    nodes.push_back(node);
  }

  /// The symbol after any space, or nothing; `at_` stands on it.
  std::string_view peek() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    const std::string_view rest = text_.substr(at_);
    const auto* found = std::ranges::find_if(symbols, [&](std::string_view symbol) { return rest.starts_with(symbol); });
    return found == std::end(symbols) ? std::string_view() : *found;
  }

  bool take(std::string_view symbol) {
    if (peek() != symbol) return false;
    at_ += symbol.size();
    return true;
  }

  void expect(std::string_view symbol) {
    if (!take(symbol)) fail("'" + std::string(symbol) + "'");
  }

  /// A name with dots inside ("jet.pt") or of a namespace ("TMath::Abs").
  std::string_view name_here() const {
    std::size_t end = at_;
    const auto letter = [&](std::size_t i) { return i < text_.size() && is_letter(text_[i]); };
    const auto word = [&](std::size_t i) { return i < text_.size() && (is_letter(text_[i]) || is_digit(text_[i])); };
    if (!letter(end)) return {};
    while (true) {
      if (word(end)) end += 1;
      else if (end < text_.size() && text_[end] == '.' && word(end + 1)) end += 2;
      else if (text_.substr(end).starts_with("::") && letter(end + 2)) end += 3;
      else return text_.substr(at_, end - at_);
    }
  }

  std::string quoted_name() {
    const std::size_t end = text_.find('`', at_ + 1);
    if (end == std::string_view::npos) throw ExpressionError("expected a '`' that ends the column's name", at_);
    if (end == at_ + 1) throw ExpressionError("expected a column's name between '`' and '`'", at_);
    std::string name(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return name;
  }

  static std::optional<std::string_view> habit_of(std::string_view word) {
    for (const auto& [habit, here] : habits) {
      if (word == habit) return here;
    }
    return std::nullopt;
  }

  [[noreturn]] void fail(const std::string& expected) {
    std::string_view found = peek();
    if (found.empty()) found = name_here();
    std::string shown;
    if (!found.empty()) {
      shown = "'" + std::string(found) + "'";
      if (const auto here = habit_of(found)) shown += " (write '" + std::string(*here) + "')";
    } else if (at_ == text_.size()) {
      shown = "end of text";
    } else if (text_[at_] > ' ' && text_[at_] <= '~') {
      shown = std::string("'") + text_[at_] + "'";
    } else {
      char hex[16];
      std::snprintf(hex, sizeof hex, "byte 0x%02X", static_cast<unsigned>(static_cast<unsigned char>(text_[at_])));
      shown = hex;
    }
    throw ExpressionError("expected " + expected + ", found " + shown, at_);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t nesting_ = 0;
  std::vector<std::int32_t> roots_;  // of the subtrees that wait for their operator
};

}  // namespace

Expression Expression::parse(std::string_view text) {
  Parser parser(text);
  parser.parse();
  const TreeShape shape = shape_of(parser.nodes, parser.inputs.size());
  if (!shape.problem.empty()) throw ExpressionError(std::string(shape.problem), 0);
  // Folding can't drop a column, so every input is used, and what parse makes from_nodes accepts.
  return Expression(std::move(parser.nodes), std::move(parser.inputs), shape.slots);
}

}  // namespace ophion::native
