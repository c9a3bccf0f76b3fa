/// What models make of the same events: their scores, and how good these are.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ophion/method.h>
#include <ophion/model.h>
#include <ophion/registry.h>
#include <ophion/value.h>

#include "events.h"

namespace ophion {

class Evaluation {
 public:
  /// The references must outlive it. Of `spec`, task, classes and targets count.
  Evaluation(const Registry& registry, const Spec& spec, const Events& events);

  /// Scores every part that has events, keeps the scores under the name (again: in place of the earlier ones), and says how well:
  /// {"train": {"auc": …}, "validation": …, "test": …}.
  Value add(const std::string& name, const Model& model);

  /// One row an event, in order of the parts: where it came from, label or targets, weight, spectators, and the scores kept under `names`.
  void write_scores(const std::vector<std::string>& names, const std::filesystem::path& output, bool overwrite) const;

 private:
  /// Of one model: an output's values lie `outputs.size()` apart.
  struct Scores {
    std::vector<std::string> outputs;
    std::array<std::vector<float>, 3> parts;
  };

  const Registry& registry_;
  const Spec& spec_;
  const Events& events_;
  std::map<std::string, Scores> scores_;
};

}  // namespace ophion
