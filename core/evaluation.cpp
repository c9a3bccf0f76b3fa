/// Scoring of all parts, their metrics, and the file of scores.
#include "evaluation.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

namespace ophion {
namespace {

/// The number by which methods are ranked, larger where better; least where it is not defined.
double merit_of(const Value& metrics) {
  const Value& primary = metrics.at("primary");
  const Value& value = metrics.at(primary.at("name").as_text());
  if (!value.is_number()) return -std::numeric_limits<double>::infinity();
  return primary.at("higher_is_better").as_boolean() ? value.as_number() : -value.as_number();
}

}  // namespace

Value best_of(const Value& methods, std::initializer_list<PartName> parts) {
  Value best;
  double most = 0;
  for (const auto& [name, entry] : methods.as_object()) {
    const Value* metrics = nullptr;
    for (const PartName part : parts) {
      if (!metrics) metrics = entry.find_path(std::string("metrics/") + part_names[static_cast<std::size_t>(part)]);
    }
    if (!metrics) continue;
    if (const double merit = merit_of(*metrics); best.is_null() || merit > most) {
      best = name;
      most = merit;
    }
  }
  return best;
}

Evaluation::Evaluation(const Registry& registry, const Spec& spec, const Events& events, const std::vector<NamedExpression>& features,
                       Value settings, std::uint64_t seed)
    : registry_(registry), spec_(spec), events_(events), features_(features), settings_(std::move(settings)), seed_(seed) {}

std::vector<std::size_t> Evaluation::columns_for(const Model& model) const {
  std::vector<std::size_t> columns;
  for (const std::string& name : model.features()) {
    const auto named = [&](const NamedExpression& feature) { return feature.name == name; };
    columns.push_back(static_cast<std::size_t>(std::find_if(features_.begin(), features_.end(), named) - features_.begin()));
  }
  bool as_they_stand = columns.size() == features_.size();
  for (std::size_t i = 0; i < columns.size(); ++i) as_they_stand = as_they_stand && columns[i] == i;
  return as_they_stand ? std::vector<std::size_t>() : columns;
}

MatrixView Evaluation::features_for(const Model& model, const Part& part, std::vector<float>& room) const {
  const std::vector<std::size_t> columns = columns_for(model);
  if (columns.empty()) return part.features;
  room.clear();
  room.reserve(part.rows() * columns.size());
  for (std::size_t row = 0; row < part.rows(); ++row) {
    for (const std::size_t column : columns) room.push_back(part.features.at(row, column));
  }
  return MatrixView(room.data(), part.rows(), columns.size());
}

MatrixView Evaluation::scores_of(const std::string& name, const Model& model, std::size_t part) const {
  return MatrixView(scores_.at(name)[part].data(), events_.parts[part].rows(), model.outputs());
}

Columns Evaluation::truth(const Part& part) const {
  Columns columns{Column("weights", part.weights)};
  if (spec_.task == "regression") {
    columns.emplace_back("targets", part.targets);
  } else {
    columns.emplace_back("labels", part.labels);
  }
  return columns;
}

/// The events that each class stands for in all parts together: the sums of their weights.
Value Evaluation::yields() const {
  std::vector<double> sums(spec_.classes.size(), 0.0);
  for (std::size_t i = 0; i < events_.parts.size(); ++i) {
    if (events_.repeats(static_cast<PartName>(i))) continue;
    const Part& part = events_.parts[i];
    for (std::size_t row = 0; row < part.labels.size(); ++row) sums[static_cast<std::size_t>(part.labels[row])] += part.weights[row];
  }
  Value yields = Value::object();
  for (std::size_t i = 0; i < sums.size(); ++i) yields.set(spec_.classes[i], sums[i]);
  return yields;
}

Value Evaluation::describe_task() const {
  Value task = Value::object();
  task.set("task", spec_.task);
  task.set("classes", Value(spec_.classes));
  task.set("targets", Value(spec_.targets));
  return task;
}

Value Evaluation::metrics_settings() const {
  Value settings = Value::object();
  settings.set("evaluation", settings_);
  settings.set("yields", yields());
  return settings;
}

/// Folds have numbers in one division of the events only: that of the events must be the model's.
std::span<const Fold> Evaluation::folds_for(const Model& model, const Part& part) const {
  if (model.folds() == 0 || model.folds() != static_cast<std::size_t>(events_.folds)) return {};
  return model.manifest().at("folds").at("text").as_text() == events_.fold_by ? part.fold : std::span<const Fold>();
}

Value Evaluation::metrics_of(Job& job, PartName which, const MatrixView& scores) const {
  Value arguments = describe_task();
  arguments.set("part", part_names[static_cast<std::size_t>(which)]);
  Columns data = truth(events_[which]);
  data.emplace_back("scores", scores);
  return job.run(arguments, data).value;
}

Value Evaluation::measure(const Model& model, PartName which) const {
  std::vector<float> room;
  const std::vector<float> scores = model.predict(features_for(model, events_[which], room));
  const auto job = registry_.tool("metrics")->start(metrics_settings());
  Value metrics = Value::object();
  metrics.set(part_names[static_cast<std::size_t>(which)],
              metrics_of(*job, which, MatrixView(scores.data(), events_[which].rows(), model.outputs())));
  job->finish();
  return metrics;
}

Value Evaluation::add(const std::string& name, const Model& model) {
  Scores& scores = scores_[name];
  Value metrics = Value::object();
  const auto job = registry_.tool("metrics")->start(metrics_settings());
  std::vector<float> room;
  for (std::size_t i = 0; i < events_.parts.size(); ++i) {
    const Part& part = events_.parts[i];
    if (part.rows() == 0) continue;
    const MatrixView features = features_for(model, part, room);
    const std::span<const Fold> folds = folds_for(model, part);
    scores[i] = folds.empty() ? model.predict(features) : model.predict(features, folds);
    metrics.set(part_names[i], metrics_of(*job, static_cast<PartName>(i), scores_of(name, model, i)));
  }
  job->finish();
  return metrics;
}

void Evaluation::write_scores(const NamedModels& models, const std::filesystem::path& output, bool overwrite) const {
  Value arguments = Value::object();
  arguments.set("output", output.string());
  arguments.set("overwrite", overwrite);
  const auto job = registry_.tool("write_scores")->start(arguments);
  for (std::size_t i = 0; i < events_.parts.size(); ++i) {
    const Part& part = events_.parts[i];
    if (part.rows() == 0 || events_.repeats(static_cast<PartName>(i))) continue;
    const std::vector<std::uint8_t> part_index(part.rows(), static_cast<std::uint8_t>(i));
    Columns data{Column("part", std::span<const std::uint8_t>(part_index)), Column("sample", part.sample), Column("entry", part.entry)};
    if (events_.folds > 0) data.emplace_back("fold", part.fold);
    if (spec_.task == "classification") data.emplace_back("label", part.labels);
    data.emplace_back("weight", part.weights);
    for (std::size_t t = 0; t < spec_.targets.size(); ++t) {
      data.emplace_back("target_" + spec_.targets[t],
                        MatrixView(static_cast<const float*>(part.targets.data()) + t, part.rows(), 1, part.targets.row_stride(), 1));
    }
    for (Column spectator : part.spectators) {
      const auto taken = [&](const Column& column) { return column.name == spectator.name; };
      if (std::any_of(data.begin(), data.end(), taken)) spectator.name = "spectator_" + spectator.name;
      data.push_back(std::move(spectator));
    }
    for (const auto& [name, model] : models) {
      const std::vector<std::string> outputs = model.output_names();
      const std::size_t width = outputs.size();
      for (std::size_t k = 0; k < width; ++k) {
        const float* const first = scores_.at(name)[i].data() + k;
        data.emplace_back(name + "_" + outputs[k], MatrixView(first, part.rows(), 1, static_cast<std::ptrdiff_t>(width), 1));
      }
    }
    job->run(Value::object(), data);
  }
  job->finish();
}

}  // namespace ophion
