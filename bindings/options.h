/// Options of a function of the API: one JSON object, of which each key is known and of its type.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include <ophion/value.h>

namespace ophion::c_api {

/// Each `take` changes its second argument where the key is there and not null, and makes the key known; `end` refuses the others.
/// Throws ConfigError with the key's pointer.
class Options {
 public:
  /// `json` may be NULL: no options.
  Options(const char* function, const char* json);

  void take(const char* key, bool& truth);
  void take(const char* key, double& number);
  void take(const char* key, int& number);
  void take(const char* key, std::size_t& number);
  void take(const char* key, std::string& text);
  void take(const char* key, std::set<std::string>& texts);
  /// One of a few words, as its place among them.
  template <class Enum>
  void take(const char* key, const std::vector<std::string>& words, Enum& choice) {
    choice = static_cast<Enum>(take_choice(key, words, static_cast<std::size_t>(choice)));
  }

  void end() const;

 private:
  const Value* find(const char* key);
  [[noreturn]] void refuse(const std::string& key, const std::string& problem) const;
  const std::string& text_of(const std::string& key, const Value& value) const;
  std::size_t take_choice(const char* key, const std::vector<std::string>& words, std::size_t otherwise);
  std::int64_t whole_number(const char* key, const Value& value, std::int64_t most) const;

  std::string origin_;
  Value value_ = Value::object();
  std::vector<std::string> known_;
};

}  // namespace ophion::c_api
