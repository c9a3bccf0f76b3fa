/// Follows the names of features through a list of transforms, as far as they are known before the events.
#include "transform_check.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include <ophion/error.h>

#include "schema.h"
#include "text.h"

namespace ophion {
namespace {

/// The number behind `beginning` in a name; none where there is none.
std::optional<long long> number_behind(const std::string& name, const std::string& beginning) {
  if (!name.starts_with(beginning)) return std::nullopt;
  long long number = 0;
  const char* const end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data() + beginning.size(), end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

/// What the features are called at a point of the chain.
struct Names {
  std::vector<std::string> certain;
  std::vector<std::string> beginnings;  ///< of names that end in numbers nobody knows yet, such as "flavour="

  bool may_have(const std::string& name) const {
    return std::find(certain.begin(), certain.end(), name) != certain.end() ||
           std::any_of(beginnings.begin(), beginnings.end(), [&](const std::string& one) { return number_behind(name, one).has_value(); });
  }
};

class Chain {
 public:
  Chain(const Value& config, const std::string& origin) : origin_(origin) {
    for (const Value& feature : config.at("data").at("features").as_array()) {
      names_.certain.push_back(feature.is_text() ? feature.as_text() : feature.at("name").as_text());
    }
    if (const Value* samples = config.at("data").find("samples")) {
      classes_.emplace();
      for (const Value& sample : samples->as_array()) {
        if (const Value* name = sample.find("class")) classes_->push_back(name->as_text());
      }
    }
  }

  void follow(const Value& step, const std::string& at) {
    const std::string& type = step.at("type").as_text();
    check_bounds(step, type, at);
    if (const Value* of = step.find("class")) check_class(of->as_text(), at + "/class");
    const Value* features = step.find("features");
    if (features) check_features(features->as_texts(), at + "/features");
    const std::vector<std::string> own = features ? features->as_texts() : names_.certain;
    const bool all_known = features || names_.beginnings.empty();
    if (type == "onehot") {
      take_away(own, !features);
      encode(step.find("categories"), own);
    } else if (type == "pca") {
      const Value* count = step.find("n_components");
      const auto most = static_cast<std::int64_t>(own.size());
      if (count && all_known && count->as_integer() > most) {
        fail(at + "/n_components", "expected at most " + std::to_string(most) + ", the number of its features, found " + std::to_string(count->as_integer()));
      }
      project(count ? std::optional(count->as_integer()) : all_known ? std::optional(most) : std::nullopt, own, !features);
    }
  }

 private:
  [[noreturn]] void fail(const std::string& at, const std::string& problem) const { throw ConfigError(origin_, at, problem); }

  void check_bounds(const Value& step, const std::string& type, const std::string& at) const {
    for (const auto& [low, high] : {std::pair("minimum", "maximum"), std::pair("lower", "upper")}) {
      const Value *least = step.find(low), *most = step.find(high);
      if (least && most && least->as_number() >= most->as_number()) fail(at, std::string("expected ") + low + " to be less than " + high);
    }
    if (type != "clip") return;
    for (const auto& [fixed, fraction] : {std::pair("minimum", "lower"), std::pair("maximum", "upper")}) {
      if (step.find(fixed) && step.find(fraction)) fail(pointer_to(at, fraction), std::string("stands beside '") + fixed + "'; one of the two is the bound");
    }
    if (!step.find("minimum") && !step.find("maximum") && !step.find("lower") && !step.find("upper")) {
      fail(at, "a 'clip' needs a bound: minimum, maximum, lower or upper");
    }
  }

  void check_class(const std::string& name, const std::string& at) const {
    if (name == "all" || !classes_ || std::find(classes_->begin(), classes_->end(), name) != classes_->end()) return;
    std::vector<std::string> known{"all"};
    for (const std::string& one : *classes_) {
      if (std::find(known.begin(), known.end(), one) == known.end()) known.push_back(one);
    }
    fail(at, "there is no class '" + name + "'" + known_names(name, known));
  }

  void check_features(const std::vector<std::string>& wanted, const std::string& at) const {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (names_.may_have(wanted[i])) continue;
      fail(pointer_to(at, std::to_string(i)), "there is no feature '" + wanted[i] + "' at that point" + known_names(wanted[i], names_.certain));
    }
  }

  void take_away(const std::vector<std::string>& own, bool all) {
    if (all) names_ = {};
    std::erase_if(names_.certain, [&](const std::string& name) { return std::find(own.begin(), own.end(), name) != own.end(); });
  }

  void encode(const Value* categories, const std::vector<std::string>& own) {
    for (const std::string& name : own) {
      if (!categories) {
        names_.beginnings.push_back(name + "=");
        continue;
      }
      std::vector<std::int64_t> numbers;
      for (const Value& category : categories->as_array()) numbers.push_back(category.as_integer());
      std::sort(numbers.begin(), numbers.end());
      for (const std::int64_t number : numbers) names_.certain.push_back(name + "=" + std::to_string(number));
    }
  }

  /// Numbers go on behind those of other components.
  void project(std::optional<std::int64_t> count, const std::vector<std::string>& own, bool all) {
    std::int64_t next = 0;
    for (const std::string& name : names_.certain) {
      if (const auto taken = number_behind(name, "pca_")) next = std::max<std::int64_t>(next, *taken + 1);
    }
    const auto& beginnings = names_.beginnings;
    const bool open = std::find(beginnings.begin(), beginnings.end(), "pca_") != beginnings.end();
    take_away(own, all);
    if (!count || open) {
      names_.beginnings.push_back("pca_");
      return;
    }
    for (std::int64_t i = 0; i < *count; ++i) names_.certain.push_back("pca_" + std::to_string(next + i));
  }

  const std::string& origin_;
  Names names_;
  std::optional<std::vector<std::string>> classes_;  ///< none where the program brings the events
};

}  // namespace

void spell_out_transforms(Value& transforms) {
  for (Value& transform : transforms.as_array()) {
    if (transform.is_text()) {
      Value object = Value::object();
      object.set("type", transform.as_text());
      transform = std::move(object);
    }
    const std::string type = transform.at("type").as_text();
    if (type != "uniform" && type != "gauss") continue;
    transform.set("type", "quantile");
    transform.set("output", type == "gauss" ? "normal" : "uniform");
  }
}

void check_transforms(const Value& config, const Value& transforms, const std::string& origin, const std::string& at) {
  Chain chain(config, origin);
  for (std::size_t i = 0; i < transforms.size(); ++i) chain.follow(transforms.at(i), pointer_to(at, std::to_string(i)));
}

}  // namespace ophion
