/// Checks documents against JSON Schemas: verdicts as the standard says, errors as a user wants them.
#include "schema.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <optional>
#include <regex>
#include <sstream>
#include <tuple>
#include <unordered_map>
#include <vector>

#include <ophion/error.h>

#include "schema_keywords.h"
#include "text.h"

namespace ophion {

namespace {

constexpr int deepest_reference = 256;  // schemas that refer to themselves for ever

/// A value as an error shows it: short ones whole, lists and objects by their type.
std::string shown(const Value& value) {
  if (value.is_array() || value.is_object()) return Value::type_name(value.type());
  if (!value.is_text()) return write_json(value, 0);
  return "'" + shortened(value.as_text(), 80) + "'";
}

/// "a", "a or b", "a, b or c".
std::string alternatives(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  return text;
}

std::string counted(std::int64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

/// "expected one of 'error', 'keep', found 'kep'; did you mean 'keep'?"
std::string none_of(const Value::Array& allowed, const Value& found) {
  std::string text = allowed.size() == 1 ? "expected " : "expected one of ";
  std::vector<std::string> names;
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    text += (i == 0 ? "" : ", ") + shown(allowed[i]);
    if (allowed[i].is_text()) names.push_back(allowed[i].as_text());
  }
  return text + ", found " + shown(found) + (found.is_text() ? nearest_names(found.as_text(), names) : "");
}

bool contains(const Value::Array& items, const Value& value) {
  return std::find(items.begin(), items.end(), value) != items.end();
}

/// Equal values give equal numbers, so that lists of many items are searched for repeats in a moment.
std::size_t hash(const Value& value) {
  const std::hash<std::string> of_text;
  std::size_t sum = static_cast<std::size_t>(value.is_number() ? Value::Type::real : value.type());
  if (value.is_boolean()) return sum * 2 + value.as_boolean();
  if (value.is_number()) return std::hash<double>()(value.as_number());
  if (value.is_text()) return of_text(value.as_text());
  if (value.is_array()) {
    for (const auto& item : value.as_array()) sum = sum * 31 + hash(item);
  } else if (value.is_object()) {
    for (const auto& [key, member] : value.as_object()) sum += of_text(key) ^ (hash(member) * 31);  // in any order
  }
  return sum;
}

/// Characters, not bytes: those that don't continue another.
std::int64_t characters(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

bool is_url(const std::string& text) {
  const auto scheme = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+-.");
  return scheme != text.npos && scheme > 0 && text.compare(scheme, 3, "://") == 0;
}

std::vector<std::string> keys_of(const Value* object) {
  std::vector<std::string> keys;
  if (object)
    for (const auto& [key, member] : object->as_object()) keys.push_back(key);
  return keys;
}

class Checker {
 public:
  Checker(const Value& root, const std::string& origin, const std::filesystem::path& folder)
      : root_(root), origin_(origin), folder_(folder) {}

  /// Rules that stand beside each other see what the ones before have filled in; those that choose come last.
  Value check(Value value, const Value& schema, const std::string& at, int depth = 0) const {
    if (depth > deepest_reference) throw Error("a schema refers to itself without end at " + at);
    if (schema.is_boolean()) {
      if (!schema.as_boolean()) fail(at, "expected nothing, found " + shown(value));
      return value;
    }
    if (const auto* reference = schema.find("$ref"))
      value = check(std::move(value), referred(root_, reference->as_text()), at, depth + 1);
    check_kind(value, schema, at);
    if (value.is_number()) check_number(value, schema, at);
    if (value.is_text()) check_text(value, schema, at);
    if (value.is_array()) check_list(value, schema, at, depth);
    if (value.is_object()) check_object(value, schema, at, depth);
    if (const auto* branches = schema.find("anyOf")) value = choose(value, branches->as_array(), false, at, depth);
    if (const auto* branches = schema.find("oneOf")) value = choose(value, branches->as_array(), true, at, depth);
    if (const auto* path = schema.find("x-path"); path && path->as_boolean() && value.is_text()) make_absolute(value, at);
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& at, const std::string& problem) const {
    throw ConfigError(origin_, at, problem);
  }

  void check_kind(Value& value, const Value& schema, const std::string& at) const {
    if (const auto* type = schema.find("type")) {
      const auto types = types_of(schema);
      std::vector<std::string> words;
      for (const auto& name : types) words.emplace_back(word_for(name));
      if (!has_type(value, types)) fail(at, "expected " + alternatives(words) + ", found " + shown(value));
      // 5.0 is a whole number; who asked for one shall get 5, in Python too.
      if (value.is_number() && type->is_text() && type->as_text() == "integer") value = value.as_integer();
    }
    if (const auto allowed = constants_of(schema); allowed && !contains(*allowed, value)) fail(at, none_of(*allowed, value));
  }

  void check_number(const Value& value, const Value& schema, const std::string& at) const {
    using Rule = bool (*)(double, double);
    static constexpr std::array<std::tuple<const char*, const char*, Rule>, 4> rules = {{
        {"minimum", "at least", [](double number, double bound) { return number >= bound; }},
        {"maximum", "at most", [](double number, double bound) { return number <= bound; }},
        {"exclusiveMinimum", "more than", [](double number, double bound) { return number > bound; }},
        {"exclusiveMaximum", "less than", [](double number, double bound) { return number < bound; }},
    }};
    for (const auto& [keyword, words, holds] : rules) {
      const auto* bound = schema.find(keyword);
      if (bound && !holds(value.as_number(), bound->as_number()))
        fail(at, std::string("expected ") + words + " " + shown(*bound) + ", found " + shown(value));
    }
  }

  /// minLength and maxLength, or minItems and maxItems.
  void check_count(std::int64_t count, const std::string& noun, const Value& schema, const std::string& suffix,
                   const std::string& at) const {
    const auto* least = schema.find("min" + suffix);
    const auto* most = schema.find("max" + suffix);
    if (least && count < least->as_integer())
      fail(at, "expected at least " + counted(least->as_integer(), noun) + ", found " + std::to_string(count));
    if (most && count > most->as_integer())
      fail(at, "expected at most " + counted(most->as_integer(), noun) + ", found " + std::to_string(count));
  }

  void check_text(const Value& value, const Value& schema, const std::string& at) const {
    const auto& text = value.as_text();
    check_count(characters(text), "character", schema, "Length", at);
    const auto* pattern = schema.find("pattern");
    if (!pattern) return;
    constexpr std::size_t longest = 8192;  // std::regex needs stack for every character
    if (text.size() > longest)
      fail(at, "expected at most " + std::to_string(longest) + " bytes, found " + std::to_string(text.size()));
    if (std::regex_search(text, std::regex(pattern->as_text()))) return;
    const auto* form = schema.find("x-form");
    fail(at, "expected " + (form ? form->as_text() : "text that matches " + pattern->as_text()) + ", found " + shown(value));
  }

  void check_list(Value& value, const Value& schema, const std::string& at, int depth) const {
    auto& items = value.as_array();
    check_count(static_cast<std::int64_t>(items.size()), "item", schema, "Items", at);
    if (const auto* rule = schema.find("items"))
      for (std::size_t i = 0; i < items.size(); ++i)
        items[i] = check(std::move(items[i]), *rule, pointer_to(at, std::to_string(i)), depth + 1);
    const auto* unique = schema.find("uniqueItems");
    if (!unique || !unique->as_boolean()) return;
    std::unordered_multimap<std::size_t, std::size_t> seen;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const auto key = hash(items[i]);
      for (auto [same, end] = seen.equal_range(key); same != end; ++same)
        if (items[same->second] == items[i])
          fail(pointer_to(at, std::to_string(i)), shown(items[i]) + " stands in the list twice");
      seen.emplace(key, i);
    }
  }

  void check_object(Value& value, const Value& schema, const std::string& at, int depth) const {
    const auto* properties = schema.find("properties");
    const auto* others = schema.find("additionalProperties");
    if (others && others->is_boolean() && !others->as_boolean())
      for (const auto& [key, member] : value.as_object())
        if (!properties || !properties->find(key))
          fail(pointer_to(at, key), "unknown key '" + shortened(key, 80) + "'" + known_names(key, keys_of(properties)));
    if (const auto* required = schema.find("required"))
      for (const auto& key : required->as_array())
        if (!value.find(key.as_text())) fail(at, "missing key '" + key.as_text() + "'");
    for (auto& [key, member] : value.as_object()) {
      const auto* rule = properties ? properties->find(key) : nullptr;
      if (!rule) rule = others;
      if (rule) member = check(std::move(member), *rule, pointer_to(at, key), depth + 1);
    }
    if (!properties) return;
    for (const auto& [key, rule] : properties->as_object())
      if (const auto* usual = rule.find("default"); usual && !value.find(key))
        value.set(key, check(*usual, rule, pointer_to(at, key), depth + 1));
  }

  /// A text under "x-path". A script's class behind the file's name ("mlp.py:Net") is part of the last name and stays.
  void make_absolute(Value& value, const std::string& at) const {
    const auto& text = value.as_text();
    if (text.find('\0') != text.npos) fail(at, "a path can't hold a zero byte");
    if (!folder_.empty() && !is_url(text)) value = (folder_ / text).lexically_normal().string();
  }

  /// The value as the first branch that fits completes it; else the error of the branch that was meant.
  Value choose(const Value& value, const Value::Array& branches, bool only_one, const std::string& at, int depth) const {
    std::vector<Value> fitting;
    for (const auto& branch : branches) {
      try {
        fitting.push_back(check(value, branch, at, depth + 1));
        if (!only_one) break;
      } catch (const ConfigError&) {
        continue;  // the error that is worth telling is found below
      }
    }
    if (fitting.size() == 1) return fitting.front();
    if (fitting.size() > 1) fail(at, shown(value) + " fits more than one of the alternatives");
    if (const auto* meant = meant_branch(value, branches, at)) check(value, *meant, at, depth + 1);
    std::vector<std::string> words;
    for (const auto& branch : branches)
      for (const auto& type : types_of(end_of_references(root_, branch)))
        if (const std::string word = word_for(type); std::find(words.begin(), words.end(), word) == words.end())
          words.push_back(word);
    fail(at, "expected " + alternatives(words) + ", found " + shown(value));
  }

  /// Of branches that all refuse the value, the one its writer had in mind: of its type, with its constants (the "type" of an
  /// object), with the fewest keys missing or unknown. Null when no branch is of its type.
  const Value* meant_branch(const Value& value, const Value::Array& branches, const std::string& at) const {
    std::vector<const Value*> candidates;
    for (const auto& branch : branches) {
      const auto& schema = end_of_references(root_, branch);
      const auto types = types_of(schema);
      if (types.empty() || has_type(value, types)) candidates.push_back(&schema);
    }
    if (candidates.empty() || !value.is_object()) return candidates.empty() ? nullptr : candidates.front();

    Value::Array constants;  // of the key that told candidates apart
    std::string key;
    std::vector<const Value*> agreeing;
    for (const auto* candidate : candidates) {
      const auto other = disagreeing_constant(value, *candidate);
      if (!other) {
        agreeing.push_back(candidate);
      } else if (constants.empty() || key == *other) {
        key = *other;
        constants.push_back(candidate->at("properties").at(key).at("const"));
      }
    }
    if (agreeing.empty()) fail(pointer_to(at, key), none_of(constants, value.at(key)));
    return *std::min_element(agreeing.begin(), agreeing.end(), [&](const Value* a, const Value* b) {
      return wrong_keys(value, *a) < wrong_keys(value, *b);
    });
  }

  static std::optional<std::string> disagreeing_constant(const Value& value, const Value& schema) {
    const auto* properties = schema.find("properties");
    for (const auto& [key, rule] : properties ? properties->as_object() : Value::Object{}) {
      const auto* constant = rule.find("const");
      const auto* member = value.find(key);
      if (constant && member && !(*constant == *member)) return key;
    }
    return std::nullopt;
  }

  static std::size_t wrong_keys(const Value& value, const Value& schema) {
    const auto known = keys_of(schema.find("properties"));
    const auto* others = schema.find("additionalProperties");
    std::size_t count = 0;
    if (others && others->is_boolean() && !others->as_boolean())
      for (const auto& [key, member] : value.as_object()) count += std::find(known.begin(), known.end(), key) == known.end();
    if (const auto* required = schema.find("required"))
      for (const auto& key : required->as_array()) count += value.find(key.as_text()) == nullptr;
    return count;
  }

  const Value& root_;
  const std::string& origin_;
  const std::filesystem::path& folder_;
};

}  // namespace

std::string pointer_to(const std::string& pointer, std::string_view key) {
  auto text = pointer + "/";
  for (const char c : key) text += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return text;
}

std::string shortened(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  return text.substr(0, most) + "…";
}

Value read_schema(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) throw PluginError("could not read " + file.string());
  return read_json(text.str(), file.string());
}

Value apply_schema(const Value& document, const Value& schema, const std::string& origin, const std::filesystem::path& folder,
                   const std::string& pointer) {
  check_keywords(schema);
  return Checker(schema, origin, folder).check(document, schema, pointer);
}

}  // namespace ophion
