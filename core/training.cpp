/// From events to a model in memory.
#include "training.h"

#include <algorithm>
#include <utility>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "durable_file.h"
#include "fit_preprocessing.h"
#include "form_check.h"
#include "model_state.h"
#include "onnx_form.h"

namespace ophion {
namespace fs = std::filesystem;
namespace {

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

}  // namespace

Storage::Kind storage_for(const MethodConfig& method) {
  return method.isolation.isolation == Isolation::process ? Storage::Kind::lent : Storage::Kind::own;
}

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

Training::Training(Config config, std::size_t index, std::shared_ptr<const Method> plugin, const Spec& spec, const Value& provenance)
    : config_(std::move(config)), index_(index), plugin_(std::move(plugin)), spec_(spec), provenance_(provenance) {}

Preprocessing Training::fit(const Events& events) const { return fit_preprocessing(config_, method(), events); }

Trained Training::train(const Events& events, const Preprocessing& preprocessing, const std::string& called, const fs::path& checkpoints,
                        bool resume, const ProgressCallback& progress) const {
  const Part& train = events[PartName::train];
  TrainContext context = context_of(config_, method(), after_transforms(spec_, preprocessing));
  context.name = called;
  context.checkpoints = checkpoints;
  make_folder(context.checkpoints);
  context.resume = resume;
  context.progress = progress;

  Payload payload;
  {
    const PreparedPart training(config_, train, preprocessing, spec_.classes.size(), storage_for(method()));
    const PreparedPart validation(config_, events[PartName::validation], preprocessing, spec_.classes.size(), storage_for(method()));
    payload = with_place(config_, index_, [&] { return plugin_->train({training.view, validation.view}, context); });
  }
  ModelParts parts{config_, method(), spec_, preprocessing, std::move(payload), train, provenance_, selftest_rows(train), {}};
  const Value* importance = parts.payload.info.find("importance");
  parts.report.set("importance", importance ? *importance : Value());
  // Metrics come from the model as its file will give it, not from what lay in Python's memory after the fit.
  auto native = std::exchange(parts.payload.native, {});
  auto graph = std::exchange(parts.payload.onnx, {});
  const Model own = load(build_model_file(parts), Trust::all);  // it was made here, a moment ago
  parts.payload.native = std::move(native);
  parts.payload.onnx = std::move(graph);
  return {std::move(parts), own, own};
}

void Training::add_forms(Trained& trained, const Events& events) const {
  auto native = std::exchange(trained.parts.payload.native, {});
  const auto graph = std::exchange(trained.parts.payload.onnx, {});
  add_native(trained, std::move(native), events);
  add_onnx(trained, graph, events);
}

Model Training::load(std::shared_ptr<const ModelFile> file, Trust trust, const std::string& backend) const {
  LoadOptions options;
  options.backend = backend;
  options.registry = config_.registry();
  options.call.threads = context_of(config_, method(), spec_).call.threads;  // the time limit was the training's
  options.trust = trust;
  options.isolation = method().isolation.isolation;
  options.memory_limit = method().isolation.memory_limit;
  options.drop_rights = method().isolation.drop_rights;
  return Model(std::make_shared<const Model::State>(std::move(file), options, plugin_));
}

void Training::add_native(Trained& trained, std::map<std::string, std::string> native, const Events& events) const {
  Payload& payload = trained.parts.payload;
  const std::string who = method().name + ": ";
  if (native.empty()) {
    if (!payload.not_native.empty()) log(LogLevel::info, who + "has no native form: " + payload.not_native);
    return;
  }
  payload.native = std::move(native);
  try {
    Model model(build_model_file(trained.parts));
    payload.not_native = form_difference(model, trained.own, events);
    if (payload.not_native.empty()) {
      trained.untested = std::move(model);
      return;
    }
  } catch (const ModelError& problem) {
    payload.not_native = problem.what();
  } catch (const DataError& problem) {  // it refuses events that its trainer takes
    payload.not_native = problem.what();
  }
  payload.native.clear();
  log(LogLevel::warning, who + "has no native form: it is wrong: " + payload.not_native);
}

void Training::add_onnx(Trained& trained, const std::string& graph, const Events& events) const {
  Payload& payload = trained.parts.payload;
  std::string& problem = payload.not_onnx;
  if (!graph.empty()) {
    LoadOptions options;
    options.backend = onnx_name;
    options.registry = config_.registry();
    try {
      payload.onnx = make_onnx_form(config_.registry(), trained.parts.preprocessing, graph, trained.own);
      problem = form_difference(Model(build_model_file(trained.parts), options), trained.own, events);
    } catch (const Error& reason) {
      problem = reason.what();
    }
    if (!problem.empty()) payload.onnx.clear();
  }
  if (!problem.empty()) log(LogLevel::warning, method().name + ": has no ONNX form: " + problem);
}

}  // namespace ophion
