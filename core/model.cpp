/// Model: what scores, over a model file and a backend.
#include <ophion/model.h>

#include <algorithm>
#include <utility>

#include <ophion/error.h>

#include "demand_trust.h"
#include "isolation/isolated_method.h"
#include "joint_backend.h"
#include "model_state.h"
#include "native_backend.h"
#include "onnx_form.h"
#include "preprocessing.h"
#include "python_methods.h"

namespace ophion {
namespace {

/// Rows that folds score at once.
constexpr std::size_t folds_block_rows = std::size_t{1} << 16;

/// The payloads of the backend that is demanded, one, or one a fold; when none is demanded, the native ones where there are such, else the
/// method's own, which come first.
std::vector<const PayloadDescription*> choose_payloads(const ModelDescription& model, const std::string& demanded, const std::string& origin) {
  const std::size_t wanted_count = model.folds.count > 0 ? static_cast<std::size_t>(model.folds.count) : 1;
  const auto of_backend = [&](const std::string& backend) {
    std::vector<const PayloadDescription*> found;
    for (const PayloadDescription& payload : model.payloads) {
      if (payload.backend == backend && payload.fold == found.size() && found.size() < wanted_count) found.push_back(&payload);
    }
    return found;
  };
  auto found = of_backend(demanded.empty() ? native_name : demanded);
  if (found.empty() && demanded.empty()) found = of_backend(model.payloads.front().backend);
  if (found.size() == wanted_count) return found;
  if (!found.empty()) {
    throw ModelError(origin + ": backend '" + found.front()->backend + "' has no payload of fold " + std::to_string(found.size()));
  }
  std::string present;
  for (const PayloadDescription& payload : model.payloads) {
    const std::string name = payload.backend.empty() ? "unnamed" : payload.backend;
    if (payload.fold == 0) present += (present.empty() ? "" : ", ") + name;
  }
  throw ModelError(origin + ": has no backend '" + demanded + "'; it has " + present);
}

/// A method of the same name from elsewhere is another method.
void demand_source(const ModelDescription& model, const PluginInfo& found) {
  if (found.package == model.package) return;
  throw PluginError("here that is the " + (found.package.empty() ? "plug-in " + found.file.string() : full_name(found)));
}

std::shared_ptr<const Method> method_for(const ModelDescription& model, const LoadOptions& options, const std::string& origin) {
  const std::string& name = model.method;
  try {
    demand_source(model, options.registry.info("method", name));
    if (options.isolation == Isolation::none) return options.registry.method(name);
    WorkerSettings settings;
    settings.memory_limit = options.memory_limit;
    settings.drop_rights = options.drop_rights;
    return isolated_method(options.registry, name, std::move(settings), options.workers);
  } catch (const PluginError& problem) {
    const std::string package = model.package.empty() ? "" : " of the Python package " + model.package;
    throw PluginError(origin + " needs the method '" + name + "'" + package + ": " + problem.what() +
                      (package.empty() ? "" : "; to install it: pip install " + model.package));
  }
}

std::unique_ptr<const Backend> native_backend_from(const ModelFile& file, const PayloadDescription& described, const Spec& spec) {
  try {
    return make_native_backend(payload_from(file, described), spec);
  } catch (const ModelError& problem) {
    throw ModelError(file.origin() + ": " + problem.what());
  }
}

std::unique_ptr<const Backend> onnx_backend_from(const ModelFile& file, const PayloadDescription& described, const Spec& spec,
                                                 const LoadOptions& options) {
  try {
    return options.registry.engine(onnx_name)->load(payload_from(file, described), spec, options.call);
  } catch (const ModelError& problem) {
    throw ModelError(file.origin() + ": " + problem.what());
  }
}

void check_options(const LoadOptions& options) {
  if (options.workers < 1) throw Error("LoadOptions.workers: expected 1 or more, found " + std::to_string(options.workers));
  if (options.workers > 1 && options.batching > 0) {
    throw Error("LoadOptions.batching makes one call of many, which keeps one worker busy: it needs workers = 1");
  }
  if (options.isolation == Isolation::process) return;
  const auto refuse = [](const char* what) {
    throw Error(std::string("LoadOptions.") + what + " holds for worker processes: it needs isolation = Isolation::process");
  };
  if (options.drop_rights) refuse("drop_rights");
  if (options.memory_limit != 0) refuse("memory_limit");
  if (options.workers != 1) refuse("workers");
}

}  // namespace

Model::State::State(std::shared_ptr<const ModelFile> from, const LoadOptions& options, std::shared_ptr<const Method> by)
    : file(std::move(from)), description(read_manifest(*file, options.registry)), machine(machine_of(options.call.threads)) {
  check_options(options);
  for (const PayloadDescription* described : choose_payloads(description, options.backend, file->origin())) {
    Scorer scorer{description.preprocessing[described->fold], nullptr};
    if (described->transforms_itself) scorer.preprocessing = Preprocessing(scorer.preprocessing.missing(), {}, description.spec.features);
    scorer.backend = backend_of(*described, after_transforms(description.spec, scorer.preprocessing), options, by);
    if (!scorer.backend) throw ModelError(file->origin() + ": the method '" + description.method + "' gave nothing that scores");
    scorers.push_back(std::move(scorer));
  }
  tested_ = description.selftest.rows == 0;
  if (!description.selftest.lazy && !tested_) test();
}

/// `spec`: as the method knows it, with the features after the transforms.
std::unique_ptr<const Backend> Model::State::backend_of(const PayloadDescription& described, const Spec& spec, const LoadOptions& options,
                                                        const std::shared_ptr<const Method>& by) {
  if (described.backend == native_name) return native_backend_from(*file, described, spec);
  if (described.backend == onnx_name) return onnx_backend_from(*file, described, spec, options);
  auto backend = run_method(described, spec, options, by);
  if (options.batching == 0 || !backend) return backend;
  return std::make_unique<const JointBackend>(std::move(backend), spec, options.batching);
}

/// The method's own payload, here or in workers. Code needs trust where it runs with rights: in this process, and in workers that were
/// not made for this file (`by`) and have kept theirs. A worker made here for a file without trust gets none.
std::unique_ptr<const Backend> Model::State::run_method(const PayloadDescription& described, const Spec& spec, const LoadOptions& options,
                                                        std::shared_ptr<const Method> by) {
  LoadOptions allowed = options;
  const bool without_rights =  // or trusted
      options.isolation == Isolation::process && (options.drop_rights || !by);
  if (without_rights) {
    allowed.drop_rights = options.drop_rights || !is_trusted(*file, options);
  } else if (described.carries_code) {
    demand_trust(*file, described, options);
  }
  if (!method) method = by ? std::move(by) : method_for(description, allowed, file->origin());
  const Payload payload = payload_from(*file, described);
  // A manifest may lie: what is to be loaded is looked at by those who will load it.
  if (!without_rights && !described.carries_code && method->carries_code(payload)) demand_trust(*file, described, options);
  return method->load(payload, spec, description.options, options.call);
}

/// No lock: a thread that waited here while it held Python's GIL would wait for ever. Threads that come at once all test.
void Model::State::test() const {
  const SelfTest& known = description.selftest;
  std::vector<float> scores(known.scores.size());
  const MatrixView features(known.features.data(), known.rows, description.spec.features.size());
  score(features, scores, 0);
  check_self_test(known, scores, scorers.front().backend->versions(), machine, file->origin());
  tested_.store(true, std::memory_order_release);
}

/// The mean is taken in double, in the order of the folds: the same bits whoever asks.
void Model::State::score(const MatrixView& features, std::span<float> out, std::size_t first_row) const {
  const std::size_t outputs = description.spec.outputs();
  const auto by = [&](const Scorer& scorer, const MatrixView& rows, std::span<float> scores, std::size_t first) {
    scorer.preprocessing.predict(*scorer.backend, rows, outputs, scores, first);
  };
  if (scorers.size() == 1) return by(scorers.front(), features, out, first_row);
  if (out.size() != features.rows() * outputs) by(scorers.front(), features, out, first_row);  // which refuses it
  const std::size_t block_rows = std::min(features.rows(), folds_block_rows);
  std::vector<float> scores(block_rows * outputs);
  std::vector<double> sums(scores.size());
  for (std::size_t first = 0; first < features.rows(); first += block_rows) {
    const std::size_t count = std::min(block_rows, features.rows() - first);
    std::fill(sums.begin(), sums.end(), 0.0);
    for (const Scorer& scorer : scorers) {
      by(scorer, features.slice(first, count), std::span(scores).first(count * outputs), first_row + first);
      for (std::size_t i = 0; i < count * outputs; ++i) sums[i] += double{scores[i]};
    }
    for (std::size_t i = 0; i < count * outputs; ++i) out[first * outputs + i] = static_cast<float>(sums[i] / static_cast<double>(scorers.size()));
  }
}

/// A fold's rows are scored together. An error then counts the rows of the fold: the rows are scored one after another to find its place.
void Model::State::score(const MatrixView& features, std::span<const Fold> folds, std::span<float> out, std::size_t first_row) const {
  const std::size_t outputs = description.spec.outputs(), width = features.columns();
  std::vector<std::size_t> rows;
  std::vector<float> gathered, scores;
  for (int fold = no_fold; fold < static_cast<int>(scorers.size()); ++fold) {
    rows.clear();
    for (std::size_t row = 0; row < folds.size(); ++row) {
      if (folds[row] == fold) rows.push_back(row);
    }
    if (rows.empty()) continue;
    gathered.resize(rows.size() * width);
    scores.resize(rows.size() * outputs);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (std::size_t j = 0; j < width; ++j) gathered[i * width + j] = features.at(rows[i], j);
    }
    const auto by_fold = [&](std::size_t i, std::size_t count, std::size_t first) {
      const MatrixView some(gathered.data() + i * width, count, width);
      const auto place = std::span(scores).subspan(i * outputs, count * outputs);
      if (fold == no_fold) return score(some, place, first);
      const Scorer& scorer = scorers[static_cast<std::size_t>(fold)];
      scorer.preprocessing.predict(*scorer.backend, some, outputs, place, first);
    };
    try {
      by_fold(0, rows.size(), first_row);
    } catch (const DataError&) {
      for (std::size_t i = 0; i < rows.size(); ++i) by_fold(i, 1, first_row + rows[i]);
      throw;
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::copy_n(scores.data() + i * outputs, outputs, out.data() + rows[i] * outputs);
    }
  }
}

void Model::State::predict(const MatrixView& features, std::span<float> out, std::size_t first_row) const {
  if (!tested_.load(std::memory_order_acquire)) test();
  score(features, out, first_row);
}

void Model::State::predict(const MatrixView& features, std::span<const Fold> folds, std::span<float> out, std::size_t first_row) const {
  const std::size_t outputs = description.spec.outputs();
  if (folds.size() != features.rows() || out.size() != features.rows() * outputs) {
    throw DataError("expected " + std::to_string(features.rows()) + " folds and room for " + std::to_string(features.rows() * outputs) +
                    " scores, found " + std::to_string(folds.size()) + " and " + std::to_string(out.size()));
  }
  const auto unknown = std::find_if(folds.begin(), folds.end(), [&](Fold fold) { return fold < no_fold || fold >= description.folds.count; });
  if (unknown != folds.end()) {
    throw DataError("row " + std::to_string(unknown - folds.begin()) + " is of fold " + std::to_string(*unknown) + ", the model has " +
                    std::to_string(description.folds.count) + " folds");
  }
  if (!tested_.load(std::memory_order_acquire)) test();
  for (std::size_t first = 0; first < features.rows(); first += folds_block_rows) {
    const std::size_t count = std::min(folds_block_rows, features.rows() - first);
    score(features.slice(first, count), folds.subspan(first, count), out.subspan(first * outputs, count * outputs), first_row + first);
  }
}

void Model::State::predict(const Binding& binding, std::span<const Strided> sources, std::size_t rows, std::span<float> out) const {
  const std::size_t width = description.spec.features.size();
  const std::size_t outputs = description.spec.outputs();
  const std::size_t block_rows = std::min(rows, std::max<std::size_t>(1, block_bytes / sizeof(float) / width));
  std::vector<float> features(block_rows * width);
  std::vector<Fold> folds(binding.knows_fold() ? block_rows : 0);
  std::vector<Strided> block(sources.begin(), sources.end());
  for (std::size_t first = 0; first < rows; first += block_rows) {
    const std::size_t count = std::min(block_rows, rows - first);
    for (std::size_t i = 0; i < block.size(); ++i) block[i].data = sources[i].at(first);
    binding.many(block, count, features.data());
    const MatrixView some(features.data(), count, width);
    const auto scores = out.subspan(first * outputs, count * outputs);
    if (!binding.knows_fold()) {
      predict(some, scores, first);
      continue;
    }
    binding.folds(block, count, folds.data());
    predict(some, std::span(folds).first(count), scores, first);
  }
}

Model Model::load(const std::filesystem::path& file, const LoadOptions& options) { return Model(ModelFile::read(file), options); }

Model::Model(std::shared_ptr<const ModelFile> file, const LoadOptions& options)
    : state_(std::make_shared<const State>(std::move(file), options)) {}

Model::Model(std::shared_ptr<const State> state) : state_(std::move(state)) {}

void Model::save(const std::filesystem::path& file) const { state_->file->write(file); }

const std::string& Model::backend() const noexcept { return state_->scorers.front().backend->name(); }
Value Model::versions() const { return state_->scorers.front().backend->versions(); }
const Spec& Model::spec() const noexcept { return state_->description.spec; }
std::size_t Model::folds() const noexcept { return static_cast<std::size_t>(state_->description.folds.count); }
const std::vector<std::string>& Model::fold_inputs() const noexcept { return state_->description.folds.inputs; }
const std::vector<std::string>& Model::inputs() const noexcept { return state_->description.inputs; }
const std::vector<std::string>& Model::spectators() const noexcept { return state_->description.spectators; }
const Value& Model::manifest() const noexcept { return state_->file->manifest(); }
std::vector<std::string> Model::output_names() const { return output_names_of(spec()); }

void Model::predict(const MatrixView& features, std::span<float> out) const { state_->predict(features, out); }

std::vector<float> Model::predict(const MatrixView& features) const {
  std::vector<float> scores(features.rows() * outputs());
  predict(features, scores);
  return scores;
}

std::vector<float> Model::predict(const MatrixView& features, std::span<const std::int16_t> folds) const {
  std::vector<float> scores(features.rows() * outputs());
  state_->predict(features, folds, scores);
  return scores;
}

std::vector<float> Model::predict(const Columns& columns) const {
  std::vector<float> scores((columns.empty() ? 0 : columns.front().rows) * outputs());
  predict(columns, scores);
  return scores;
}

void Model::predict(const Columns& columns, std::span<float> out) const {
  std::vector<std::string> names;
  std::vector<Strided> sources;
  for (const Column& column : columns) {
    if (column.rows != columns.front().rows) {
      throw DataError("column '" + column.name + "' has " + std::to_string(column.rows) + " rows, '" + columns.front().name + "' has " +
                      std::to_string(columns.front().rows));
    }
    for (std::size_t i = 0; i < column.width; ++i) {
      names.push_back(column.width == 1 ? column.name : column.name + "[" + std::to_string(i) + "]");
      const auto offset = static_cast<std::ptrdiff_t>(i) * column.column_stride;
      sources.push_back({static_cast<const std::byte*>(column.data) + offset, column.row_stride, column.type});
    }
  }
  const Binding binding(state_->description, names, "columns to score");
  const std::size_t rows = columns.empty() ? 0 : columns.front().rows;
  if (out.size() != rows * outputs()) {
    throw DataError("expected room for " + std::to_string(rows * outputs()) + " scores, found " + std::to_string(out.size()));
  }
  state_->predict(binding, sources, rows, out);
}

Value manifest_of(const std::filesystem::path& file) { return ModelFile::read(file)->manifest(); }

}  // namespace ophion
