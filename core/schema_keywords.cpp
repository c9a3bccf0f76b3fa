/// The keywords of JSON Schema that are supported, each with what its value must be.
#include "schema_keywords.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <regex>

#include <ophion/error.h>

#include "schema.h"

namespace ophion {

namespace {

struct TypeWord {
  const char* type;
  const char* word;
};
constexpr std::array<TypeWord, 7> type_words = {{{"null", "null"},
                                                 {"boolean", "true or false"},
                                                 {"integer", "a whole number"},
                                                 {"number", "a number"},
                                                 {"string", "text"},
                                                 {"array", "a list"},
                                                 {"object", "an object"}}};

const char* type_of(const Value& value) {
  constexpr std::array<const char*, 7> types = {"null", "boolean", "integer", "number", "string", "array", "object"};
  return types[static_cast<std::size_t>(value.type())];
}

/// A name inside a JSON pointer as it was before "~" and "/" were written as "~0" and "~1".
std::string plain(std::string_view escaped) {
  std::string name;
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    const bool pair = escaped[i] == '~' && i + 1 < escaped.size();
    name += !pair ? escaped[i] : escaped[++i] == '1' ? '/' : '~';
  }
  return name;
}

const Value* find_referred(const Value& root, const std::string& reference) {
  constexpr std::string_view definitions = "#/$defs/";
  if (reference == "#") return &root;
  const auto* names = root.find("$defs");
  return names && reference.starts_with(definitions) ? names->find(plain(reference.substr(definitions.size()))) : nullptr;
}

class KeywordChecker {
 public:
  explicit KeywordChecker(const Value& root) : root_(root) {}

  void schema(const Value& value, const std::string& at) const {
    if (value.is_boolean()) return;
    if (!value.is_object()) fail(at, "a schema is an object, true or false");
    using Rule = void (KeywordChecker::*)(const Value&, const std::string&) const;
    using Self = KeywordChecker;
    static const std::map<std::string, Rule> rules = {
        {"type", &Self::type},          {"properties", &Self::schemas}, {"$defs", &Self::schemas},
        {"items", &Self::schema},       {"anyOf", &Self::branches},     {"oneOf", &Self::branches},
        {"enum", &Self::list},          {"required", &Self::texts},     {"pattern", &Self::pattern},
        {"minimum", &Self::number},     {"exclusiveMinimum", &Self::number},
        {"maximum", &Self::number},     {"exclusiveMaximum", &Self::number},
        {"minItems", &Self::count},     {"maxItems", &Self::count},     {"minLength", &Self::count},
        {"maxLength", &Self::count},    {"uniqueItems", &Self::truth},  {"additionalProperties", &Self::schema},
        {"$ref", &Self::reference},     {"const", &Self::anything},     {"default", &Self::anything},
        {"examples", &Self::list},      {"title", &Self::text},         {"description", &Self::text},
        {"$schema", &Self::text},       {"$id", &Self::text},           {"$comment", &Self::text},
        {"x-path", &Self::truth},       {"x-unit", &Self::text},        {"x-form", &Self::text}};
    for (const auto& [keyword, rule_value] : value.as_object()) {
      const auto rule = rules.find(keyword);
      if (rule == rules.end()) {
        std::vector<std::string> known;
        for (const auto& [name, unused] : rules) known.push_back(name);
        fail(at, "unknown keyword '" + keyword + "'" + nearest_names(keyword, known));
      }
      (this->*rule->second)(rule_value, pointer_to(at, keyword));
    }
  }

 private:
  [[noreturn]] static void fail(const std::string& at, const std::string& problem) {
    throw Error("schema #" + at + ": " + problem);
  }
  static void expect(bool right, const std::string& at, const char* expected) {
    if (!right) fail(at, std::string("expected ") + expected);
  }

  void anything(const Value&, const std::string&) const {}
  void text(const Value& value, const std::string& at) const { expect(value.is_text(), at, "text"); }
  void truth(const Value& value, const std::string& at) const { expect(value.is_boolean(), at, "true or false"); }
  void number(const Value& value, const std::string& at) const { expect(value.is_number(), at, "a number"); }
  void list(const Value& value, const std::string& at) const { expect(value.is_array(), at, "a list"); }
  void count(const Value& value, const std::string& at) const {
    expect(has_type(value, {"integer"}) && value.as_integer() >= 0, at, "a whole number from 0");
  }
  void texts(const Value& value, const std::string& at) const {
    list(value, at);
    for (const auto& item : value.as_array()) text(item, at);
  }
  void schemas(const Value& value, const std::string& at) const {
    expect(value.is_object(), at, "an object of schemas");
    for (const auto& [name, member] : value.as_object()) schema(member, pointer_to(at, name));
  }
  void branches(const Value& value, const std::string& at) const {
    expect(value.is_array() && value.size() > 0, at, "a list of schemas");
    for (std::size_t i = 0; i < value.size(); ++i) schema(value.at(i), pointer_to(at, std::to_string(i)));
  }
  void type(const Value& value, const std::string& at) const {
    const auto known = [](const Value& name) {
      return name.is_text() && std::any_of(type_words.begin(), type_words.end(),
                                           [&](const TypeWord& each) { return name.as_text() == each.type; });
    };
    const bool right = value.is_array() ? std::all_of(value.as_array().begin(), value.as_array().end(), known) : known(value);
    expect(right, at, "null, boolean, integer, number, string, array, object, or a list of these");
  }
  void pattern(const Value& value, const std::string& at) const {
    text(value, at);
    try {
      const std::regex compiled(value.as_text());
    } catch (const std::regex_error& error) {
      fail(at, "'" + value.as_text() + "' is no regular expression: " + error.what());
    }
  }
  void reference(const Value& value, const std::string& at) const {
    text(value, at);
    if (!find_referred(root_, value.as_text())) fail(at, "no schema '" + value.as_text() + "' under #/$defs");
  }

  const Value& root_;
};

}  // namespace

void check_keywords(const Value& schema) { KeywordChecker(schema).schema(schema, ""); }

const Value& referred(const Value& root, const std::string& reference) { return *find_referred(root, reference); }

const Value& end_of_references(const Value& root, const Value& schema) {
  constexpr int most = 64;  // a chain that closes on itself has no end, and no types
  const auto* end = &schema;
  for (int i = 0; i < most; ++i) {
    const auto* reference = end->find("$ref");
    if (!reference) break;
    end = &referred(root, reference->as_text());
  }
  return *end;
}

std::optional<Value::Array> constants_of(const Value& schema) {
  if (const auto* only = schema.find("const")) return Value::Array{*only};
  if (const auto* several = schema.find("enum")) return several->as_array();
  return std::nullopt;
}

std::vector<std::string> types_of(const Value& schema) {
  if (const auto* type = schema.find("type")) return type->is_text() ? std::vector{type->as_text()} : type->as_texts();
  std::vector<std::string> types;
  if (const auto constants = constants_of(schema))
    for (const auto& constant : *constants)
      if (const std::string type = type_of(constant); std::find(types.begin(), types.end(), type) == types.end())
        types.push_back(type);
  return types;
}

bool has_type(const Value& value, const std::vector<std::string>& types) {
  constexpr double two_to_63 = 9223372036854775808.0;
  return std::any_of(types.begin(), types.end(), [&](const std::string& type) {
    if (type == "number") return value.is_number();
    if (type != "integer" || !value.is_number()) return type == type_of(value);
    const auto number = value.as_number();
    return value.is_integer() || (number == std::trunc(number) && number >= -two_to_63 && number < two_to_63);
  });
}

const char* word_for(const std::string& type) {
  const auto word = std::find_if(type_words.begin(), type_words.end(),
                                 [&](const TypeWord& each) { return type == each.type; });
  return word->word;
}

}  // namespace ophion
