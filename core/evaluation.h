/// What models make of the same events: their scores, and how good these are.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ophion/config.h>
#include <ophion/method.h>
#include <ophion/model.h>
#include <ophion/registry.h>
#include <ophion/tool.h>
#include <ophion/value.h>

#include "events.h"
#include "preprocessing.h"

namespace ophion {

/// Models under the names that tell them apart.
using NamedModels = std::vector<std::pair<std::string, Model>>;

/// The name of the method whose primary metric is best on the first of the parts that it has; of {name: {"metrics": {part: …}}}, as metrics.json
/// has them. Those without metrics don't count. Null where there is none.
Value best_of(const Value& methods, std::initializer_list<PartName> parts);

class Evaluation {
 public:
  /// The references must outlive it. Of `spec`, task, classes and targets count. `features`: what the columns of the events' features are
  /// called; `settings`: a config's "evaluation".
  Evaluation(const Registry& registry, const Spec& spec, const Events& events, const std::vector<NamedExpression>& features, Value settings,
             std::uint64_t seed);

  /// Scores every part that has events, keeps the scores under the name (again: in place of the earlier ones), and says how well:
  /// {"train": {"auc": …}, "validation": …, "test": …}.
  Value add(const std::string& name, const Model& model);

  /// How the metrics of the scores kept under the name differ from fold to fold of a cross-validation: {"metrics": [of each fold], "mean",
  /// "spread"}. The mean and the standard deviation (of n - 1) are there for numbers that every fold has. Of a part, a fold has the events
  /// that it scored. Null where the events are of no cross-validation.
  Value over_folds(const std::string& name) const;
  /// The folds that score a part's events; empty: all of the model scores them.
  std::span<const Fold> folds_for(const Model& model, const Part& part) const;
  /// How well the model does on one part; its scores are not kept.
  Value measure(const Model& model, PartName part) const;

  /// What shuffling each feature costs the model, on validation events (of test or training where there are none), and the trainer's own
  /// measure where the model's file holds one. Null when that was not asked for.
  Value importance(const std::string& name, const Model& model) const;
  /// How well each feature alone tells the classes of the training events (of test, where there are none) apart, best first; null for
  /// regression.
  Value separation() const;
  /// Differences of the primary metric between all pairs on test events (of validation or training where there are none), by drawing the same
  /// events anew for all. This and what follows takes models whose scores are kept.
  Value compare(const NamedModels& models) const;

  /// Draws report/ in `folder`, which holds metrics.json. `options`: a config's "report", which may say that none is wanted. One that
  /// can't be drawn is a warning: what it would show is kept already.
  void draw_report(const NamedModels& models, const std::filesystem::path& folder, const std::string& title,
                   const Value& options) const;

  /// One row an event, in order of the parts: where it came from, label or targets, weight, spectators, and the scores.
  void write_scores(const NamedModels& models, const std::filesystem::path& output, bool overwrite) const;

 private:
  /// Of one model, part by part: rows × outputs.
  using Scores = std::array<std::vector<float>, 3>;

  /// Of the events' features, those that the model takes; empty: all as they stand.
  std::vector<std::size_t> columns_for(const Model& model) const;
  /// The features of a part as the model takes them; `room` holds them where they had to be gathered.
  MatrixView features_for(const Model& model, const Part& part, std::vector<float>& room) const;
  MatrixView scores_of(const std::string& name, const Model& model, std::size_t part) const;
  /// One step of the tool "metrics".
  Value metrics_of(Job& job, PartName part, const MatrixView& scores) const;
  void summarise_and_draw(const NamedModels& models, const std::filesystem::path& folder, const std::string& title,
                          const Value& options) const;
  /// {"task", …} and the config's "evaluation", for the tool "metrics".
  Value metrics_settings() const;
  /// Label or targets, and weights.
  Columns truth(const Part& part) const;
  Value describe_task() const;
  Value yields() const;

  const Registry& registry_;
  const Spec& spec_;
  const Events& events_;
  const std::vector<NamedExpression>& features_;
  const Value settings_;
  const std::uint64_t seed_;
  std::map<std::string, Scores> scores_;
};

}  // namespace ophion
