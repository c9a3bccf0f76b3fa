/// A run between its data and its results: trains one method after another and keeps what each gives.
#pragma once

#include <exception>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ophion/config.h>
#include <ophion/session.h>

#include "evaluation.h"
#include "events.h"
#include "history.h"
#include "model_file.h"
#include "preprocessing.h"
#include "run_folder.h"
#include "training.h"

namespace ophion {

/// What a config (and the program's own events, where it brings them) says is to be learnt.
Spec spec_of(const Config& config, const Dataset* events);

/// The methods of a config, in its order: in this process or in workers of their own, as it says.
std::vector<std::shared_ptr<const Method>> methods_of(const Config& config);

/// Asks a method of the config what it finds wrong. ConfigError with the pointer into the whole config.
void check_method(const Config& config, std::size_t index, const Spec& spec, const Method& plugin);

class RunInProgress {
 public:
  /// The references must outlive the run.
  RunInProgress(const Config& config, std::vector<std::shared_ptr<const Method>> methods, Spec spec, const Events& events,
                const RunFolder& folder, bool resume);

  /// Trains the config's method of that number, scores every part, writes the model. A failure is kept for the result, so that it doesn't lose the other methods.
  void train(std::size_t index, const ProgressCallback& progress);

  /// Writes scores and metrics; throws when no method gave a model (a single method's own exception).
  TrainedRun finish();

 private:
  void weigh_features(MethodResult& result) const;
  Model make_model(std::size_t index, const ProgressCallback& progress, MethodResult& result);
  Training training_of(std::size_t index) const;
  /// `preprocessing` and `events` must outlive what comes back.
  Trained train_on(const Training& training, const Events& events, const Preprocessing& preprocessing, const std::filesystem::path& checkpoints,
                   History& history, MethodResult& result);
  /// Trains on all parts, with the settings that the training has.
  Model make_model_by(const Training& training, History& history, MethodResult& result);
  /// Cross-validation: trains fold after fold, and makes one model of them.
  Model make_model_of_folds(const Training& training, History& history, MethodResult& result);
  std::shared_ptr<const ModelFile> fold_file(const Training& training, Fold fold, History& history, MethodResult& result);
  /// Loads a finished file, remembers it as trained here and writes it.
  Model keep(const Training& training, const std::shared_ptr<const ModelFile>& file, const std::filesystem::path& where) const;
  void evaluate(const Model& model, MethodResult& result);
  Value report(const NamedModels& models) const;

  const Config& config_;
  const std::vector<std::shared_ptr<const Method>> methods_;
  const Spec spec_;
  const Events& events_;
  const RunFolder& folder_;
  const bool resume_;
  const Value provenance_;
  TrainedRun run_;
  Evaluation evaluation_;
  Value separation_;
  std::exception_ptr first_failure_;
};

}  // namespace ophion
