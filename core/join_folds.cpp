/// One model file of the folds of a cross-validation. docs/model_file.md describes what it writes.
#include "join_folds.h"

#include <algorithm>
#include <map>
#include <utility>

#include <ophion/error.h>

#include "features.h"
#include "model_functions.h"
#include "model_builder.h"
#include "model_manifest.h"
#include "native_backend.h"
#include "onnx_form.h"
#include "text.h"

namespace ophion {
namespace {

using Members = std::map<std::string, std::string>;

const Value* payload_of(const ModelFile& fold, const std::string& id) {
  const auto& payloads = fold.manifest().at("payloads").as_array();
  const auto found = std::find_if(payloads.begin(), payloads.end(), [&](const Value& one) { return one.at("id").as_text() == id; });
  return found == payloads.end() ? nullptr : &*found;
}

/// The first fold that lacks a form; nothing where all have it.
std::optional<std::size_t> first_without(const FoldedParts& parts, const std::string& id) {
  for (std::size_t fold = 0; fold < parts.folds.size(); ++fold) {
    if (!payload_of(*parts.folds[fold], id)) return fold;
  }
  return std::nullopt;
}

void add_member(Members& members, const std::string& name, const std::string& content) {
  const auto [place, is_new] = members.emplace(name, content);
  if (!is_new && place->second != content) throw ModelError("'" + name + "' was changed while the folds were trained");
}

/// The payload under the number of its fold, its members among those of the whole.
Value joined_payload(const ModelFile& fold, std::size_t number, const Value& payload, bool own, Members& members) {
  const std::string& id = payload.at("id").as_text();
  const std::string new_id = "fold" + std::to_string(number) + (own ? "" : "-" + id);
  for (const std::string& name : payload.at("members").as_texts()) {
    add_member(members, member_name(new_id, name), fold.member(member_name(id, name)));
  }
  Value joined = payload;
  joined.set("id", new_id);
  joined.set("fold", number);
  return joined;
}

/// The methods' own payloads first, fold after fold; then the forms that all folds have.
Value joined_payloads(const FoldedParts& parts, Members& members) {
  const std::pair<const char*, const char*> forms[] = {{native_name, "not_native"}, {onnx_name, "not_onnx"}};
  Value list = Value::array();
  for (std::size_t fold = 0; fold < parts.folds.size(); ++fold) {
    const ModelFile& file = *parts.folds[fold];
    Value own = joined_payload(file, fold, file.manifest().at("payloads").at(0), true, members);
    for (const auto& [form, why_not] : forms) {
      const auto lacking = first_without(parts, form);
      if (lacking && payload_of(file, form)) own.set(why_not, "fold " + std::to_string(*lacking) + " has none");
    }
    list.push_back(std::move(own));
  }
  for (const auto& [form, why_not] : forms) {
    if (first_without(parts, form)) continue;
    for (std::size_t fold = 0; fold < parts.folds.size(); ++fold) {
      list.push_back(joined_payload(*parts.folds[fold], fold, *payload_of(*parts.folds[fold], form), false, members));
    }
  }
  return list;
}

/// Ranges are those of all folds' training events.
Value joined_features(const FoldedParts& parts) {
  Value features = parts.folds.front()->manifest().at("features");
  const auto widen = [](Value& range, const Value& other, bool least) {
    if (other.is_null()) return;
    if (range.is_null() || (least ? other.as_number() < range.as_number() : other.as_number() > range.as_number())) range = other;
  };
  for (const auto& fold : parts.folds) {
    const Value& others = fold->manifest().at("features");
    for (std::size_t i = 0; i < features.size(); ++i) {
      Value& feature = features.as_array()[i];
      widen(*feature.find("min"), others.at(i).at("min"), true);
      widen(*feature.find("max"), others.at(i).at("max"), false);
    }
  }
  return features;
}

Value describe_folds(const FoldedParts& parts, Members& members) {
  Value transforms = Value::array();
  for (std::size_t fold = 0; fold < parts.folds.size(); ++fold) {
    const ModelFile& file = *parts.folds[fold];
    transforms.push_back(file.manifest().at("transforms"));
    copy_function_numbers(file, members);
    const auto arrays = file.members().find(transforms_member(std::nullopt));
    if (arrays != file.members().end()) members.emplace(transforms_member(static_cast<int>(fold)), arrays->second);
  }
  Value folds = Value::object();
  folds.set("count", parts.folds.size());
  folds.set("text", parts.by);
  folds.set("expression", parts.by.empty() ? Value() : to_value(parse_expression(parts.by, "data.split.folds", parts.functions)));
  folds.set("transforms", std::move(transforms));
  return folds;
}

}  // namespace

Value mean_importance(const std::vector<std::shared_ptr<const ModelFile>>& folds) {
  std::map<std::string, double> sums;
  Value name;
  for (const auto& fold : folds) {
    const Value report = report_of(*fold);
    const Value* own = report.find("importance");
    if (!own || own->is_null()) return {};
    name = own->at("name");
    for (const Value& one : own->at("values").as_array()) sums[one.at("feature").as_text()] += one.at("value").as_number();
  }
  std::vector<std::pair<std::string, double>> order(sums.begin(), sums.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  Value values = Value::array();
  for (const auto& [feature, sum] : order) {
    Value one = Value::object();
    one.set("feature", feature);
    one.set("value", sum / static_cast<double>(folds.size()));
    values.push_back(std::move(one));
  }
  Value mean = Value::object();
  mean.set("name", std::move(name));
  mean.set("values", std::move(values));
  return mean;
}

std::shared_ptr<const ModelFile> join_folds(const FoldedParts& parts, const SelfTest& test) {
  Members members;
  Value manifest = parts.folds.front()->manifest();
  manifest.set("features", joined_features(parts));
  manifest.set("transforms", Value());
  manifest.set("folds", describe_folds(parts, members));
  manifest.set("payloads", joined_payloads(parts, members));
  manifest.set("selftest", describe_selftest(test, members));
  manifest.set("created", utc_now(iso_time));
  add_report(parts.report, members);
  return ModelFile::make(std::move(manifest), std::move(members));
}

}  // namespace ophion
