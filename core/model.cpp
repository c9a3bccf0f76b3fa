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

namespace ophion {
namespace {

/// Bytes of features gathered or computed at once; see preprocessing.cpp for why so many.
constexpr std::size_t block_bytes = std::size_t{32} << 20;

/// The payload of the backend that is demanded; when none is, the native one where there is one, else the first, the method's own.
const PayloadDescription& choose_payload(const ModelDescription& model, const std::string& demanded, const std::string& origin) {
  const std::string wanted = demanded.empty() ? native_name : demanded;
  std::string present;
  for (const PayloadDescription& payload : model.payloads) {
    if (payload.backend == wanted) return payload;
    present += (present.empty() ? "" : ", ") + (payload.backend.empty() ? std::string("unnamed") : payload.backend);
  }
  if (demanded.empty()) return model.payloads.front();
  throw ModelError(origin + ": has no backend '" + demanded + "'; it has " + present);
}

std::shared_ptr<const Method> method_for(const std::string& name, const LoadOptions& options, const std::string& origin) {
  try {
    if (options.isolation == Isolation::none) return options.registry.method(name);
    WorkerSettings settings;
    settings.memory_limit = options.memory_limit;
    settings.drop_rights = options.drop_rights;
    return isolated_method(options.registry, name, std::move(settings), options.workers);
  } catch (const PluginError& problem) {
    throw PluginError(origin + " needs the method '" + name + "': " + problem.what());
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
    : file(std::move(from)), description(read_manifest(*file)), machine(machine_of(options.call.threads)) {
  check_options(options);
  const PayloadDescription& described = choose_payload(description, options.backend, file->origin());
  if (described.transforms_itself) {
    description.preprocessing = Preprocessing(description.preprocessing.missing(), {}, description.spec.features);
    description.method_spec = description.spec;
  }
  if (described.backend == native_name) {
    backend = native_backend_from(*file, described, description.method_spec);
  } else if (described.backend == onnx_name) {
    backend = onnx_backend_from(*file, described, description.method_spec, options);
  } else {
    backend = run_method(described, options, std::move(by));
    if (options.batching > 0 && backend) {
      backend = std::make_unique<const JointBackend>(std::move(backend), description.method_spec, options.batching);
    }
  }
  if (!backend) throw ModelError(file->origin() + ": the method '" + description.method + "' gave nothing that scores");
  tested_ = description.selftest.rows == 0;
  if (!description.selftest.lazy && !tested_) test();
}

/// The method's own payload, here or in workers. Code needs trust where it runs with rights: in this process, and in workers that were
/// not made for this file (`by`) and have kept theirs. A worker made here for a file without trust gets none.
std::unique_ptr<const Backend> Model::State::run_method(const PayloadDescription& described, const LoadOptions& options,
                                                        std::shared_ptr<const Method> by) {
  LoadOptions allowed = options;
  const bool without_rights =  // or trusted
      options.isolation == Isolation::process && (options.drop_rights || !by);
  if (without_rights) {
    allowed.drop_rights = options.drop_rights || !is_trusted(*file, options);
  } else if (described.carries_code) {
    demand_trust(*file, described, options);
  }
  method = by ? std::move(by) : method_for(description.method, allowed, file->origin());
  const Payload payload = payload_from(*file, described);
  // A manifest may lie: what is to be loaded is looked at by those who will load it.
  if (!without_rights && !described.carries_code && method->carries_code(payload)) demand_trust(*file, described, options);
  return method->load(payload, description.method_spec, description.options, options.call);
}

/// No lock: a thread that waited here while it held Python's GIL would wait for ever. Threads that come at once all test.
void Model::State::test() const {
  const SelfTest& known = description.selftest;
  std::vector<float> scores(known.scores.size());
  const MatrixView features(known.features.data(), known.rows, description.spec.features.size());
  description.preprocessing.predict(*backend, features, description.spec.outputs(), scores);
  check_self_test(known, scores, backend->versions(), machine, file->origin());
  tested_.store(true, std::memory_order_release);
}

void Model::State::predict(const MatrixView& features, std::span<float> out, std::size_t first_row) const {
  if (!tested_.load(std::memory_order_acquire)) test();
  description.preprocessing.predict(*backend, features, description.spec.outputs(), out, first_row);
}

void Model::State::predict(const Binding& binding, std::span<const Strided> sources, std::size_t rows, std::span<float> out) const {
  const std::size_t width = description.spec.features.size();
  const std::size_t outputs = description.spec.outputs();
  const std::size_t block_rows = std::min(rows, std::max<std::size_t>(1, block_bytes / sizeof(float) / width));
  std::vector<float> features(block_rows * width);
  std::vector<Strided> block(sources.begin(), sources.end());
  for (std::size_t first = 0; first < rows; first += block_rows) {
    const std::size_t count = std::min(block_rows, rows - first);
    for (std::size_t i = 0; i < block.size(); ++i) block[i].data = sources[i].at(first);
    binding.many(block, count, features.data());
    predict(MatrixView(features.data(), count, width), out.subspan(first * outputs, count * outputs), first);
  }
}

Model Model::load(const std::filesystem::path& file, const LoadOptions& options) { return Model(ModelFile::read(file), options); }

Model::Model(std::shared_ptr<const ModelFile> file, const LoadOptions& options)
    : state_(std::make_shared<const State>(std::move(file), options)) {}

Model::Model(std::shared_ptr<const State> state) : state_(std::move(state)) {}

void Model::save(const std::filesystem::path& file) const { state_->file->write(file); }

const std::string& Model::backend() const noexcept { return state_->backend->name(); }
Value Model::versions() const { return state_->backend->versions(); }
const Spec& Model::spec() const noexcept { return state_->description.spec; }
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

std::vector<float> Model::predict(const Columns& columns) const {
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
  const Binding binding(state_->description.features, names, "columns to score");
  const std::size_t rows = columns.empty() ? 0 : columns.front().rows;
  std::vector<float> scores(rows * outputs());
  state_->predict(binding, sources, rows, scores);
  return scores;
}

Value manifest_of(const std::filesystem::path& file) { return ModelFile::read(file)->manifest(); }

}  // namespace ophion
