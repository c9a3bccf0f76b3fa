/// Scores whole files, chunk by chunk: reader → model → writer.
#include <ophion/predict.h>

#include <algorithm>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "events.h"
#include "isolation/isolated_reader.h"
#include "text.h"

namespace ophion {
namespace {

/// What to read from one file: the model's inputs (features by name where the file lacks a raw column) and what tells an event's fold,
/// then the spectators it has.
struct Wanted {
  std::vector<std::string> inputs;
  std::vector<std::string> spectators;

  std::vector<std::string> all() const {
    std::vector<std::string> names = inputs;
    for (const auto& name : spectators) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    return names;
  }
};

Wanted columns_wanted(const Model& model, const FileInfo& info, const std::string& file) {
  std::vector<std::string> present;
  for (const auto& column : info.columns) present.push_back(column.name);
  const auto has = [&](const std::string& name) { return std::find(present.begin(), present.end(), name) != present.end(); };
  const auto has_all = [&](const std::vector<std::string>& names) { return std::all_of(names.begin(), names.end(), has); };

  Wanted wanted;
  wanted.inputs = has_all(model.inputs()) || !has_all(model.features()) ? model.inputs() : model.features();
  for (const auto& name : wanted.inputs) {
    if (!has(name)) {
      throw DataError(file + (info.tree.empty() ? "" : ", tree '" + info.tree + "'") + ": no column '" + name +
                      "', which the model needs" + known_names(name, present));
    }
  }
  if (has_all(model.fold_inputs())) {
    for (const auto& name : model.fold_inputs()) {
      if (std::find(wanted.inputs.begin(), wanted.inputs.end(), name) == wanted.inputs.end()) wanted.inputs.push_back(name);
    }
  } else {
    const auto lacking = std::find_if_not(model.fold_inputs().begin(), model.fold_inputs().end(), has);
    log(LogLevel::warning, file + " has no column '" + *lacking + "', which tells the fold that has not seen an event" +
                               nearest_names(*lacking, present) + ": every event gets the mean of all " + std::to_string(model.folds()) +
                               " folds");
  }
  for (const auto& name : model.spectators()) {
    if (has(name)) wanted.spectators.push_back(name);
    else log(LogLevel::warning, file + " has no column '" + name + "', a spectator of the training: left out of the scores' file");
  }
  return wanted;
}

/// The spectators, then one column an output. Scores of several outputs stay one matrix, viewed by column.
Columns output_columns(const Model& model, const std::vector<std::string>& spectators, const Columns& chunk,
                       const std::shared_ptr<const std::vector<float>>& scores) {
  Columns out;
  for (const auto& name : spectators) {
    out.push_back(*std::find_if(chunk.begin(), chunk.end(), [&](const Column& column) { return column.name == name; }));
  }
  const std::size_t width = model.outputs();
  const auto names = model.output_names();
  for (std::size_t i = 0; i < width; ++i) {
    Column column(names[i], std::span<const float>(scores->data() + i, scores->size() / width), scores);
    column.row_stride = static_cast<std::ptrdiff_t>(width * sizeof(float));
    out.push_back(std::move(column));
  }
  return out;
}

/// A reader may run where nobody is to be trusted.
void check_chunk(const Columns& chunk, const std::vector<std::string>& wanted, const std::string& file) {
  const auto has_name = [](const Column& column, const std::string& name) { return column.name == name; };
  if (std::equal(chunk.begin(), chunk.end(), wanted.begin(), wanted.end(), has_name)) return;
  std::vector<std::string> found;
  for (const Column& column : chunk) found.push_back(column.name);
  throw DataError(file + ": expected the columns " + joined(wanted) + " from its reader, found " + joined(found, "none"));
}

void check_options(const PredictOptions& options) {
  if (options.isolation == Isolation::process) return;
  const auto refuse = [](const char* what) {
    throw Error(std::string("PredictOptions.") + what + " holds for worker processes: it needs isolation = Isolation::process");
  };
  if (options.drop_rights) refuse("drop_rights");
  if (options.memory_limit != 0) refuse("memory_limit");
  if (options.time_limit != 0) refuse("time_limit");
}

/// With `overwrite` the scores would take the place of events.
void refuse_output_among(const std::vector<std::string>& files, const std::filesystem::path& output) {
  std::error_code one_is_not_there;
  for (const auto& file : files) {
    if (std::filesystem::equivalent(file, output, one_is_not_there)) {
      throw DataError(output.string() + ": is one of the files to score; the scores need a file of their own");
    }
  }
}

ReaderFor readers_of(const PredictOptions& options) {
  check_options(options);
  if (options.isolation == Isolation::none) {
    return [&options](const std::filesystem::path& file) { return options.registry.reader_for(file); };
  }
  WorkerSettings settings;
  settings.memory_limit = options.memory_limit;
  settings.drop_rights = options.drop_rights;
  const auto readers = std::make_shared<IsolatedReaders>(options.registry, std::move(settings), options.time_limit);
  return [readers](const std::filesystem::path& file) { return readers->reader_for(file); };
}

}  // namespace

std::uint64_t predict_files(const Model& model, const std::vector<std::string>& files, const std::filesystem::path& output,
                            const PredictOptions& options) {
  if (files.empty()) throw DataError("no file to score");
  refuse_output_among(files, output);
  const ReaderFor reader_for = readers_of(options);
  // Every file is looked at before the first event is scored; all of them give the same columns of output.
  std::vector<Wanted> wanted;
  for (const auto& file : files) {
    wanted.push_back(columns_wanted(model, reader_for(file)->describe(file, options.tree), file));
  }
  std::vector<std::string> spectators = wanted.front().spectators;
  for (const Wanted& one : wanted) {
    std::erase_if(spectators, [&](const std::string& name) {
      return std::find(one.spectators.begin(), one.spectators.end(), name) == one.spectators.end();
    });
  }
  std::vector<std::string> columns = spectators;
  for (const auto& name : model.output_names()) columns.push_back(name);

  Value start = Value::object();
  start.set("output", output.string());
  start.set("overwrite", options.overwrite);
  start.set("columns", Value(columns));
  const auto writer = options.registry.tool("write_scores")->start(start);
  std::uint64_t events = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::vector<std::string> names = wanted[i].all();
    const auto stream = reader_for(files[i])->open(files[i], options.tree, names);
    while (const auto chunk = stream->next()) {
      check_chunk(*chunk, names, files[i]);
      if (interrupted()) throw Interrupted("scoring was stopped after " + std::to_string(events) + " events");
      const Columns inputs(chunk->begin(), chunk->begin() + static_cast<std::ptrdiff_t>(wanted[i].inputs.size()));
      const auto scores = std::make_shared<const std::vector<float>>(model.predict(inputs));
      writer->run(Value::object(), output_columns(model, spectators, *chunk, scores));
      events += chunk->front().rows;
      if (options.progress && !options.progress(events)) {
        throw Interrupted("scoring was stopped after " + std::to_string(events) + " events");
      }
    }
  }
  writer->finish();
  return events;
}

}  // namespace ophion
