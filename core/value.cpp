/// Value: access that says what it expected and found, and equality as JSON means it.
#include <ophion/value.h>

#include <algorithm>
#include <cmath>

#include <ophion/error.h>

namespace ophion {

namespace {

[[noreturn]] void wrong_type(const char* expected, const Value& found) {
  throw Error(std::string("expected ") + expected + ", found " + Value::type_name(found.type()));
}

constexpr double two_to_63 = 9223372036854775808.0;

bool is_whole(double number) noexcept {
  return number >= -two_to_63 && number < two_to_63 && number == std::trunc(number);
}

}  // namespace

Value::Value(const std::vector<std::string>& texts) : data_(Array(texts.begin(), texts.end())) {}

const char* Value::type_name(Type type) noexcept {
  switch (type) {
    case Type::null: return "null";
    case Type::boolean: return "true or false";
    case Type::integer: return "a whole number";
    case Type::real: return "a number";
    case Type::text: return "text";
    case Type::array: return "a list";
    case Type::object: return "an object";
  }
  return "nothing";
}

bool Value::as_boolean() const {
  if (const auto* truth = std::get_if<bool>(&data_)) return *truth;
  wrong_type(type_name(Type::boolean), *this);
}

std::int64_t Value::as_integer() const {
  if (const auto* number = std::get_if<std::int64_t>(&data_)) return *number;
  if (const auto* number = std::get_if<double>(&data_)) {
    if (is_whole(*number)) return static_cast<std::int64_t>(*number);
    throw Error("expected a whole number of 64 bits, found " + write_json(*this, 0));
  }
  wrong_type(type_name(Type::integer), *this);
}

double Value::as_number() const {
  if (const auto* number = std::get_if<double>(&data_)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*number);
  wrong_type(type_name(Type::real), *this);
}

const std::string& Value::as_text() const {
  if (const auto* text = std::get_if<std::string>(&data_)) return *text;
  wrong_type(type_name(Type::text), *this);
}

const Value::Array& Value::as_array() const {
  if (const auto* items = std::get_if<Array>(&data_)) return *items;
  wrong_type(type_name(Type::array), *this);
}

Value::Array& Value::as_array() { return const_cast<Array&>(std::as_const(*this).as_array()); }

const Value::Object& Value::as_object() const {
  if (const auto* members = std::get_if<Object>(&data_)) return *members;
  wrong_type(type_name(Type::object), *this);
}

Value::Object& Value::as_object() { return const_cast<Object&>(std::as_const(*this).as_object()); }

std::vector<std::string> Value::as_texts() const {
  std::vector<std::string> texts;
  for (const auto& item : as_array()) texts.push_back(item.as_text());
  return texts;
}

const Value* Value::find(std::string_view key) const noexcept {
  const auto* members = std::get_if<Object>(&data_);
  if (!members) return nullptr;
  const auto member = std::find_if(members->begin(), members->end(), [&](const Member& m) { return m.first == key; });
  return member == members->end() ? nullptr : &member->second;
}

const Value* Value::find_path(std::string_view keys) const noexcept {
  const Value* at = this;
  while (at) {
    const std::size_t slash = keys.find('/');
    at = at->is_object() ? at->find(keys.substr(0, slash)) : nullptr;
    if (slash == std::string_view::npos) break;
    keys.remove_prefix(slash + 1);
  }
  return at;
}

Value* Value::find(std::string_view key) noexcept { return const_cast<Value*>(std::as_const(*this).find(key)); }

const Value& Value::at(std::string_view key) const {
  const auto& members = as_object();
  if (const auto* value = find(key)) return *value;
  std::string text = "no key '" + std::string(key) + "'";
  std::vector<std::string> known;
  for (const auto& member : members) {
    text += (known.empty() ? " among " : ", ") + member.first;
    known.push_back(member.first);
  }
  throw Error((known.empty() ? text + " in an empty object" : text) + nearest_names(std::string(key), known));
}

const Value& Value::at(std::size_t index) const {
  const auto& items = as_array();
  if (index < items.size()) return items[index];
  throw Error("no item " + std::to_string(index) + " in a list of " + std::to_string(items.size()));
}

Value& Value::set(std::string_view key, Value value) {
  if (is_null()) data_ = Object{};
  auto& members = as_object();
  if (auto* old = find(key)) return *old = std::move(value);
  return members.emplace_back(std::string(key), std::move(value)).second;
}

void Value::push_back(Value value) {
  if (is_null()) data_ = Array{};
  as_array().push_back(std::move(value));
}

std::size_t Value::size() const noexcept {
  if (const auto* items = std::get_if<Array>(&data_)) return items->size();
  if (const auto* members = std::get_if<Object>(&data_)) return members->size();
  return 0;
}

bool operator==(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    if (a.type() == b.type()) return a.data_ == b.data_;
    const double real = a.is_integer() ? b.as_number() : a.as_number();
    const auto integer = a.is_integer() ? a.as_integer() : b.as_integer();
    return is_whole(real) && static_cast<std::int64_t>(real) == integer;  // exact beyond 2^53 as well
  }
  if (!a.is_object() || !b.is_object()) return a.data_ == b.data_;
  if (a.size() != b.size()) return false;
  return std::all_of(a.as_object().begin(), a.as_object().end(), [&](const Value::Member& member) {
    const auto* other = b.find(member.first);
    return other && member.second == *other;
  });
}

}  // namespace ophion
