/// A study: ask for settings, train, judge, tell; until there were as many trials as wanted.
#include "tuning.h"

#include <chrono>
#include <exception>
#include <string>
#include <utility>

#include <ophion/error.h>
#include <ophion/runtime.h>
#include <ophion/tool.h>

#include "schema.h"
#include "text.h"
#include "training.h"

namespace ophion {
namespace fs = std::filesystem;
namespace {

const Value* tune_of(const Config& config, std::size_t index) { return config.methods()[index].options.find("tune"); }

/// The config with some of the method's settings changed.
Config with(const Config& config, std::size_t index, const Value& params) {
  Config changed = config;
  const std::string method = "methods." + std::to_string(index) + ".";
  for (const auto& [key, value] : params.as_object()) changed = changed.set(method + key, write_json(value, 0));
  return changed;
}

Value step(const char* what) {
  Value arguments = Value::object();
  arguments.set("do", what);
  return arguments;
}

/// What came of a trial.
struct Outcome {
  const char* state = "complete";
  Value metrics = Value::object();  ///< of a complete one: {"validation": …}
  std::string error;
};

class Study {
 public:
  Study(const Config& config, std::size_t index, const RunFolder& folder)
      : job_(config.registry().tool("tune")->start(arguments(config, index, folder))) {}

  /// {"number", "params"}; empty when there were enough.
  Value ask() { return job_->run(step("ask"), {}).value; }
  /// Whether the trial is so bad already that it shall stop.
  bool is_hopeless(std::int64_t epoch, double loss) {
    Value arguments = step("epoch");
    arguments.set("epoch", epoch);
    arguments.set("loss", loss);
    return job_->run(arguments, {}).value.at("stop").as_boolean();
  }
  /// "validation/auc 0.84213", "pruned", "failed: …". ConfigError where the metrics have none of the name wanted.
  std::string tell(const Outcome& outcome, double seconds) {
    Value arguments = step("tell");
    arguments.set("state", outcome.state);
    arguments.set("metrics", outcome.metrics);
    arguments.set("seconds", seconds);
    arguments.set("error", outcome.error);
    const Value told = job_->run(arguments, {}).value;
    if (told.at("value").is_number()) return told.at("metric").as_text() + " " + short_number(told.at("value").as_number(), 5);
    return outcome.state + (outcome.error.empty() ? "" : ": " + outcome.error);
  }
  Value finish() { return job_->finish().value; }

 private:
  static Value arguments(const Config& config, std::size_t index, const RunFolder& folder) {
    const Value& tune = *tune_of(config, index);
    const std::string& name = config.methods()[index].name;
    Value arguments = Value::object();
    arguments.set("name", name);
    arguments.set("storage", folder.study(name).string());
    arguments.set("space", tune.at("space"));
    arguments.set("trials", tune.at("trials"));
    arguments.set("task", config.task());
    arguments.set("metric", tune.find("metric") ? tune.at("metric") : Value());
    arguments.set("prune", tune.at("prune"));
    arguments.set("seed", static_cast<std::int64_t>(config.seed()));
    return arguments;
  }

  std::unique_ptr<Job> job_;
};

/// The validation loss of an epoch, by which trials are compared before they end.
const double* validation_loss(const Progress& progress) {
  for (const auto& [name, value] : progress.metrics) {
    if (name == "validation/loss") return &value;
  }
  return nullptr;
}

}  // namespace

bool is_tuned(const Config& config, std::size_t index) { return tune_of(config, index) != nullptr; }

void check_tuning(const Config& config, std::size_t index, const std::function<void(const Config& tried)>& check) {
  const std::string at = "/methods/" + std::to_string(index) + "/tune/space";
  for (const auto& [key, range] : tune_of(config, index)->at("space").as_object()) {
    const Value* values = range.find("choice");
    for (const char* kind : {"int", "float"}) values = values ? values : range.find(kind);
    for (const Value& value : values->as_array()) {
      Value params = Value::object();
      params.set(key, value);
      try {
        check(with(config, index, params));
      } catch (const ConfigError& problem) {
        throw ConfigError(config.file().string(), pointer_to(at, key), "with " + write_json(value, 0) + ": " + problem.problem());
      }
    }
  }
}

Tuned tune(const Config& config, std::size_t index, const std::shared_ptr<const Method>& plugin, const Spec& spec, const Events& events,
           const Evaluation& evaluation, const RunFolder& folder, const Value& provenance, const ProgressCallback& progress) {
  const MethodConfig& method = config.methods()[index];
  const Value& wanted = *tune_of(config, index);
  Study study(config, index, folder);
  std::exception_ptr first_failure;
  const fs::path checkpoints = folder.checkpoints(method.name) / "trial";

  const auto run = [&](const Config& tried, const std::string& called) {
    Outcome outcome;
    bool hopeless = false, asked = false;
    const Training training(tried, index, plugin, spec, provenance);
    const Preprocessing preprocessing = training.fit(events);
    const Trained trained = training.train(events, preprocessing, called, checkpoints, false, [&](const Progress& now) {
      const double* loss = validation_loss(now);
      hopeless = hopeless || (loss && study.is_hopeless(now.epoch, *loss));
      asked = asked || (progress && !progress(now)) || !now.keep_going();
      return !asked && !hopeless;
    });
    if (asked || interrupted()) throw Interrupted(called + " was stopped");
    if (hopeless) {
      outcome.state = "pruned";
    } else {
      outcome.metrics = evaluation.measure(trained.own, PartName::validation);
    }
    return outcome;
  };

  for (Value trial = study.ask(); trial.size() > 0; trial = study.ask()) {
    const Value& params = trial.at("params");
    const std::string number = std::to_string(trial.at("number").as_integer() + 1);
    const std::string called = method.name + ", trial " + number + " of " + std::to_string(wanted.at("trials").as_integer());
    log(LogLevel::info, called + ": " + write_json(params, 0));
    const auto begin = std::chrono::steady_clock::now();
    std::error_code ignored;
    fs::remove_all(checkpoints, ignored);  // another trial's
    Outcome outcome;
    try {
      outcome = run(with(config, index, params), called);
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& failure) {
      outcome = {"failed", Value::object(), first_line(failure.what())};
      if (!first_failure) first_failure = std::current_exception();
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const std::string told = with_place(config, index, [&] { return study.tell(outcome, seconds); });
    log(LogLevel::info, called + ": " + told);
  }
  Value report = study.finish();
  if (report.at("best").is_null()) {
    if (first_failure) std::rethrow_exception(first_failure);
    throw Error(method.name + ": no trial of its tuning gave a model");
  }
  log(LogLevel::info, method.name + ": best of " + std::to_string(report.at("trials").size()) + " trials: " + write_json(report.at("params"), 0));
  Config best = with(config, index, report.at("params"));
  return {std::move(best), std::move(report)};
}

}  // namespace ophion
