/// Events of a run in their parts: samples in, checked parts out.
#include "events.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "event_builder.h"
#include "folds.h"
#include "isolation/isolated_method.h"
#include "isolation/isolated_reader.h"
#include "text.h"

namespace ophion {
namespace {

bool is_regression(const EventPlan& plan) { return plan.task == "regression"; }

/// Names of classes, checked before anything is read.
std::vector<std::string> classes_of(const EventPlan& plan, const std::vector<std::string>& in_order) {
  if (in_order.empty()) throw DataError("there are no samples to train with");
  if (is_regression(plan)) return {};
  for (std::size_t i = 0; i < in_order.size(); ++i)
    if (in_order[i].empty()) throw DataError(sample_name(i, "") + " has no class, but the task is classification");
  std::vector<std::string> classes = order_classes(in_order);
  if (classes.size() < 2)
    throw DataError("classification needs two or more classes, found one: '" + classes.front() + "'");
  return classes;
}

void refuse_empty_samples(const EventPlan& plan, const Events& events) {
  for (std::size_t i = 0; i < events.samples.size(); ++i) {
    const SampleCount& count = events.samples[i];
    if (count.selected > 0) continue;
    const std::string name = sample_name(i, count.class_name) + (count.files.empty() ? "" : ", " + joined(count.files)) + ": ";
    if (count.read == 0) throw DataError(name + "there are no events");
    // Samples in memory have no selection: theirs are not those of the config.
    const std::string selection = count.files.empty() ? "" : plan.data.samples.at(i).selection;
    throw DataError(name + "none of " + std::to_string(count.read) + " events is left" +
                    (selection.empty() ? "" : " after selection '" + selection + "'") +
                    (count.dropped_missing == 0 ? ""
                                                : ", " + std::to_string(count.dropped_missing) + " dropped for missing values"));
  }
}

/// Every part that the config wants needs events, of each class.
void refuse_empty_parts(const EventPlan& plan, const Events& events) {
  const Split split(plan.data.split, plan.seed);
  for (std::size_t part = 0; part < part_names.size(); ++part) {
    if (!split.wants(static_cast<PartName>(part))) continue;
    const std::string found = std::string(part_names[part]) + " part has no events";
    if (events.parts[part].rows() == 0)
      throw DataError("the " + found + ": data.split puts none of the selected ones there");
    for (const std::string& name : events.classes) {
      std::uint64_t selected = 0, here = 0;
      for (const SampleCount& count : events.samples) {
        if (count.class_name != name) continue;
        selected += count.selected;
        here += count.parts[part];
      }
      if (here == 0)
        throw DataError("the " + found + " of class '" + name + "': data.split puts none of its " + std::to_string(selected) +
                        " selected ones there");
    }
  }
}

/// With weights that cancel, no loss and no efficiency has a meaning.
void refuse_weightless_classes(const Events& events) {
  for (std::size_t part = 0; part < part_names.size(); ++part) {
    const Part& rows = events.parts[part];
    std::vector<double> sums(std::max<std::size_t>(1, events.classes.size()), 0.0);
    std::vector<std::size_t> counts(sums.size(), 0);
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      const std::size_t group = events.classes.empty() ? 0 : static_cast<std::size_t>(rows.labels[row]);
      sums[group] += rows.weights[row];
      ++counts[group];
    }
    for (std::size_t group = 0; group < sums.size(); ++group)
      if (counts[group] > 0 && !(sums[group] > 0))
        throw DataError("the weights of " + std::to_string(counts[group]) + " events" +
                        (events.classes.empty() ? "" : " of class '" + events.classes[group] + "'") + " in the " +
                        part_names[part] + " part sum to " + text_of(sums[group]) + ", expected more than 0");
  }
}

/// The files of every sample, opened and seen to have the columns.
std::vector<SampleSource> sources_of(const EventPlan& plan, const ReaderFor& reader_for) {
  std::vector<SampleSource> samples;
  for (std::size_t i = 0; i < plan.data.samples.size(); ++i) {
    const SampleConfig& sample = plan.data.samples[i];
    SampleCount count;
    count.class_name = sample.class_name;
    count.files = expand_patterns(sample.files, sample_name(i, sample.class_name));
    std::vector<EventSource> files;
    for (const std::string& file : count.files) files.emplace_back(reader_for(file), file, sample.tree);
    SampleRecipe recipe(plan.data, sample, is_regression(plan), files.front().column_names());
    for (const EventSource& source : files) check_source(source, recipe);
    samples.push_back({std::move(count), std::move(files), std::move(recipe)});
  }
  return samples;
}

ReaderFor readers_of(const Config& config) {
  if (config.isolation().isolation == Isolation::process) {
    const auto readers = std::make_shared<IsolatedReaders>(config.registry(), settings_of(config.isolation()), config.time_limit());
    return [readers](const std::filesystem::path& file) { return readers->reader_for(file); };
  }
  return [&config](const std::filesystem::path& file) { return config.registry().reader_for(file); };
}

Events build(const EventPlan& plan, std::vector<std::string> classes, const std::vector<SampleSource>& samples) {
  EventBuilder builder(plan, std::move(classes));
  for (const SampleSource& sample : samples) builder.add(sample);
  Events events = std::move(builder).finish();
  refuse_empty_samples(plan, events);
  refuse_empty_parts(plan, events);
  refuse_weightless_classes(events);
  if (plan.data.split.folds > 0) {
    events.folds = plan.data.split.folds;
    events.fold_by = plan.data.split.fold_by;
  }
  if (Split(plan.data.split, plan.seed).folds() > 0) {
    arrange_folds(events, plan);
    return events;  // each fold imputes with medians of its own
  }
  if (plan.data.missing == MissingPolicy::impute)
    events.imputed = medians(events[PartName::train].features, plan.data.features);
  return events;
}

}  // namespace

EventPlan plan_of(const Config& config) {
  const auto isolated = [](const MethodConfig& method) { return method.isolation.isolation == Isolation::process; };
  const bool lent = std::any_of(config.methods().begin(), config.methods().end(), isolated);
  return {config.data(), config.task(), config.seed(), lent};
}

std::vector<double> medians(const MatrixView& features, const std::vector<NamedExpression>& names) {
  std::vector<double> result;
  std::vector<float> column;
  column.reserve(features.rows());
  for (std::size_t i = 0; i < features.columns(); ++i) {
    column.clear();
    for (std::size_t row = 0; row < features.rows(); ++row)
      if (const float value = features.at(row, i); !std::isnan(value)) column.push_back(value);
    if (column.empty())
      throw DataError("feature '" + names[i].name + "' has no finite value in the training part: there is nothing to impute with");
    const auto middle = column.begin() + static_cast<std::ptrdiff_t>(column.size() / 2);
    std::nth_element(column.begin(), middle, column.end());
    double median = *middle;
    if (column.size() % 2 == 0) median = (median + *std::max_element(column.begin(), middle)) / 2;
    result.push_back(median);
  }
  return result;
}

std::vector<std::string> order_classes(const std::vector<std::string>& in_order) {
  std::vector<std::string> classes;
  for (const std::string& name : in_order)
    if (std::find(classes.begin(), classes.end(), name) == classes.end()) classes.push_back(name);
  if (classes.size() == 2 && classes[1] != "signal") std::swap(classes[0], classes[1]);
  return classes;
}

void check_files(const Config& config) { sources_of(plan_of(config), readers_of(config)); }

Events read_events(const Config& config) { return read_events(plan_of(config), readers_of(config)); }

Events read_events(const EventPlan& plan, const ReaderFor& reader_for) {
  std::vector<std::string> names;
  for (const SampleConfig& sample : plan.data.samples) names.push_back(sample.class_name);
  std::vector<std::string> classes = classes_of(plan, names);
  return build(plan, std::move(classes), sources_of(plan, reader_for));
}

Events take_events(const Config& config, const Dataset& dataset) { return take_events(plan_of(config), dataset); }

Events take_events(const EventPlan& plan, const Dataset& dataset) {
  std::vector<std::string> names;
  for (const Dataset::Sample& sample : dataset.samples()) names.push_back(sample.class_name);
  std::vector<std::string> classes = classes_of(plan, names);
  std::vector<SampleSource> samples;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Dataset::Sample& sample = dataset.samples()[i];
    const std::size_t targets = sample.targets.columns();
    if (is_regression(plan) && targets > 0 && targets != plan.data.targets.size())
      throw DataError(sample_name(i, names[i]) + " in memory: expected " + std::to_string(plan.data.targets.size()) +
                      " columns of targets, as in data.targets, found " + std::to_string(targets));
    SampleCount count;
    count.class_name = sample.class_name;
    std::vector<EventSource> memory;
    memory.emplace_back(memory_reader(dataset, sample), sample_name(i, names[i]) + " in memory", "");
    SampleRecipe recipe(plan.data, sample, is_regression(plan), memory.front().column_names());
    check_source(memory.front(), recipe);
    samples.push_back({std::move(count), std::move(memory), std::move(recipe)});
  }
  Events events = build(plan, std::move(classes), samples);
  std::size_t rows = 0, bytes = 0;
  for (std::size_t i = 0; i < events.parts.size(); ++i) {
    if (events.repeats(static_cast<PartName>(i))) continue;
    const Part& part = events.parts[i];
    rows += part.rows();
    bytes += part.rows() * sizeof(float) * (part.features.columns() + part.targets.columns());
    bytes += part.labels.size_bytes() + part.weights.size_bytes() + part.sample.size_bytes() + part.entry.size_bytes();
    for (const Column& column : part.spectators) bytes += column.rows * size_of(column.type);
  }
  log(LogLevel::info, "copied " + std::to_string(rows) + " events from the program's memory into the parts of the run: " +
                          std::to_string(bytes) + " bytes");
  return events;
}

Value Events::report() const {
  Value sample_list = Value::array();
  Value totals = Value::object();
  for (std::size_t part = 0; part < part_names.size(); ++part) totals.set(part_names[part], parts[part].rows());
  for (const SampleCount& count : samples) {
    Value entry = Value::object();
    if (!count.class_name.empty()) entry.set("class", count.class_name);
    entry.set("files", count.files);
    entry.set("read", count.read);
    entry.set("read_weight", count.read_weight);
    entry.set("selected", count.selected);
    entry.set("selected_weight", count.selected_weight);
    entry.set("dropped_missing", count.dropped_missing);
    for (std::size_t part = 0; part < part_names.size(); ++part) entry.set(part_names[part], count.parts[part]);
    sample_list.push_back(std::move(entry));
  }
  Value report = Value::object();
  report.set("samples", std::move(sample_list));
  report.set("parts", std::move(totals));
  if (repeats(PartName::train)) {
    std::vector<std::int64_t> in_fold(static_cast<std::size_t>(folds), 0);
    for (const Fold fold : (*this)[PartName::validation].fold) ++in_fold[static_cast<std::size_t>(fold)];
    report.set("folds", Value(Value::Array(in_fold.begin(), in_fold.end())));
  }
  return report;
}

}  // namespace ophion
