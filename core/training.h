/// One method's trainings: on all events, on those of a fold, or with settings that are being tried.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ophion/config.h>
#include <ophion/error.h>
#include <ophion/method.h>
#include <ophion/model.h>

#include "events.h"
#include "model_builder.h"
#include "model_file.h"
#include "preprocessing.h"
#include "storage.h"

namespace ophion {

/// Memory in which a method can be given events.
Storage::Kind storage_for(const MethodConfig& method);

/// The few events whose scores a model file keeps to test itself with: spread evenly over the part. Features row by row.
std::vector<float> selftest_rows(const Part& part);

/// What a method's config says of one training.
TrainContext context_of(const Config& config, const MethodConfig& method, const Spec& spec);

/// A method knows its own part of the config only: its ConfigErrors get the file and the place of that part in it.
template <class Call>
auto with_place(const Config& config, std::size_t index, Call call) {
  try {
    return call();
  } catch (const ConfigError& problem) {
    throw ConfigError(config.file().string(), "/methods/" + std::to_string(index) + problem.pointer(), problem.problem());
  }
}

/// A model in memory, before it has a file.
struct Trained {
  ModelParts parts;
  Model own;       ///< scored by the method
  Model untested;  ///< as the file will be scored
};

class Training {
 public:
  /// Of the config's method of that number. `spec` and `provenance` must outlive it, and it what it trains.
  Training(Config config, std::size_t index, std::shared_ptr<const Method> plugin, const Spec& spec, const Value& provenance);

  const Config& config() const noexcept { return config_; }
  const MethodConfig& method() const noexcept { return config_.methods()[index_]; }
  Preprocessing fit(const Events& events) const;
  /// Trains, and makes a model that its method scores (`untested` is the same). Both references must outlive what comes back. `called`: what
  /// messages call the method.
  Trained train(const Events& events, const Preprocessing& preprocessing, const std::string& called, const std::filesystem::path& checkpoints,
                bool resume, const ProgressCallback& progress) const;
  /// Adds the forms that need no method, where they score as the method does.
  void add_forms(Trained& trained, const Events& events) const;
  /// The model of a file, loaded where its method was trained.
  Model load(std::shared_ptr<const ModelFile> file, Trust trust, const std::string& backend = "") const;

 private:
  void add_native(Trained& trained, std::map<std::string, std::string> native, const Events& events) const;
  void add_onnx(Trained& trained, const std::string& graph, const Events& events) const;

  const Config config_;
  const std::size_t index_;
  const std::shared_ptr<const Method> plugin_;
  const Spec& spec_;
  const Value& provenance_;
};

}  // namespace ophion
