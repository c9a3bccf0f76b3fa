/// JSON text to Value and back: the one place that knows the syntax.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <unordered_set>
#include <utility>

#include <nlohmann/json.hpp>

#include <ophion/error.h>
#include <ophion/value.h>

#include "schema.h"

namespace ophion {

namespace {

constexpr std::size_t deepest_nesting = 64;
constexpr std::size_t widest = 100;  // columns of a list or object that is written on one line

std::string line_and_column(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto start = before.rfind('\n');
  const auto column = start == before.npos ? offset + 1 : offset - start;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

/// The length of the UTF-8 character at the start of `text`, 0 when there is none (RFC 3629: no surrogates, no long forms).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return byte(i) >= low && byte(i) <= high;
  };
  const auto first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool second = follows(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF);
    return second && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool second = follows(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF);
    return second && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

void check_encoding(std::string_view text, const std::string& origin) {
  const bool marked = text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
  if (marked || text.substr(0, 4).find('\0') != text.npos)
    throw ConfigError(origin, "", "expected text in UTF-8, found UTF-16, UTF-32 or binary data");
  for (std::size_t at = 0; at < text.size();) {
    const auto length = utf8_length(text.substr(at));
    if (length == 0) {
      constexpr std::string_view digits = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(text[at]);
      throw ConfigError(origin, "", line_and_column(text, at) + ": expected text in UTF-8, found the byte 0x" +
                                        digits[byte >> 4] + digits[byte & 15]);
    }
    at += length;
  }
}

/// Walks over the text and tells how far the parser has come, which the parser itself tells only when it fails.
class Cursor {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Cursor(const char* at, const char** reached) noexcept : at_(at), reached_(reached) {}
  reference operator*() const noexcept { return *at_; }
  Cursor& operator++() noexcept {
    *reached_ = ++at_;
    return *this;
  }
  Cursor operator++(int) noexcept {
    auto old = *this;
    ++*this;
    return old;
  }
  friend bool operator==(const Cursor& a, const Cursor& b) noexcept { return a.at_ == b.at_; }

 private:
  const char* at_;
  const char** reached_;
};

/// Builds a Value from the parser's events. The parser keeps its own stack on the heap: depth costs no stack here.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(std::string_view text, const std::string& origin) : text_(text), origin_(origin), reached_(text.data()) {}

  Value read() {
    const auto* end = text_.data() + text_.size();
    nlohmann::json::sax_parse(Cursor(text_.data(), &reached_), Cursor(end, &reached_), this,
                              nlohmann::json::input_format_t::json, true, true);
    return std::move(result_);
  }

  bool null() override { return put(nullptr); }
  bool boolean(bool truth) override { return put(truth); }
  bool number_integer(number_integer_t number) override { return put(number); }
  bool number_unsigned(number_unsigned_t number) override {
    if (!std::in_range<std::int64_t>(number)) fail("a whole number beyond 64 bits");
    return put(number);
  }
  bool number_float(number_float_t number, const string_t& token) override {
    // In the token the parser has put the locale's decimal point, which may be a comma, in the place of ours.
    if (token.find_first_not_of("-0123456789") == token.npos) fail("a whole number beyond 64 bits");
    return put(number);
  }
  bool string(string_t& text) override { return put(std::move(text)); }
  bool binary(binary_t&) override { fail("binary data"); }

  bool start_object(std::size_t) override { return open(Value::object()); }
  bool start_array(std::size_t) override { return open(Value::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& key) override {
    auto& level = levels_.back();
    level.key = key;
    if (!level.keys.insert(key).second) fail("the key '" + shortened(key, 80) + "' a second time");
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    if (dynamic_cast<const nlohmann::json::out_of_range*>(&error)) fail("a number beyond double precision");
    // "[json.exception.parse_error.101] parse error at line 2, column 5: syntax error …": the place is told our way.
    std::string problem = error.what();
    if (const auto start = problem.find("syntax error"); start != problem.npos) problem.erase(0, start);
    // Shortened since the text last read may be the whole file.
    throw ConfigError(origin_, pointer(), place() + ": " + shortened(problem, 300));
  }

 private:
  struct Level {
    Value value;
    std::string key;                       // of the member being read
    std::unordered_set<std::string> keys;  // read so far
  };

  [[noreturn]] void fail(const std::string& found) const {
    throw ConfigError(origin_, pointer(), place() + ": found " + found);
  }

  /// The last character that was read. The one behind a number must be read to know its end.
  std::string place() const {
    const auto offset = static_cast<std::size_t>(reached_ - text_.data());
    return line_and_column(text_, offset == 0 ? 0 : offset - 1);
  }

  /// Where the parser is, as a JSON pointer.
  std::string pointer() const {
    std::string text;
    for (const auto& level : levels_) {
      if (level.value.is_object() && level.keys.empty()) break;
      text = pointer_to(text, level.value.is_array() ? std::to_string(level.value.size()) : level.key);
    }
    return text;
  }

  bool open(Value container) {
    if (levels_.size() == deepest_nesting) fail("lists and objects nested deeper than " + std::to_string(deepest_nesting));
    levels_.push_back({std::move(container), {}, {}});
    return true;
  }

  bool close() {
    auto done = std::move(levels_.back().value);
    levels_.pop_back();
    return put(std::move(done));
  }

  bool put(Value value) {
    if (levels_.empty()) {
      result_ = std::move(value);
    } else if (auto& level = levels_.back(); level.value.is_array()) {
      level.value.push_back(std::move(value));
    } else {
      level.value.as_object().emplace_back(level.key, std::move(value));  // `key` has seen to it that it is new
    }
    return true;
  }

  std::string_view text_;
  const std::string& origin_;
  const char* reached_;
  std::vector<Level> levels_;
  Value result_;
};

std::string written(double number) {
  if (!std::isfinite(number)) return "null";
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;  // the shortest that reads back
  std::string text(digits.data(), end);
  if (text.find_first_of(".e") == text.npos) text += ".0";  // a real stays a real
  return text;
}

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool is_container(const Value& value) { return value.size() > 0; }

bool is_flat(const Value& value) {
  if (value.is_array()) return std::none_of(value.as_array().begin(), value.as_array().end(), is_container);
  return std::none_of(value.as_object().begin(), value.as_object().end(),
                      [](const Value::Member& member) { return is_container(member.second); });
}

class Writer {
 public:
  explicit Writer(int indent) : indent_(indent) {}

  /// `used`: columns the line already has, and those that must follow.
  std::string write(const Value& value, int depth, std::size_t used) const {
    switch (value.type()) {
      case Value::Type::null: return "null";
      case Value::Type::boolean: return value.as_boolean() ? "true" : "false";
      case Value::Type::integer: return std::to_string(value.as_integer());
      case Value::Type::real: return written(value.as_number());
      case Value::Type::text: return quoted(value.as_text());
      case Value::Type::array:
      case Value::Type::object: break;
    }
    if (indent_ <= 0) return join(value, ",", "", 0, 0);
    if (is_flat(value)) {
      auto line = join(value, ", ", "", 0, 0);
      if (line.size() + used <= widest) return line;
    }
    const std::string start = "\n" + std::string(static_cast<std::size_t>(indent_ * (depth + 1)), ' ');
    return join(value, "," + start, start, depth + 1, start.size());
  }

 private:
  std::string join(const Value& value, const std::string& between, const std::string& start, int depth,
                   std::size_t used) const {
    const bool list = value.is_array();
    std::string text = list ? "[" : "{";
    for (std::size_t i = 0; i < value.size(); ++i) {
      text += i == 0 ? start : between;
      if (list) {
        text += write(value.as_array()[i], depth, used);
      } else {
        const auto& [key, member] = value.as_object()[i];
        const auto name = quoted(key) + (indent_ > 0 ? ": " : ":");
        text += name + write(member, depth, used + name.size());
      }
    }
    if (!start.empty()) text += start.substr(0, start.size() - static_cast<std::size_t>(indent_));
    return text + (list ? "]" : "}");
  }

  int indent_;
};

}  // namespace

Value read_json(std::string_view text, const std::string& origin) {
  check_encoding(text, origin);
  return Builder(text, origin).read();
}

std::string write_json(const Value& value, int indent) { return Writer(indent).write(value, 0, 0); }

}  // namespace ophion
