/// A run between its data and its results.
#include "run_in_progress.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "demand_trust.h"
#include "features.h"
#include "fit_preprocessing.h"
#include "folds.h"
#include "isolation/isolated_method.h"
#include "join_folds.h"
#include "model_builder.h"
#include "model_file.h"
#include "model_state.h"
#include "form_check.h"
#include "onnx_form.h"
#include "provenance.h"
#include "storage.h"
#include "text.h"

namespace ophion {
namespace fs = std::filesystem;
namespace {

std::vector<std::string> names_of(const std::vector<NamedExpression>& expressions) {
  std::vector<std::string> names;
  for (const auto& expression : expressions) names.push_back(expression.name);
  return names;
}

TrainContext context_of(const Config& config, const MethodConfig& method, const Spec& spec) {
  TrainContext context;
  context.name = method.name;
  context.spec = spec;
  context.options = method.options;
  context.seed = config.seed();
  context.call.threads = method.threads != 0 ? method.threads : config.threads();
  context.call.time_limit = method.time_limit != 0 ? method.time_limit : config.time_limit();
  return context;
}

/// The events of a part as a method sees them; owns what had to be changed or computed.
struct PreparedPart {
  Storage features;
  std::vector<double> weights;
  LabelledEvents view;

  PreparedPart(const Config& config, const Part& part, const Preprocessing& preprocessing, std::size_t classes, Storage::Kind kind)
      : features(kind), weights(training_weights(config, part, classes)) {
    view.features = part.features;
    if (preprocessing.changes(part.features)) {
      const std::size_t columns = preprocessing.names_out().size();
      const std::size_t bytes = part.rows() * columns * sizeof(float);
      auto* const changed = reinterpret_cast<float*>(features.append(bytes));
      preprocessing.apply(part.features, changed);
      view.features = MatrixView(changed, part.rows(), columns);
      if (bytes > 0) log(LogLevel::info, "copied " + std::to_string(bytes) + " bytes of features to transform them");
    }
    view.labels = part.labels;
    view.targets = part.targets;
    view.weights = weights;
  }
};

/// The number by which methods are ranked, and whether more is better.
struct Primary {
  double value = 0;
  bool higher_is_better = true;
};

/// From the validation part; from the training part where there is no validation. Never from test.
std::optional<Primary> primary_of(const MethodResult& result) {
  if (!result.model || !result.metrics.is_object()) return std::nullopt;
  const Value* part = result.metrics.find("validation");
  if (!part) part = result.metrics.find("train");
  if (!part) return std::nullopt;
  const Value& primary = part->at("primary");
  const Value& value = part->at(primary.at("name").as_text());
  if (!value.is_number()) return std::nullopt;
  return Primary{value.as_number(), primary.at("higher_is_better").as_boolean()};
}

/// Memory in which a method can be given events.
Storage::Kind storage_for(const MethodConfig& method) {
  return method.isolation.isolation == Isolation::process ? Storage::Kind::lent : Storage::Kind::own;
}

/// The few training events whose scores a model file keeps to test itself with: spread evenly over the part.
std::vector<float> selftest_rows(const Part& part) {
  constexpr std::size_t most = 32;
  const std::size_t rows = std::min(most, part.rows());
  std::vector<float> chosen;
  chosen.reserve(rows * part.features.columns());
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < part.features.columns(); ++j) chosen.push_back(part.features.at(i * part.rows() / rows, j));
  }
  return chosen;
}

/// A method knows its own part of the config only: its ConfigErrors get the file and the place of that part in it.
template <class Call>
auto with_place(const Config& config, const MethodConfig& method, Call call) {
  try {
    return call();
  } catch (const ConfigError& problem) {
    const auto index = &method - config.methods().data();
    throw ConfigError(config.file().string(), "/methods/" + std::to_string(index) + problem.pointer(), problem.problem());
  }
}

}  // namespace

/// Passes progress on to the host and keeps every epoch: also in a file, one line of JSON each, at once, so that a run that is killed
/// has its history.
class RunInProgress::History {
 public:
  History(const fs::path& file, const ProgressCallback& host, int folds) : host_(host), file_(file), folds_(folds) {
    drop_half_a_line();
    stream_.open(file, std::ios::app);
  }
  /// What comes from now on is of that fold, from 0.
  void begin_fold(Fold fold) { fold_ = fold; }
  bool operator()(const Progress& now) {
    Progress progress = now;
    progress.fold = folds_ > 0 ? fold_ + 1 : 0;
    progress.folds = folds_;
    Value epoch = Value::object();
    if (folds_ > 0) epoch.set("fold", fold_);
    epoch.set("epoch", progress.epoch);
    for (const auto& [name, value] : progress.metrics) epoch.set(name, value);
    stream_ << write_json(epoch, 0) << std::endl;
    epochs_.push_back(std::move(epoch));
    if (!stream_) throw Error("cannot write " + file_.string());
    const bool go_on = (!host_ || host_(progress)) && progress.keep_going();
    stopped_ = stopped_ || !go_on;
    return go_on;
  }
  bool stopped() const noexcept { return stopped_; }
  const Value::Array& epochs() const noexcept { return epochs_; }

 private:
  /// A run that found no room may have left one at the end of the file, to which this one would add its own.
  void drop_half_a_line() const {
    std::ifstream stream(file_, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    const std::size_t whole = text.rfind('\n') + 1;  // 0 where there is none
    if (whole < text.size()) fs::resize_file(file_, whole);
  }

  const ProgressCallback& host_;
  fs::path file_;
  std::ofstream stream_;
  Value::Array epochs_;
  const int folds_;
  Fold fold_ = 0;
  bool stopped_ = false;
};

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

void check_method(const Config& config, const MethodConfig& method, const Spec& spec, const Method& plugin) {
  const auto& tasks = plugin.traits().tasks;
  with_place(config, method, [&] {
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
    if (resume_ && fs::exists(kept)) {
      const auto file = ModelFile::read(kept);
      result.model = load(index, file, Trust::known);
      evaluate(*result.model, result);
      const Value report = report_of(*file);
      if (const Value* own = report.find("importance")) result.importance = *own;
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

Model RunInProgress::load(std::size_t index, std::shared_ptr<const ModelFile> file, Trust trust, const std::string& backend) const {
  const MethodConfig& method = config_.methods()[index];
  LoadOptions options;
  options.backend = backend;
  options.registry = config_.registry();
  options.call.threads = context_of(config_, method, spec_).call.threads;  // the time limit was the training's
  options.trust = trust;
  options.isolation = method.isolation.isolation;
  options.memory_limit = method.isolation.memory_limit;
  options.drop_rights = method.isolation.drop_rights;
  return Model(std::make_shared<const Model::State>(std::move(file), options, methods_[index]));
}

void RunInProgress::evaluate(const Model& model, MethodResult& result) {
  result.metrics = evaluation_.add(result.name, model);
  result.folds = evaluation_.over_folds(result.name);
}

Model RunInProgress::make_model(std::size_t index, const ProgressCallback& progress, MethodResult& result) {
  const MethodConfig& method = config_.methods()[index];
  History history(folder_.history(method.name), progress, events_.folds);
  if (events_.folds > 0) return make_model_of_folds(index, history, result);
  const Preprocessing preprocessing = fit_preprocessing(config_, method, events_);
  Trained trained = train_on(index, events_, preprocessing, folder_.checkpoints(method.name), history, result);
  evaluate(trained.untested, result);
  result.importance = trained.parts.report.at("importance");
  trained.parts.report.set("metrics", result.metrics);
  trained.parts.report.set("history", Value(history.epochs()));
  return keep(index, build_tested_model_file(trained.parts, trained.own), folder_.model(method.name));
}

Model RunInProgress::keep(std::size_t index, const std::shared_ptr<const ModelFile>& file, const fs::path& where) const {
  Model model = load(index, file, Trust::all);
  remember_trained(*file, where);  // before it is there: a run that is killed in between can be resumed
  model.save(where);
  return model;
}

RunInProgress::Trained RunInProgress::train_on(std::size_t index, const Events& events, const Preprocessing& preprocessing,
                                               const fs::path& checkpoints, History& history, MethodResult& result) {
  const MethodConfig& method = config_.methods()[index];
  const Part& train = events[PartName::train];
  TrainContext context = context_of(config_, method, after_transforms(spec_, preprocessing));
  context.checkpoints = checkpoints;
  fs::create_directories(context.checkpoints);
  context.resume = resume_;
  context.progress = [&history](const Progress& now) { return history(now); };

  Payload payload;
  {
    const PreparedPart training(config_, train, preprocessing, spec_.classes.size(), storage_for(method));
    const PreparedPart validation(config_, events[PartName::validation], preprocessing, spec_.classes.size(), storage_for(method));
    payload = with_place(config_, method, [&] { return methods_[index]->train({training.view, validation.view}, context); });
  }
  // Asked by the callback, or by interrupt(), which a training sees by itself between two epochs.
  const bool asked = history.stopped() || interrupted();
  if (asked || payload.stopped) result.status = "stopped";
  run_.stopped_ = run_.stopped_ || asked;
  if (payload.stopped && !asked) {
    log(LogLevel::warning, method.name + ": stopped at its time_limit of " + short_number(context.call.time_limit) +
                               " s; the best so far is kept");
  }

  ModelParts parts{config_, method, spec_, preprocessing, std::move(payload), train, provenance_, selftest_rows(train), {}};
  // Metrics come from the model as its file will give it, not from what lay in Python's memory after the fit.
  auto native = std::exchange(parts.payload.native, {});
  auto graph = std::exchange(parts.payload.onnx, {});
  Model own = load(index, build_model_file(parts), Trust::all);  // it was made here, a moment ago
  Model untested = with_native(parts, std::move(native), own, events);
  add_onnx(parts, graph, own, events);
  const Value* importance = parts.payload.info.find("importance");
  parts.report.set("importance", importance ? *importance : Value());
  return {std::move(parts), std::move(own), std::move(untested)};
}

Model RunInProgress::make_model_of_folds(std::size_t index, History& history, MethodResult& result) {
  const MethodConfig& method = config_.methods()[index];
  FoldedParts whole;
  whole.by = config_.data().split.fold_by;
  for (Fold fold = 0; fold < events_.folds; ++fold) {
    whole.folds.push_back(fold_file(index, fold, history, result));
    if (run_.stopped_ && fold + 1 < events_.folds) {
      throw Interrupted("the run was stopped in fold " + std::to_string(fold + 1) + " of " + std::to_string(events_.folds) +
                        ": the model needs all of them, and resuming the run trains the rest");
    }
  }
  const auto untested_file = join_folds(whole, {});
  const std::string own_backend = untested_file->manifest().at("payloads").at(0).at("backend").as_text();
  const Model untested = load(index, untested_file, Trust::all);
  const Model own = untested.backend() == own_backend ? untested : load(index, untested_file, Trust::all, own_backend);
  evaluate(untested, result);
  whole.report.set("metrics", result.metrics);
  result.importance = mean_importance(whole.folds);
  whole.report.set("importance", result.importance);
  whole.report.set("folds", result.folds);
  whole.report.set("history", Value(history.epochs()));
  const int threads = method.threads != 0 ? method.threads : config_.threads();
  const auto file = join_folds(whole, self_test_by(own, selftest_rows(events_[PartName::train]), threads));
  Model model = keep(index, file, folder_.model(method.name));
  for (Fold fold = 0; fold < events_.folds; ++fold) {
    fs::remove(folder_.fold(method.name, fold));
    forget_trained(*whole.folds[static_cast<std::size_t>(fold)]);
  }
  return model;
}

std::shared_ptr<const ModelFile> RunInProgress::fold_file(std::size_t index, Fold fold, History& history, MethodResult& result) {
  const MethodConfig& method = config_.methods()[index];
  const std::string who = method.name + ", fold " + std::to_string(fold + 1) + " of " + std::to_string(events_.folds) + ": ";
  const fs::path kept = folder_.fold(method.name, fold);
  if (resume_ && fs::exists(kept)) {
    auto file = ModelFile::read(kept);
    load(index, file, Trust::known);
    log(LogLevel::info, who + "was trained before, its model is kept");
    return file;
  }
  const Events events = events_of_fold(events_, plan_of(config_), fold, storage_for(method));
  log(LogLevel::info, who + "training on " + std::to_string(events[PartName::train].rows()) + " events, copied together");
  history.begin_fold(fold);
  const Preprocessing preprocessing = fit_preprocessing(config_, method, events);
  const fs::path checkpoints = folder_.checkpoints(method.name) / ("fold" + std::to_string(fold));
  const Trained trained = train_on(index, events, preprocessing, checkpoints, history, result);
  auto file = build_tested_model_file(trained.parts, trained.own);
  // A fold that was stopped because the run was goes on from its checkpoint when the run is resumed.
  if (!run_.stopped_) keep(index, file, kept);
  return file;
}

void RunInProgress::weigh_features(MethodResult& result) const {
  try {
    result.importance = evaluation_.importance(result.name, *result.model, result.importance);
  } catch (const Error& problem) {  // the model is there
    result.importance = Value();
    log(LogLevel::warning, result.name + ": the importance of its features is not known: " + problem.what());
  }
}

Model RunInProgress::with_native(ModelParts& parts, std::map<std::string, std::string> native, const Model& own,
                                 const Events& events) const {
  const std::string who = parts.method.name + ": ";
  if (native.empty()) {
    if (!parts.payload.not_native.empty()) log(LogLevel::info, who + "has no native form: " + parts.payload.not_native);
    return own;
  }
  parts.payload.native = std::move(native);
  try {
    const Model model(build_model_file(parts));
    parts.payload.not_native = form_difference(model, own, events);
    if (parts.payload.not_native.empty()) return model;
  } catch (const ModelError& problem) {
    parts.payload.not_native = problem.what();
  } catch (const DataError& problem) {  // it refuses events that its trainer takes
    parts.payload.not_native = problem.what();
  }
  parts.payload.native.clear();
  log(LogLevel::warning, who + "has no native form: it is wrong: " + parts.payload.not_native);
  return own;
}

void RunInProgress::add_onnx(ModelParts& parts, const std::string& graph, const Model& own, const Events& events) const {
  std::string& problem = parts.payload.not_onnx;
  if (!graph.empty()) {
    LoadOptions options;
    options.backend = onnx_name;
    options.registry = config_.registry();
    try {
      parts.payload.onnx = make_onnx_form(config_.registry(), parts.preprocessing, graph, own);
      problem = form_difference(Model(build_model_file(parts), options), own, events);
    } catch (const Error& reason) {
      problem = reason.what();
    }
    if (!problem.empty()) parts.payload.onnx.clear();
  }
  if (!problem.empty()) log(LogLevel::warning, parts.method.name + ": has no ONNX form: " + problem);
}

Value RunInProgress::report(const NamedModels& models) const {
  const MethodResult* best = nullptr;
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
      if (!method.folds.is_null()) entry.set("folds", method.folds);
      const auto mine = primary_of(method);
      const auto theirs = best ? primary_of(*best) : std::nullopt;
      if (!best || (mine && (!theirs || (mine->higher_is_better ? mine->value > theirs->value : mine->value < theirs->value)))) {
        best = &method;
      }
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
  report.set("methods", std::move(methods));
  report.set("best", best ? Value(best->name) : Value());
  if (models.size() > 1 && events_[PartName::test].rows() > 0 && !run_.stopped_) {
    report.set("comparison", evaluation_.compare(models, PartName::test));
  }
  report.set("stopped", run_.stopped_);
  return report;
}

void RunInProgress::draw_report(const NamedModels& models) const {
  const Value& options = config_.resolved().at("report");
  if (run_.stopped_ || !options.at("enabled").as_boolean()) return;
  try {
    evaluation_.draw_report(models, folder_.path(), config_.name(), options);
  } catch (const Error& problem) {  // the run is done and kept
    log(LogLevel::warning, std::string("there is no report: ") + problem.what());
  }
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
    draw_report(models);
    return std::move(run_);
  }
  if (run_.stopped_) throw Interrupted("the run was stopped before any method gave a model");
  if (run_.methods_.size() == 1) std::rethrow_exception(first_failure_);
  std::string text = "no method gave a model:";
  // One line each: run.log holds a script's whole traceback.
  for (const MethodResult& method : run_.methods_) text += "\n" + method.name + ": " + method.error.substr(0, method.error.find('\n'));
  throw Error(text);
}

}  // namespace ophion
