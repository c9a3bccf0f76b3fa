/// What JSON, Python and C++ have in common: null, a truth value, a number, text, a list, or named values in order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <ophion/export.h>

namespace ophion {

class OPHION_EXPORT Value {
 public:
  using Array = std::vector<Value>;
  using Member = std::pair<std::string, Value>;
  using Object = std::vector<Member>;  ///< in the order of the file; keys are unique
  enum class Type { null, boolean, integer, real, text, array, object };

  Value() noexcept = default;
  Value(std::nullptr_t) noexcept {}
  Value(bool truth) noexcept : data_(truth) {}
  Value(int number) noexcept : data_(std::int64_t{number}) {}
  Value(long number) noexcept : data_(std::int64_t{number}) {}
  Value(long long number) noexcept : data_(std::int64_t{number}) {}
  Value(unsigned number) noexcept : data_(std::int64_t{number}) {}
  Value(unsigned long number) noexcept : data_(static_cast<std::int64_t>(number)) {}
  Value(double number) noexcept : data_(number) {}
  Value(const char* text) : data_(std::string(text)) {}
  Value(std::string text) noexcept : data_(std::move(text)) {}
  Value(std::string_view text) : data_(std::string(text)) {}
  Value(Array items) noexcept : data_(std::move(items)) {}
  Value(Object members) noexcept : data_(std::move(members)) {}
  Value(const std::vector<std::string>& texts);

  /// An empty list or an empty object, to be filled.
  static Value array() { return Value(Array{}); }
  static Value object() { return Value(Object{}); }

  Type type() const noexcept { return static_cast<Type>(data_.index()); }
  bool is_null() const noexcept { return type() == Type::null; }
  bool is_boolean() const noexcept { return type() == Type::boolean; }
  bool is_integer() const noexcept { return type() == Type::integer; }
  bool is_number() const noexcept { return type() == Type::integer || type() == Type::real; }
  bool is_text() const noexcept { return type() == Type::text; }
  bool is_array() const noexcept { return type() == Type::array; }
  bool is_object() const noexcept { return type() == Type::object; }

  /// The content; throws ophion::Error "expected text, found a list" when it is something else.
  bool as_boolean() const;
  std::int64_t as_integer() const;  ///< a real that holds a whole number is accepted
  double as_number() const;
  const std::string& as_text() const;
  const Array& as_array() const;
  Array& as_array();
  const Object& as_object() const;
  Object& as_object();
  std::vector<std::string> as_texts() const;  ///< a list of texts

  /// The member of an object: null pointer when there is none (or this is no object).
  const Value* find(std::string_view key) const noexcept;
  Value* find(std::string_view key) noexcept;
  /// The same from object to object: find_path("test/auc"). Null where a key is missing, or what should hold it is no object.
  const Value* find_path(std::string_view keys) const noexcept;
  /// The member of an object, which must be there: else Error "no key 'x' among a, b, c".
  const Value& at(std::string_view key) const;
  const Value& at(std::size_t index) const;
  /// Sets a member, replacing one of that name. Null becomes an object first.
  Value& set(std::string_view key, Value value);
  /// Appends to a list. Null becomes a list first.
  void push_back(Value value);
  /// Members of an object or items of a list; 0 for anything else.
  std::size_t size() const noexcept;

  /// "text", "a list", …: the word errors use for this type.
  static const char* type_name(Type type) noexcept;

  friend OPHION_EXPORT bool operator==(const Value& a, const Value& b);  ///< 1 equals 1.0; objects in any order

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> data_;
};

/// Reads JSON text in UTF-8; `//` and `/* */` comments are allowed. Throws ConfigError, with `origin` as the file, for
/// wrong syntax (with line and column), a duplicate key (with its pointer), text after the end, nesting deeper than 64,
/// numbers beyond double, a wrong encoding.
OPHION_EXPORT Value read_json(std::string_view text, const std::string& origin);

/// JSON text of a value; on one line with `indent` 0. Doubles keep every bit; NaN and infinities become null.
OPHION_EXPORT std::string write_json(const Value& value, int indent = 2);

}  // namespace ophion
