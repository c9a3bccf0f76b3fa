/// A run between its data and its results.
#include "run_in_progress.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "demand_trust.h"
#include "features.h"
#include "folds.h"
#include "isolation/isolated_method.h"
#include "join_folds.h"
#include "model_builder.h"
#include "model_file.h"
#include "provenance.h"
#include "text.h"
#include "tuning.h"

namespace ophion {
namespace fs = std::filesystem;
namespace {

constexpr double tells_all = 0.99;  // a separation that a measured quantity hardly has

bool is_there(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(file, ignored);
}

}  // namespace

Spec spec_of(const Config& config, const Dataset* events) {
  Spec spec;
  spec.task = config.task();
  spec.features = names_of(config.data().features);
  spec.targets = names_of(config.data().targets);
  if (spec.task == "classification") {
    std::vector<std::string> in_order;
    if (events) {
      for (const auto& sample : events->samples()) in_order.push_back(sample.class_name);
    }
    spec.classes = events ? order_classes(in_order) : config.classes();
  }
  return spec;
}

std::vector<std::shared_ptr<const Method>> methods_of(const Config& config) {
  std::vector<std::shared_ptr<const Method>> methods;
  for (const MethodConfig& method : config.methods()) {
    const bool here = method.isolation.isolation == Isolation::none;
    methods.push_back(here ? config.registry().method(method.type)
                           : isolated_method(config.registry(), method.type, settings_of(method.isolation)));
  }
  return methods;
}

void check_method(const Config& config, std::size_t index, const Spec& spec, const Method& plugin) {
  const MethodConfig& method = config.methods()[index];
  const auto& tasks = plugin.traits().tasks;
  with_place(config, index, [&] {
    if (std::find(tasks.begin(), tasks.end(), spec.task) == tasks.end()) {
      throw ConfigError("", "/type", "'" + method.type + "' does no " + spec.task);
    }
    plugin.check(context_of(config, method, spec));
  });
}

RunInProgress::RunInProgress(const Config& config, std::vector<std::shared_ptr<const Method>> methods, Spec spec, const Events& events,
                             const RunFolder& folder, bool resume)
    : config_(config), methods_(std::move(methods)), spec_(std::move(spec)), events_(events), folder_(folder), resume_(resume),
      provenance_(provenance(config, events)), evaluation_(config.registry(), spec_, events, config.data().features, config.resolved().at("evaluation"), config.seed()) {
  run_.folder_ = folder.path();
  separation_ = evaluation_.separation();
  std::string ranking;
  for (const Value& feature : separation_.is_array() ? separation_.as_array() : Value::Array()) {
    const Value& value = feature.at("value");
    if (value.is_number() && value.as_number() >= tells_all) {
      log(LogLevel::warning, "feature '" + feature.at("feature").as_text() + "' tells the classes apart by itself (separation " +
                                 short_number(value.as_number(), 3) + "): leave it out if it was made from the class, as weights and labels are");
    }
    ranking += (ranking.empty() ? "" : ", ") + feature.at("feature").as_text() + " " + (value.is_number() ? short_number(value.as_number(), 3) : "unknown");
  }
  if (!ranking.empty()) log(LogLevel::info, "separation of the classes by each feature alone: " + ranking);
}

void RunInProgress::train(std::size_t index, const ProgressCallback& progress) {
  const MethodConfig& method = config_.methods()[index];
  MethodResult result;
  result.name = method.name;
  result.type = method.type;
  run_.stopped_ = run_.stopped_ || interrupted();
  if (run_.stopped_) {
    result.status = "not started";
    result.error = "the run was stopped before";
    run_.methods_.push_back(std::move(result));
    return;
  }
  const auto begin = std::chrono::steady_clock::now();
  try {
    const fs::path kept = folder_.model(method.name);
    result.status = "done";
    if (resume_ && is_there(kept)) {
      const auto file = ModelFile::read(kept);
      result.model = training_of(index).load(file, Trust::known);
      evaluate(*result.model, result);
      const Value report = report_of(*file);
      if (const Value* tuning = report.find("tuning")) result.tuning = *tuning;
      log(LogLevel::info, method.name + ": was trained before, its model is kept");
    } else {
      log(LogLevel::info, "training " + method.name + " (" + method.type + ")");
      result.model = make_model(index, progress, result);
    }
    weigh_features(result);
  } catch (const Interrupted& stop) {
    run_.stopped_ = true;
    result.status = "not started";
    result.error = stop.what();
  } catch (const Error& failure) {
    result.status = "failed";
    result.error = failure.what();
    // Of a run with one method the caller gets the exception itself: saying it twice helps nobody.
    log(config_.methods().size() > 1 ? LogLevel::error : LogLevel::debug, method.name + " failed: " + failure.what());
    if (!first_failure_) first_failure_ = std::current_exception();
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  run_.methods_.push_back(std::move(result));
}

void RunInProgress::evaluate(const Model& model, MethodResult& result) {
  result.metrics = evaluation_.add(result.name, model);
  result.folds = evaluation_.over_folds(result.name);
}

Training RunInProgress::training_of(std::size_t index) const { return {config_, index, methods_[index], spec_, provenance_}; }

Model RunInProgress::make_model(std::size_t index, const ProgressCallback& progress, MethodResult& result) {
  History history(folder_.history(result.name), progress, events_.folds);
  if (events_.folds > 0) return make_model_of_folds(training_of(index), history, result);
  if (is_tuned(config_, index)) {
    Tuned tuned = tune(config_, index, methods_[index], spec_, events_, evaluation_, folder_, provenance_, progress);
    result.tuning = std::move(tuned.report);
    return make_model_by({std::move(tuned.config), index, methods_[index], spec_, provenance_}, history, result);
  }
  return make_model_by(training_of(index), history, result);
}

Model RunInProgress::make_model_by(const Training& training, History& history, MethodResult& result) {
  const Preprocessing preprocessing = training.fit(events_);
  Trained trained = train_on(training, events_, preprocessing, folder_.checkpoints(result.name), history, result);
  evaluate(trained.untested, result);
  trained.parts.report.set("metrics", result.metrics);
  trained.parts.report.set("history", Value(history.epochs()));
  trained.parts.report.set("tuning", result.tuning);
  return keep(training, build_tested_model_file(trained.parts, trained.own), folder_.model(result.name));
}

Trained RunInProgress::train_on(const Training& training, const Events& events, const Preprocessing& preprocessing, const fs::path& checkpoints,
                                History& history, MethodResult& result) {
  const auto epoch = [&history](const Progress& now) { return history(now); };
  Trained trained = training.train(events, preprocessing, result.name, checkpoints, resume_, epoch);
  // Asked by the callback, or by interrupt(), which a training sees by itself between two epochs.
  const bool asked = history.stopped() || interrupted(), stopped = trained.parts.payload.stopped;
  if (asked || stopped) result.status = "stopped";
  run_.stopped_ = run_.stopped_ || asked;
  if (stopped && !asked) {
    const double limit = context_of(training.config(), training.method(), spec_).call.time_limit;
    log(LogLevel::warning, result.name + ": stopped at its time_limit of " + short_number(limit) + " s; the best so far is kept");
  }
  training.add_forms(trained, events);
  return trained;
}

Model RunInProgress::keep(const Training& training, const std::shared_ptr<const ModelFile>& file, const fs::path& where) const {
  Model model = training.load(file, Trust::all);
  remember_trained(*file, where);  // before it is there: a run that is killed in between can be resumed
  model.save(where);
  return model;
}

Model RunInProgress::make_model_of_folds(const Training& training, History& history, MethodResult& result) {
  const MethodConfig& method = training.method();
  FoldedParts whole;
  whole.by = config_.data().split.fold_by;
  whole.functions = functions_of(config_.data());
  for (Fold fold = 0; fold < events_.folds; ++fold) {
    whole.folds.push_back(fold_file(training, fold, history, result));
    if (run_.stopped_ && fold + 1 < events_.folds) {
      throw Interrupted("the run was stopped in fold " + std::to_string(fold + 1) + " of " + std::to_string(events_.folds) +
                        ": the model needs all of them, and resuming the run trains the rest");
    }
  }
  const auto untested_file = join_folds(whole, {});
  const std::string own_backend = untested_file->manifest().at("payloads").at(0).at("backend").as_text();
  const Model untested = training.load(untested_file, Trust::all);
  const Model own = untested.backend() == own_backend ? untested : training.load(untested_file, Trust::all, own_backend);
  evaluate(untested, result);
  whole.report.set("metrics", result.metrics);
  whole.report.set("importance", mean_importance(whole.folds));
  whole.report.set("folds", result.folds);
  whole.report.set("history", Value(history.epochs()));
  const int threads = method.threads != 0 ? method.threads : config_.threads();
  const auto file = join_folds(whole, self_test_by(own, selftest_rows(events_[PartName::train]), threads));
  Model model = keep(training, file, folder_.model(method.name));
  for (Fold fold = 0; fold < events_.folds; ++fold) {
    std::error_code ignored;  // the model holds it now
    fs::remove(folder_.fold(method.name, fold), ignored);
    forget_trained(*whole.folds[static_cast<std::size_t>(fold)]);
  }
  return model;
}

std::shared_ptr<const ModelFile> RunInProgress::fold_file(const Training& training, Fold fold, History& history, MethodResult& result) {
  const MethodConfig& method = training.method();
  const std::string who = method.name + ", fold " + std::to_string(fold + 1) + " of " + std::to_string(events_.folds) + ": ";
  const fs::path kept = folder_.fold(method.name, fold);
  if (resume_ && is_there(kept)) {
    auto file = ModelFile::read(kept);
    training.load(file, Trust::known);
    log(LogLevel::info, who + "was trained before, its model is kept");
    return file;
  }
  const Events events = events_of_fold(events_, plan_of(config_), fold, storage_for(method));
  log(LogLevel::info, who + "training on " + std::to_string(events[PartName::train].rows()) + " events, copied together");
  history.begin_fold(fold);
  const Preprocessing preprocessing = training.fit(events);
  const fs::path checkpoints = folder_.checkpoints(method.name) / ("fold" + std::to_string(fold));
  const Trained trained = train_on(training, events, preprocessing, checkpoints, history, result);
  auto file = build_tested_model_file(trained.parts, trained.own);
  // A fold that was stopped because the run was goes on from its checkpoint when the run is resumed.
  if (!run_.stopped_) keep(training, file, kept);
  return file;
}

void RunInProgress::weigh_features(MethodResult& result) const {
  try {
    result.importance = evaluation_.importance(result.name, *result.model);
  } catch (const Error& problem) {  // the model is there
    log(LogLevel::warning, result.name + ": the importance of its features is not known: " + problem.what());
  }
}

Value RunInProgress::report(const NamedModels& models) const {
  Value methods = Value::object();
  for (const MethodResult& method : run_.methods_) {
    Value entry = Value::object();
    entry.set("type", method.type);
    entry.set("status", method.status);
    if (!method.error.empty()) entry.set("error", method.error);
    entry.set("seconds", method.seconds);
    if (method.model) {
      entry.set("model", fs::relative(folder_.model(method.name), folder_.path()).string());
      entry.set("metrics", method.metrics);
      entry.set("importance", method.importance);
      if (!method.tuning.is_null()) entry.set("tuning", method.tuning);
      if (!method.folds.is_null()) entry.set("folds", method.folds);
    }
    methods.set(method.name, std::move(entry));
  }
  Value report = Value::object();
  report.set("name", config_.name());
  report.set("task", spec_.task);
  report.set("classes", Value(spec_.classes));
  Value data = events_.report();
  data.set("separation", separation_);
  report.set("data", std::move(data));
  report.set("best", best_of(methods, {PartName::validation, PartName::train}));  // never chosen on test
  report.set("methods", std::move(methods));
  if (models.size() > 1 && !run_.stopped_) report.set("comparison", evaluation_.compare(models));
  report.set("stopped", run_.stopped_);
  return report;
}

TrainedRun RunInProgress::finish() {
  NamedModels models;
  for (const MethodResult& method : run_.methods_) {
    if (method.model) models.emplace_back(method.name, *method.model);
  }
  run_.metrics_ = report(models);
  if (!models.empty()) evaluation_.write_scores(models, folder_.scores(), resume_);
  folder_.finish(run_.metrics_);
  if (!models.empty()) {
    if (!run_.stopped_) evaluation_.draw_report(models, folder_.path(), config_.name(), config_.resolved().at("report"));
    return std::move(run_);
  }
  if (run_.stopped_) throw Interrupted("the run was stopped before any method gave a model");
  if (run_.methods_.size() == 1) std::rethrow_exception(first_failure_);
  std::string text = "no method gave a model:";
  // One line each: run.log holds a script's whole traceback.
  for (const MethodResult& method : run_.methods_) text += "\n" + method.name + ": " + first_line(method.error);
  throw Error(text);
}

}  // namespace ophion
