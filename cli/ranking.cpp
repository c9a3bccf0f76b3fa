/// The table of models.
#include "ranking.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "terminal.h"

namespace ophion::cli {

const Value* find(const Value& value, std::initializer_list<const char*> path) {
  const Value* at = &value;
  for (const char* key : path) {
    if (at->is_object()) at = at->find(key);
    else return nullptr;
    if (!at) return nullptr;
  }
  return at;
}

namespace {

/// "0.412 (0.425)": test, and train in brackets where there is one, as TMVA prints it.
std::string test_and_train(const Value& metrics, const char* background) {
  const std::string test = decimal(find(metrics, {"test", "efficiency", background, "value"}), 3);
  const Value* train = find(metrics, {"train", "efficiency", background, "value"});
  return train ? test + " (" + decimal(train, 3) + ")" : test;
}

std::string with_error(const Value& metrics, const char* part, const char* metric, const char* error) {
  const std::string value = decimal(find(metrics, {part, metric}), 4);
  return value == "-" ? value : value + " ± " + decimal(find(metrics, {part, error}), 4);
}

struct Method {
  std::string name;
  const Value* entry;
  const Value* metrics;  ///< null: it gave no model
};

/// Best first, by the primary metric of the test part; methods without a model at the end.
std::vector<Method> ranked(const Value& run) {
  std::vector<Method> order;
  for (const auto& [name, entry] : run.at("methods").as_object()) order.push_back({name, &entry, entry.find("metrics")});
  const auto value = [](const Method& method) {
    const Value* name = method.metrics ? find(*method.metrics, {"test", "primary", "name"}) : nullptr;
    const Value* number = name ? find(*method.metrics, {"test", name->as_text().c_str()}) : nullptr;
    if (!number || !number->is_number()) return -1e300;
    return number->as_number() * (find(*method.metrics, {"test", "primary", "higher_is_better"})->as_boolean() ? 1 : -1);
  };
  std::stable_sort(order.begin(), order.end(), [&](const Method& a, const Method& b) { return value(a) > value(b); });
  return order;
}

}  // namespace

std::string ranking(const Value& run) {
  const bool regression = run.at("task").as_text() == "regression";
  const bool two_classes = run.at("classes").size() == 2;
  std::vector<std::vector<std::string>> rows;
  if (regression) {
    rows.push_back({"rank", "method", "RMSE test", "train", "MAE test", "R2 test"});
  } else if (two_classes) {
    rows.push_back({"rank", "method", "AUC test", "AUC train", "efficiency at 1 %", "at 10 %", "at 30 % background"});
  } else {
    rows.push_back({"rank", "method", "mean AUC test", "AUC train", "accuracy test"});
  }
  int rank = 0;
  std::string failures;
  for (const Method& method : ranked(run)) {
    if (!method.metrics) {
      const Value* error = method.entry->find("error");
      const std::string why = error ? error->as_text().substr(0, error->as_text().find('\n')) : "";  // the log holds a script's whole traceback
      failures += method.name + ": " + method.entry->at("status").as_text() + (why.empty() ? "" : ": " + why) + "\n";
      continue;
    }
    std::vector<std::string> row{std::to_string(++rank), method.name};
    const Value& m = *method.metrics;
    if (regression) {
      for (const auto& path : {std::pair{"test", "rmse"}, std::pair{"train", "rmse"}, std::pair{"test", "mae"}, std::pair{"test", "r2"}}) {
        row.push_back(decimal(find(m, {path.first, path.second}), 4));
      }
    } else {
      row.push_back(with_error(m, "test", "auc", "auc_error"));
      row.push_back(with_error(m, "train", "auc", "auc_error"));
      if (two_classes) {
        for (const char* background : {"0.01", "0.1", "0.3"}) row.push_back(test_and_train(m, background));
      } else {
        row.push_back(decimal(find(m, {"test", "accuracy"}), 4));
      }
    }
    rows.push_back(std::move(row));
  }
  std::string text = table(rows, Numbers::right);
  if (two_classes && !regression) text += "signal efficiency on test (train) events\n";
  return text + failures;
}

}  // namespace ophion::cli
