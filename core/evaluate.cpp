/// Models beside events: read what the models need, score, measure, compare, write.
#include <ophion/evaluate.h>

#include <algorithm>
#include <utility>

#include <ophion/error.h>
#include <ophion/runtime.h>
#include <ophion/tool.h>

#include "durable_file.h"
#include "evaluation.h"
#include "event_source.h"
#include "events.h"
#include "feature_functions.h"
#include "model_functions.h"
#include "text.h"

namespace ophion {
namespace fs = std::filesystem;

/// Which events, and what is said of them.
struct Evaluator::Plan {
  DataConfig data;  ///< its features are set by the models
  std::uint64_t seed = 0;
  std::string title;
  Value evaluation;  ///< a config's
  Value report;
};

namespace {

/// A file's name without ".ophion"; where several have one, with that of the folder they differ in.
std::vector<std::string> names_of(const std::vector<fs::path>& files) {
  std::vector<std::string> names;
  for (const fs::path& file : files) names.push_back(file.stem().string());
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (std::count_if(files.begin(), files.end(), [&](const fs::path& other) { return other.stem() == files[i].stem(); }) > 1) {
      names[i] = fs::absolute(files[i]).lexically_normal().replace_extension().string();
    }
  }
  return names;
}

void demand_same_question(const Spec& first, const std::string& first_name, const Spec& other, const std::string& other_name) {
  const auto differ = [&](const char* what, const std::string& a, const std::string& b) {
    if (a != b) throw ModelError("'" + first_name + "' and '" + other_name + "' can't be compared: " + what + " " + a + " and " + b);
  };
  differ("they do", first.task, other.task);
  differ("their classes are", joined(first.classes), joined(other.classes));
  differ("their targets are", joined(first.targets), joined(other.targets));
}

/// Samples so that classes get the numbers they have in the models; all there, and no other.
std::vector<SampleConfig> in_order_of(const Spec& spec, std::vector<SampleConfig> samples) {
  if (spec.task == "regression") return samples;
  const auto place = [&](const std::string& name) {
    return static_cast<std::size_t>(std::find(spec.classes.begin(), spec.classes.end(), name) - spec.classes.begin());
  };
  std::vector<bool> found(spec.classes.size(), false);
  for (const SampleConfig& sample : samples) {
    if (place(sample.class_name) == spec.classes.size()) {
      throw DataError("a sample has the class '" + sample.class_name + "'; the models tell " + joined(spec.classes) + " apart");
    }
    found[place(sample.class_name)] = true;
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!found[i]) throw DataError("no sample has the class '" + spec.classes[i] + "'; the models tell " + joined(spec.classes) + " apart");
  }
  const bool two = spec.classes.size() == 2;  // [negative, positive], of which the first sample's class is the positive one
  std::stable_sort(samples.begin(), samples.end(), [&](const SampleConfig& a, const SampleConfig& b) {
    return two ? place(a.class_name) > place(b.class_name) : place(a.class_name) < place(b.class_name);
  });
  return samples;
}

std::vector<NamedExpression> features_of(const std::vector<Model>& models) {
  std::vector<NamedExpression> features;
  for (const Model& model : models) {
    for (const Value& described : model.manifest().at("features").as_array()) {
      NamedExpression feature{described.at("name").as_text(), described.at("text").as_text(), described.at("unit").as_text()};
      const auto same = std::find_if(features.begin(), features.end(), [&](const auto& known) { return known.name == feature.name; });
      if (same == features.end()) {
        features.push_back(std::move(feature));
      } else if (same->expression != feature.expression) {
        throw ModelError("feature '" + feature.name + "' is '" + same->expression + "' in one model and '" + feature.expression +
                         "' in another: evaluate these one by one");
      }
    }
  }
  return features;
}

/// Those of the config and of all models.
std::shared_ptr<const FeatureFunctions> functions_for(const DataConfig& data, const std::vector<Model>& models, const Registry& registry) {
  std::vector<std::string> plugins = functions_of(data).plugins();
  for (const Model& model : models) {
    for (const std::string& name : plugins_of(model.manifest())) {
      if (std::find(plugins.begin(), plugins.end(), name) == plugins.end()) plugins.push_back(name);
    }
  }
  return std::make_shared<const FeatureFunctions>(registry, plugins);
}

/// The folds of the first model that tells them by columns which every file has: its events are then scored by the fold that has not seen them.
void take_folds(const std::vector<Model>& models, const std::vector<SampleConfig>& samples, const ReaderFor& reader_for, SplitConfig& split) {
  const auto in_every_file = [&](const std::vector<std::string>& wanted) {
    for (const SampleConfig& sample : samples) {
      for (const std::string& file : expand_patterns(sample.files, "sample '" + sample.class_name + "'")) {
        const FileInfo info = reader_for(file)->describe(file, sample.tree);
        for (const std::string& name : wanted) {
          if (std::none_of(info.columns.begin(), info.columns.end(), [&](const auto& column) { return column.name == name; })) return false;
        }
      }
    }
    return true;
  };
  for (const Model& model : models) {
    if (model.fold_inputs().empty() || !in_every_file(model.fold_inputs())) continue;
    split.folds = static_cast<int>(model.folds());
    split.fold_by = model.manifest().at("folds").at("text").as_text();
    split.folds_of_model = true;
    return;
  }
}

void make_empty_folder(const fs::path& folder) {
  make_folder(folder);
  std::error_code problem;
  const bool empty = fs::is_empty(folder, problem);
  if (problem) throw Error("cannot look into the folder " + folder.string() + ": " + problem.message());
  if (!empty) throw Error(folder.string() + " is there already, and not empty; nothing was written");
}

}  // namespace

Evaluator::Evaluator(const std::vector<fs::path>& files, const LoadOptions& options) : registry_(options.registry) {
  if (files.empty()) throw Error("there is no model to evaluate");
  const std::vector<std::string> names = names_of(files);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (std::count(names.begin(), names.end(), names[i]) > 1) throw Error(files[i].string() + " is named twice");
    models_.push_back({names[i], files[i], Model::load(files[i], options)});
    demand_same_question(models_.front().model.spec(), models_.front().name, models_.back().model.spec(), names[i]);
  }
}

Value Evaluator::evaluate(const Config& config, const fs::path& output) const {
  const Spec& spec = models_.front().model.spec();
  if (config.task() != spec.task) {
    throw ConfigError(config.file().string(), "/task", "is '" + config.task() + "'; the models do " + spec.task);
  }
  return evaluate(Plan{config.data(), config.seed(), config.name(), config.resolved().at("evaluation"), config.resolved().at("report")}, output);
}

Value Evaluator::evaluate(const std::vector<SampleConfig>& samples, const fs::path& output) const {
  Plan plan;
  plan.data.samples = samples;
  plan.data.negative = NegativeWeights::keep;
  plan.data.split.validation = 0;
  plan.data.split.test = 1;
  for (const std::string& target : models_.front().model.spec().targets) plan.data.targets.push_back({target, target, ""});
  plan.evaluation = Config::defaults("evaluation");
  plan.report = Config::defaults("report");
  for (const Entry& entry : models_) plan.title += (plan.title.empty() ? "" : ", ") + entry.name;
  return evaluate(plan, output);
}

Value Evaluator::evaluate(const Plan& plan, const fs::path& output) const {
  if (!output.empty()) make_empty_folder(output);
  const Spec& spec = models_.front().model.spec();
  NamedModels models;
  std::vector<Model> alone;
  for (const Entry& entry : models_) {
    models.emplace_back(entry.name, entry.model);
    alone.push_back(entry.model);
  }
  EventPlan wanted;
  wanted.data = plan.data;
  wanted.task = spec.task;
  wanted.seed = plan.seed;
  wanted.data.samples = in_order_of(spec, plan.data.samples);
  wanted.data.features = features_of(alone);
  wanted.data.functions = functions_for(plan.data, alone, registry_);
  wanted.data.missing = MissingPolicy::keep;  // each model has its own policy
  const ReaderFor reader_for = [this](const fs::path& file) { return registry_.reader_for(file); };
  if (wanted.data.split.folds == 0) take_folds(alone, wanted.data.samples, reader_for, wanted.data.split);
  const Events events = read_events(wanted, reader_for);

  Evaluation evaluation(registry_, spec, events, wanted.data.features, plan.evaluation, plan.seed);
  Value methods = Value::object();
  for (const Entry& entry : models_) {
    if (interrupted()) throw Interrupted("the evaluation was stopped");
    const bool by_fold = std::any_of(events.parts.begin(), events.parts.end(),
                                     [&](const Part& part) { return !evaluation.folds_for(entry.model, part).empty(); });
    if (entry.model.folds() > 0 && !by_fold) {
      log(LogLevel::warning, entry.name + ": nothing here tells which of its " + std::to_string(entry.model.folds()) +
                                 " folds has not seen an event: every event gets their mean, which knows the events of the training");
    }
    Value described = Value::object();
    described.set("type", entry.model.manifest().at("method").at("type"));
    described.set("status", "done");
    described.set("model", entry.file.string());
    described.set("metrics", evaluation.add(entry.name, entry.model));
    described.set("importance", evaluation.importance(entry.name, entry.model));
    methods.set(entry.name, std::move(described));
  }
  Value result = Value::object();
  result.set("name", plan.title);
  result.set("task", spec.task);
  result.set("classes", Value(spec.classes));
  Value data = events.report();
  data.set("separation", evaluation.separation());
  result.set("data", std::move(data));
  result.set("best", best_of(methods, {PartName::test, PartName::validation, PartName::train}));
  result.set("methods", std::move(methods));
  if (models.size() > 1) result.set("comparison", evaluation.compare(models));
  result.set("stopped", false);
  if (!output.empty()) {
    evaluation.write_scores(models, output / "scores.parquet", false);
    write_atomically(output / "metrics.json", write_json(result) + "\n");
    evaluation.draw_report(models, output, plan.title, plan.report);
  }
  return result;
}

void redraw_report(const fs::path& folder, const Registry& registry) {
  std::error_code ignored;
  if (!fs::exists(folder / "metrics.json", ignored)) throw DataError(folder.string() + " holds no metrics.json: it is no folder of a finished run");
  Value arguments = Value::object();
  arguments.set("folder", fs::absolute(folder).string());
  registry.tool("report")->start(arguments)->finish();
}

}  // namespace ophion
