/// Options of a function of the API, checked key by key.
#include "options.h"

#include <algorithm>
#include <limits>

#include <ophion/error.h>

namespace ophion::c_api {

Options::Options(const char* function, const char* json) : origin_(std::string("options of ") + function) {
  if (!json) return;
  value_ = read_json(json, origin_);
  if (!value_.is_object()) refuse("", std::string("expected an object, found ") + Value::type_name(value_.type()));
}

const Value* Options::find(const char* key) {
  known_.emplace_back(key);
  const Value* value = value_.find(key);
  return value && !value->is_null() ? value : nullptr;
}

void Options::refuse(const std::string& key, const std::string& problem) const {
  throw ConfigError(origin_, key.empty() ? "" : "/" + key, problem);
}

void Options::take(const char* key, bool& truth) {
  const Value* value = find(key);
  if (!value) return;
  if (!value->is_boolean()) refuse(key, std::string("expected true or false, found ") + Value::type_name(value->type()));
  truth = value->as_boolean();
}

void Options::take(const char* key, double& number) {
  const Value* value = find(key);
  if (!value) return;
  if (!value->is_number()) refuse(key, std::string("expected a number, found ") + Value::type_name(value->type()));
  number = value->as_number();
  if (number < 0) refuse(key, "expected 0 or more, found " + write_json(*value, 0));
}

std::int64_t Options::whole_number(const char* key, const Value& value, std::int64_t most) const {
  if (!value.is_integer()) refuse(key, "expected a whole number, found " + (value.is_number() ? write_json(value, 0) : Value::type_name(value.type())));
  const std::int64_t number = value.as_integer();
  if (number < 0 || number > most) refuse(key, "expected a whole number from 0 to " + std::to_string(most) + ", found " + std::to_string(number));
  return number;
}

void Options::take(const char* key, int& number) {
  if (const Value* value = find(key)) number = static_cast<int>(whole_number(key, *value, std::numeric_limits<int>::max()));
}

void Options::take(const char* key, std::size_t& number) {
  if (const Value* value = find(key)) number = static_cast<std::size_t>(whole_number(key, *value, std::numeric_limits<std::int64_t>::max()));
}

const std::string& Options::text_of(const std::string& key, const Value& value) const {
  if (!value.is_text()) refuse(key, std::string("expected text, found ") + Value::type_name(value.type()));
  return value.as_text();
}

void Options::take(const char* key, std::string& text) {
  if (const Value* value = find(key)) text = text_of(key, *value);
}

void Options::take(const char* key, std::set<std::string>& texts) {
  const Value* value = find(key);
  if (!value) return;
  if (!value->is_array()) refuse(key, std::string("expected a list of texts, found ") + Value::type_name(value->type()));
  for (std::size_t i = 0; i < value->size(); ++i) texts.insert(text_of(key + ("/" + std::to_string(i)), value->at(i)));
}

std::size_t Options::take_choice(const char* key, const std::vector<std::string>& words, std::size_t otherwise) {
  const Value* value = find(key);
  if (!value) return otherwise;
  const std::string& word = text_of(key, *value);
  const auto place = std::find(words.begin(), words.end(), word);
  if (place != words.end()) return static_cast<std::size_t>(place - words.begin());
  std::string expected;
  for (const auto& known : words) expected += (expected.empty() ? "'" : " or '") + known + "'";
  refuse(key, "expected " + expected + ", found '" + word + "'");
}

void Options::end() const {
  for (const auto& [key, value] : value_.as_object()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const std::string near = nearest_names(key, known_);
    std::string all;
    for (const auto& known : known_) all += (all.empty() ? " (known: " : ", ") + known;
    refuse("", "unknown key '" + key + "'" + (near.empty() ? all + ")" : near));
  }
}

}  // namespace ophion::c_api
