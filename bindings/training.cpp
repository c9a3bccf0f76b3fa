/// The C API of trainings: configs, events of the caller, runs.
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <ophion/config.h>
#include <ophion/dataset.h>
#include <ophion/session.h>
#include <ophion/value.h>

#include "border.h"
#include "handles.h"
#include "numbers.h"
#include "options.h"

struct ophion_config {
  ophion::Config config;
};

struct ophion_events {
  /// All columns stand beside a matrix without any, each in its own type.
  ophion::Dataset dataset{std::vector<std::string>()};
};

struct ophion_run {
  explicit ophion_run(ophion::TrainedRun its_run) : run(std::move(its_run)), folder(run.folder().string()) {}

  ophion::TrainedRun run;
  std::string folder;
};

using namespace ophion;
using namespace ophion::c_api;

namespace {

/// Weights and targets as core takes them, whatever their types. Lives as long as the events.
struct Converted {
  std::vector<double> weights;
  std::vector<double> targets;
};

void check_rows(const Column& column, const std::string& what, std::size_t rows) {
  if (column.width != 1) throw Refused(OPHION_ARGUMENT, what + ": expected one number a row, found " + std::to_string(column.width));
  if (column.rows != rows) {
    throw Refused(OPHION_ARGUMENT, what + ": expected " + std::to_string(rows) + " rows, found " + std::to_string(column.rows));
  }
}

/// Row after row.
std::vector<double> doubles_of(const Columns& columns, std::size_t rows) {
  if (!columns.empty() && rows > PTRDIFF_MAX / sizeof(double) / columns.size()) throw std::bad_alloc();
  std::vector<double> numbers(columns.size() * rows);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    for (std::size_t row = 0; row < rows; ++row) numbers[row * columns.size() + i] = columns[i].at(row);
  }
  return numbers;
}

/// The dataset with one sample more.
Dataset with_sample(Dataset dataset, const char* class_name, Columns columns, const Columns& weights, const Columns& targets) {
  const std::size_t rows = columns.front().rows;
  const auto converted = std::make_shared<Converted>();
  if (!weights.empty()) check_rows(weights.front(), "weights", rows);
  for (std::size_t i = 0; i < targets.size(); ++i) check_rows(targets[i], "targets[" + std::to_string(i) + "]", rows);
  converted->weights = doubles_of(weights, rows);
  converted->targets = doubles_of(targets, rows);
  const MatrixView none(static_cast<const float*>(nullptr), rows, 0);
  dataset.add(class_name ? class_name : "", none, converted->weights, std::move(columns), converted);
  if (!targets.empty()) dataset.targets(MatrixView(converted->targets.data(), rows, targets.size()));
  return dataset;
}

Session session_of(const ophion_config& config, const ophion_events* events) {
  return events ? Session(config.config, events->dataset) : Session(config.config);
}

ProgressCallback callback_of(ophion_progress_callback callback, void* user) {
  if (!callback) return nullptr;
  return [callback, user](const Progress& now) {
    Value metrics = Value::object();
    for (const auto& [name, value] : now.metrics) metrics.set(name, value);
    const std::string text = write_json(metrics, 0);
    const ophion_progress told{now.method.c_str(), now.epoch, now.epochs, now.fold, now.folds, text.c_str()};
    return callback(&told, user) == 0;
  };
}

Value description_of(const ophion_run& handle) {
  Value methods = Value::array();
  for (const MethodResult& result : handle.run.methods()) {
    Value method = Value::object();
    method.set("name", result.name);
    method.set("type", result.type);
    method.set("status", result.status);
    method.set("error", result.error);
    method.set("seconds", result.seconds);
    methods.push_back(std::move(method));
  }
  Value value = Value::object();
  value.set("folder", handle.folder);
  value.set("best", handle.run.metrics().at("best"));
  value.set("stopped", handle.run.stopped());
  value.set("methods", std::move(methods));
  return value;
}

}  // namespace

ophion_status ophion_config_from_file(const char* file, ophion_config** config) {
  return at_border(__func__, [&] {
    auto& handle = place_for(config, "config");
    handle = new ophion_config{Config::from_file(given_text(file, "file"))};
  });
}

ophion_status ophion_config_from_json(const char* json, const char* folder, ophion_config** config) {
  return at_border(__func__, [&] {
    auto& handle = place_for(config, "config");
    handle = new ophion_config{Config::from_json(given_text(json, "json"), folder ? folder : ".")};
  });
}

ophion_status ophion_config_set(ophion_config* config, const char* key, const char* json) {
  return at_border(__func__, [&] {
    Config& now = given(config, "config").config;
    now = now.set(given_text(key, "key"), given_text(json, "json"));
  });
}

ophion_status ophion_config_describe(const ophion_config* config, char* text, size_t size, size_t* needed) {
  return text_at_border(__func__, text, size, needed, [&] { return write_json(given(config, "config").config.resolved()); });
}

void ophion_config_free(ophion_config* config) { delete config; }

ophion_status ophion_events_create(ophion_events** events) {
  return at_border(__func__, [&] {
    auto& handle = place_for(events, "events");
    handle = new ophion_events;
  });
}

ophion_status ophion_events_add(ophion_events* events, const char* class_name, const ophion_column* columns, size_t column_count,
                                const ophion_column* weights, const ophion_column* targets, size_t target_count) {
  return at_border(__func__, [&] {
    Dataset& dataset = given(events, "events").dataset;
    Columns views = views_of(columns, column_count, "columns");
    if (views.empty()) throw Refused(OPHION_ARGUMENT, "columns: expected one or more, found none");
    const Columns its_weights = views_of(weights, weights ? 1 : 0, "weights", false);
    const Columns its_targets = views_of(targets, target_count, "targets", false);
    dataset = with_sample(dataset, class_name, std::move(views), its_weights, its_targets);
  });
}

void ophion_events_free(ophion_events* events) { delete events; }

ophion_status ophion_check(const ophion_config* config, const ophion_events* events) {
  return at_border(__func__, [&] {
    const Session session = session_of(given(config, "config"), events);
    session.check();
    if (!events) session.check_files();
  });
}

ophion_status ophion_train(const ophion_config* config, const ophion_events* events, const char* options,
                           ophion_progress_callback progress, void* user, ophion_run** run) {
  return at_border(__func__, [&] {
    auto& handle = place_for(run, "run");
    std::string resume;
    Options given_options("ophion_train", options);
    given_options.take("resume", resume);
    given_options.end();
    Session session = session_of(given(config, "config"), events);
    if (!resume.empty()) session.resume(resume);
    handle = new ophion_run(session.train(callback_of(progress, user)));
  });
}

void ophion_run_free(ophion_run* run) { delete run; }

const char* ophion_run_folder(const ophion_run* run) {
  const char* folder = nullptr;
  at_border(__func__, [&] { folder = given(run, "run").folder.c_str(); });
  return folder;
}

ophion_status ophion_run_describe(const ophion_run* run, char* text, size_t size, size_t* needed) {
  return text_at_border(__func__, text, size, needed, [&] { return write_json(description_of(given(run, "run"))); });
}

ophion_status ophion_run_metrics(const ophion_run* run, char* text, size_t size, size_t* needed) {
  return text_at_border(__func__, text, size, needed, [&] { return write_json(given(run, "run").run.metrics()); });
}

ophion_status ophion_run_model(const ophion_run* run, const char* method, ophion_model** model) {
  return at_border(__func__, [&] {
    auto& handle = place_for(model, "model");
    const TrainedRun& done = given(run, "run").run;
    handle = new ophion_model(method ? done.model(method) : done.best());
  });
}
