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

std::string nearest_function(std::string_view name, std::span<const Function> functions) {
  std::string_view nearest;
  std::size_t least = std::max<std::size_t>(1, name.size() / 3) + 1;  // further away is no likeness
  std::vector<std::string_view> names = function_names();
  for (const Function& function : functions) names.push_back(function.name);
  for (const std::string_view known : names) {
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
  Parser(std::string_view text, std::span<const Function> known) : text_(text), known_(known) {}

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
  std::vector<Function> functions;

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
  // A name alone is a function of the table with its own columns, or a column.
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
    if (const Function* function = known_function(name); function && peek() != "[") {
      for (const Input& input : function->arguments) push_column(input);
      return emit_call(*function);
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
    push_column(input);
  }

  void push_column(const Input& input) {
    const auto found = std::ranges::find(inputs, input);
    const auto index = static_cast<std::int32_t>(found - inputs.begin());
    if (found == inputs.end()) inputs.push_back(input);
    push({Expression::Op::column, 0, index});
  }

  const Function* known_function(std::string_view name) const {
    const auto found = std::ranges::find(known_, name, &Function::name);
    return found == known_.end() ? nullptr : &*found;
  }

  void call(std::string_view name, std::size_t start) {
    expect("(");
    const Nesting open(*this);
    for (const auto& [constant, value] : constant_functions) {
      if (name != constant) continue;
      expect(")");
      return emit_number(value);
    }
    const OpEntry* const own = function_named(name);
    const Function* const other = own ? nullptr : known_function(name);
    if (!own && !other) {
      throw UnknownFunction(std::string(name), "there is no function '" + std::string(name) + "'" + nearest_function(name, known_), start);
    }
    const bool folds = own && (own->name == "min" || own->name == "max");
    std::size_t given = 0;
    if (peek() != ")") {
      do {
        choice();
        ++given;
        if (folds && given > 1) emit(own->name);
      } while (take(","));
    }
    expect(")");
    const std::size_t takes = own ? static_cast<std::size_t>(own->operands) : other->arguments.size();
    if (folds ? given < 2 : given != takes) {
      throw ExpressionError("'" + std::string(name) + "' takes " + std::to_string(takes) + (folds ? " or more" : "") +
                                (takes == 1 ? " argument" : " arguments") + (other ? named_arguments(*other) : "") + ", found " +
                                std::to_string(given), start);
    }
    if (other) emit_call(*other);
    else if (!folds) emit(own->name);
  }

  /// " (eta1, phi1)"
  static std::string named_arguments(const Function& function) {
    std::string names;
    for (const Input& input : function.arguments) {
      names += (names.empty() ? "" : ", ") + input.column + (input.index < 0 ? "" : "[" + std::to_string(input.index) + "]");
    }
    return " (" + names + ")";
  }

  /// Appends a call over the last subtrees. It stays one even of numbers: what is not the language's own runs when events are there.
  void emit_call(const Function& function) {
    const auto found = std::ranges::find(functions, function.name, &Function::name);
    const auto index = static_cast<std::int32_t>(found - functions.begin());
    if (found == functions.end()) functions.push_back(function);
    push({Expression::Op::call, 0, index});
  }

  /// Appends an operator over the last subtrees, or the number it gives if they are all numbers. What is not finite stays a
  /// tree: numbers in a model file are finite.
  void emit(std::string_view name) {
    const OpEntry& op = op_table()[static_cast<std::size_t>(Expression::op_named(name))];
    const auto operands = static_cast<std::size_t>(op.operands);
    std::array<Operand, 3> values{};
    bool constant = true;  // a subtree of one node is a number; any other ends in its operator
    for (std::size_t k = 0; k < operands; ++k) {
      const Expression::Node& node = nodes[nodes.size() - operands + k];
      values[k] = {&node.number, false};
      constant = constant && node.op == Expression::Op::number;
    }
    if (constant) {
      double value = 0;
      op.kernel(values.data(), 1, &value);
      if (std::isfinite(value)) {
        nodes.resize(nodes.size() - operands);
        return emit_number(value);
      }
    }
    push({op_of(op)});
  }

  void emit_number(double value) { push({Expression::Op::number, value}); }

  void push(const Expression::Node& node) {
    if (nodes.size() == Expression::max_nodes) {
      throw ExpressionError("the expression has more than 1024 numbers, columns and operators", at_);
    }
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
  std::span<const Function> known_;
  std::size_t at_ = 0;
  std::size_t nesting_ = 0;
};

}  // namespace

Expression Expression::parse(std::string_view text, std::span<const Function> functions) {
  Parser parser(text, functions);
  parser.parse();
  const ExpressionLayout layout = layout_of(parser.nodes, parser.inputs.size(), parser.functions);
  if (!layout.problem.empty()) throw ExpressionError(std::string(layout.problem), 0);
  // Folding can't drop a column, so every input is used, and what parse makes from_nodes accepts.
  return Expression(std::move(parser.nodes), std::move(parser.inputs), std::move(parser.functions), layout.slots);
}

bool Expression::is_reserved(std::string_view name) noexcept {
  const auto names = [&](const auto& list) { return std::ranges::any_of(list, [&](const auto& one) { return one.first == name; }); };
  return function_named(name) != nullptr || names(constants) || names(habits);
}

}  // namespace ophion::native
