/// The table of models.
#include "ranking.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <ophion/error.h>

#include "terminal.h"

namespace ophion::cli {
namespace {

/// "0.412 (0.425)": the part, and train in brackets where there is one, as TMVA prints it.
std::string part_and_train(const Value& metrics, const char* part, const char* background) {
  const std::string test = decimal(metrics.find_path(std::string(part) + "/efficiency/" + background + "/value"), 3);
  const Value* train = metrics.find_path(std::string("train/efficiency/") + background + "/value");
  return train ? test + " (" + decimal(train, 3) + ")" : test;
}

std::string with_error(const Value& metrics, const char* part, const char* metric, const char* error) {
  const std::string value = decimal(metrics.find_path(std::string(part) + "/" + metric), 4);
  return value == "-" ? value : value + " ± " + decimal(metrics.find_path(std::string(part) + "/" + error), 4);
}

struct Method {
  std::string name;
  const Value* entry;
  const Value* metrics;  ///< null: it gave no model
};

/// The part that tells most: one that no model was chosen on, where there is one.
const char* part_to_show(const Value& run) {
  for (const char* part : {"test", "validation"}) {
    for (const auto& [name, entry] : run.at("methods").as_object()) {
      if (entry.find_path(std::string("metrics/") + part)) return part;
    }
  }
  return "test";
}

/// Best first, by the primary metric of the part; methods without a model at the end.
std::vector<Method> ranked(const Value& run, const char* part) {
  std::vector<Method> order;
  for (const auto& [name, entry] : run.at("methods").as_object()) order.push_back({name, &entry, entry.find("metrics")});
  const auto value = [part](const Method& method) {
    const Value* name = method.metrics ? method.metrics->find_path(std::string(part) + "/primary/name") : nullptr;
    const Value* number = name ? method.metrics->find_path(std::string(part) + "/" + name->as_text()) : nullptr;
    if (!number || !number->is_number()) return -1e300;
    return number->as_number() * (method.metrics->find_path(std::string(part) + "/primary/higher_is_better")->as_boolean() ? 1 : -1);
  };
  std::stable_sort(order.begin(), order.end(), [&](const Method& a, const Method& b) { return value(a) > value(b); });
  return order;
}

/// "… over 5 folds …:" and a line a method, "mlp  auc 0.8412 ± 0.0103", of the events that each fold has not seen; empty without folds.
std::string over_folds(const std::vector<Method>& methods) {
  constexpr const char* part = "validation";
  std::string text;
  for (const Method& method : methods) {
    const Value* folds = method.entry->find("folds");
    const Value* primary = folds ? method.metrics->find_path(std::string(part) + "/primary/name") : nullptr;
    const Value* mean = primary ? folds->find_path(std::string("mean/") + part + "/" + primary->as_text()) : nullptr;
    if (!mean) continue;
    if (text.empty()) text = "mean ± standard deviation over " + std::to_string(folds->at("metrics").size()) + " folds, each on the events it has not seen:";
    text += "\n  " + method.name + "  " + primary->as_text() + " " + decimal(mean, 4) + " ± " +
            decimal(folds->find_path(std::string("spread/") + part + "/" + primary->as_text()), 4);
  }
  return text.empty() ? text : text + "\n";
}

}  // namespace

std::string ranking(const Value& run) {
  const bool regression = run.at("task").as_text() == "regression";
  const bool two_classes = run.at("classes").size() == 2;
  const char* const part = part_to_show(run);
  const bool folded = run.find_path("data/folds") != nullptr;
  const std::string which = folded && part == std::string("validation") ? "out of fold" : part;
  const std::vector<Method> methods = ranked(run, part);
  std::vector<std::vector<std::string>> rows;
  if (regression) {
    rows.push_back({"rank", "method", "RMSE " + which, "train", "MAE " + which, "R2 " + which});
  } else if (two_classes) {
    rows.push_back({"rank", "method", "AUC " + which, "AUC train", "efficiency at 1 %", "at 10 %", "at 30 % background"});
  } else {
    rows.push_back({"rank", "method", "mean AUC " + which, "AUC train", "accuracy " + which});
  }
  int rank = 0;
  std::string failures;
  for (const Method& method : methods) {
    if (!method.metrics) {
      const Value* error = method.entry->find("error");
      const std::string why = error ? first_line(error->as_text()) : "";  // the log holds a script's whole traceback
      failures += method.name + ": " + method.entry->at("status").as_text() + (why.empty() ? "" : ": " + why) + "\n";
      continue;
    }
    std::vector<std::string> row{std::to_string(++rank), method.name};
    const Value& m = *method.metrics;
    if (regression) {
      for (const auto& path : {std::pair{part, "rmse"}, std::pair{"train", "rmse"}, std::pair{part, "mae"}, std::pair{part, "r2"}}) {
        row.push_back(decimal(m.find_path(std::string(path.first) + "/" + path.second), 4));
      }
    } else {
      row.push_back(with_error(m, part, "auc", "auc_error"));
      row.push_back(with_error(m, "train", "auc", "auc_error"));
      if (two_classes) {
        for (const char* background : {"0.01", "0.1", "0.3"}) row.push_back(part_and_train(m, part, background));
      } else {
        row.push_back(decimal(m.find_path(std::string(part) + "/accuracy"), 4));
      }
    }
    rows.push_back(std::move(row));
  }
  std::string text = table(rows, Numbers::right);
  if (two_classes && !regression) text += "signal efficiency on " + which + " (train) events\n";
  return text + over_folds(methods) + failures;
}

}  // namespace ophion::cli
