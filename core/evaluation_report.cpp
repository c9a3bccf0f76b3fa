/// What an evaluation says beyond each model's own metrics: importance of features, comparison of models, the report.
#include <initializer_list>
#include <numeric>
#include <string>
#include <utility>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "evaluation.h"
#include "features.h"
#include "importance.h"
#include "model_builder.h"
#include "model_state.h"

namespace ophion {
namespace {

/// The first of these parts that has events.
std::size_t first_with_events(const Events& events, std::initializer_list<PartName> parts) {
  for (const PartName part : parts) {
    if (events[part].rows() > 0) return static_cast<std::size_t>(part);
  }
  return 0;
}

/// Features as the method sees them.
struct Transformed {
  std::string name;
  std::vector<float> numbers;
  std::size_t width;
};

}  // namespace

Value Evaluation::importance(const std::string& name, const Model& model) const {
  ImportanceSettings settings;
  settings.events = static_cast<std::size_t>(settings_.at("importance_events").as_integer());
  settings.seed = seed_;
  if (settings.events == 0) return {};
  settings.step = name + ": importance of the features";
  log(LogLevel::info, settings.step);
  std::vector<std::size_t> columns = columns_for(model);
  if (columns.empty()) {
    columns.resize(features_.size());
    std::iota(columns.begin(), columns.end(), std::size_t{0});
  }
  const std::size_t part = first_with_events(events_, {PartName::validation, PartName::test, PartName::train});
  const bool by_fold = !folds_for(model, events_.parts[part]).empty();
  const auto score = [&](const MatrixView& rows, std::span<const Fold> folds) {
    return by_fold ? model.predict(rows, folds) : model.predict(rows);
  };
  Value found = permutation_importance(registry_, spec_, events_.parts[part], columns, model.features(),
                                       score, settings);
  if (found.is_null()) return found;
  found.set("part", part_names[part]);
  const Value report = report_of(*model.state_->file);
  if (const Value* own = report.find("importance"); own && !own->is_null()) found.set("own", *own);
  return found;
}

Value Evaluation::separation() const {
  if (spec_.task == "regression") return {};
  const Part& part = events_.parts[first_with_events(events_, {PartName::train, PartName::test})];
  Value arguments = Value::object();
  arguments.set("features", Value(names_of(features_)));
  arguments.set("classes", Value(spec_.classes));
  const auto job = registry_.tool("rank_features")->start(arguments);
  Columns data = truth(part);
  data.emplace_back("features", part.features);
  Value ranking = job->run(Value::object(), data).value.at("separation");
  job->finish();
  return ranking;
}

Value Evaluation::compare(const NamedModels& models) const {
  const std::size_t index = first_with_events(events_, {PartName::test, PartName::validation, PartName::train});
  std::vector<std::string> names;
  for (const auto& [name, model] : models) names.push_back(name);
  const Part& part = events_.parts[index];
  Value arguments = describe_task();
  arguments.set("models", Value(names));
  arguments.set("bootstrap", settings_.at("bootstrap"));
  arguments.set("seed", static_cast<std::int64_t>(seed_));
  const auto job = registry_.tool("compare")->start(arguments);
  Columns data = truth(part);
  for (const auto& [name, model] : models) data.emplace_back("scores:" + name, scores_of(name, model, index));
  Value where = Value::object();
  where.set("part", part_names[index]);
  Value comparison = job->run(where, data).value;
  job->finish();
  comparison.set("part", part_names[index]);
  return comparison;
}

void Evaluation::draw_report(const NamedModels& models, const std::filesystem::path& folder, const std::string& title,
                             const Value& options) const {
  if (!options.at("enabled").as_boolean()) return;
  log(LogLevel::info, "drawing " + (folder / "report").string());
  try {
    summarise_and_draw(models, folder, title, options);
  } catch (const Error& problem) {
    log(LogLevel::warning, std::string("there is no report: ") + problem.what());
  }
}

void Evaluation::summarise_and_draw(const NamedModels& models, const std::filesystem::path& folder, const std::string& title,
                                    const Value& options) const {
  Value features = Value::array(), transformed_names = Value::object();
  for (const NamedExpression& feature : features_) {
    Value described = Value::object();
    described.set("name", feature.name);
    described.set("unit", feature.unit);
    features.push_back(std::move(described));
  }
  // Of a model of folds, what the first one sees: the others' transforms were fitted on much the same events.
  const auto preprocessing_of = [](const Model& model) -> const Preprocessing& { return model.state_->description.preprocessing.front(); };
  for (const auto& [name, model] : models) {
    if (!preprocessing_of(model).chain().empty()) transformed_names.set(name, Value(preprocessing_of(model).names_out()));
  }
  Value arguments = describe_task();
  arguments.set("folder", folder.string());
  arguments.set("title", title);
  arguments.set("features", std::move(features));
  arguments.set("transformed", std::move(transformed_names));
  arguments.set("options", options);
  const auto job = registry_.tool("report")->start(arguments);
  for (std::size_t i = 0; i < events_.parts.size(); ++i) {
    const Part& part = events_.parts[i];
    if (part.rows() == 0) continue;
    Columns data = truth(part);
    data.emplace_back("features", part.features);
    for (Column spectator : part.spectators) {
      spectator.name = "spectator:" + spectator.name;
      data.push_back(std::move(spectator));
    }
    std::vector<Transformed> transformed;  // of one part at a time
    std::vector<float> room;
    for (const auto& [name, model] : models) {
      data.emplace_back("scores:" + name, scores_of(name, model, i));
      if (preprocessing_of(model).chain().empty() || i != 0) continue;  // the training part shows them
      const MatrixView seen = features_for(model, part, room);
      transformed.push_back({"transformed:" + name, preprocessing_of(model).apply(seen), preprocessing_of(model).names_out().size()});
    }
    for (const Transformed& one : transformed) data.emplace_back(one.name, MatrixView(one.numbers.data(), part.rows(), one.width));
    Value which = Value::object();
    which.set("part", part_names[i]);
    job->run(which, data);
  }
  job->finish();
}

}  // namespace ophion
