/// A Method: a recipe from data to a trained payload. A Backend: what scores, made from a payload.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ophion/dataset.h>
#include <ophion/export.h>
#include <ophion/value.h>

namespace ophion {

/// What is to be learnt. The same for training and for use.
struct Spec {
  std::string task;                    ///< "classification" or "regression"
  std::vector<std::string> features;   ///< in the order of the matrix's columns
  std::vector<std::string> classes;    ///< two: [negative, positive]; more: as in the config; empty for regression
  std::vector<std::string> targets;    ///< regression only
  /// Numbers a row of scores has: 1 for two classes, one a class beyond, one a target.
  std::size_t outputs() const noexcept {
    return task == "regression" ? targets.size() : classes.size() == 2 ? 1 : classes.size();
  }
};

/// Events with their answers. Views only: whoever calls `train` keeps the memory until it returns.
struct LabelledEvents {
  MatrixView features;                     ///< float32, after the transforms
  std::span<const std::int32_t> labels;    ///< classification: index into Spec::classes
  MatrixView targets;                      ///< regression: rows × targets, float32
  std::span<const double> weights;         ///< normalised as the config says; never empty when there are rows
  std::size_t rows() const noexcept { return features.rows(); }
};

struct TrainingData {
  LabelledEvents train;
  LabelledEvents validation;  ///< no rows when the config asks for none
};

/// What a training tells its host after each epoch (or step of its own kind).
struct Progress {
  std::string method;  ///< the name in the config
  std::int64_t epoch = 0;   ///< from 1
  std::int64_t epochs = 0;  ///< 0 when not known
  int fold = 0;   ///< of a cross-validation, from 1; 0: the config asks for none
  int folds = 0;
  std::vector<std::pair<std::string, double>> metrics;  ///< such as "loss", "validation/loss"
  /// False once `ophion::interrupt` was called.
  OPHION_EXPORT bool keep_going() const noexcept;
};

/// Called on the training's thread without the GIL; false stops the training, which keeps its best epoch. What it throws
/// ends the training and comes out of `train`.
using ProgressCallback = std::function<bool(const Progress&)>;

/// What holds for every call of a training or of a loaded model.
struct CallOptions {
  int threads = 0;        ///< of the numerical libraries; 0: as RuntimeOptions say
  /// Seconds a call may take, 0: as long as it takes. Then Python code is made to end as soon as the C function that runs in it
  /// returns, and TimeLimit is thrown; a training that has something worth keeping by then gives that (`Payload::stopped`).
  double time_limit = 0;
};

struct TrainContext {
  std::string name;  ///< the method's name in the config
  Spec spec;      ///< its features are those after the transforms; for `check`, which comes before any is fitted, those before
  Value options;  ///< the method's part of the config, checked against its schema, defaults filled in, paths absolute
  std::uint64_t seed = 0;
  CallOptions call;
  ProgressCallback progress;
  std::filesystem::path checkpoints;  ///< a folder for this method alone; empty: keep none
  bool resume = false;                ///< go on from the newest checkpoint there
};

/// What a training leaves behind, as bytes: the trained thing itself is gone when `train` returns.
struct Payload {
  /// By name, such as "weights.safetensors". Names under "script/" are source files of the user.
  std::map<std::string, std::string> members;
  /// Of a training: the same model in the neutral form (docs/native.md), which scores without Python; empty when there is none.
  std::map<std::string, std::string> native;
  /// Why there is none, in words for people.
  std::string not_native;
  /// Of a training whose config asks for it: the same model as an ONNX graph, from features after the transforms to scores, "features" to
  /// "scores". In a model file: from the features themselves.
  std::string onnx;
  /// Why there is none although it was asked for.
  std::string not_onnx;
  /// Facts that belong to the payload: "versions" {package: version}, "carries_code" (true when loading runs code from the members), and
  /// of a training "importance" (null, or {"name", "values": [{"feature", "value"}]}). What a method wants back on load is a member.
  Value info = Value::object();
  /// The training was made to end before its time, by the callback, `interrupt` or its time limit: this is its best so far.
  bool stopped = false;
};

/// Scores events; const and safe to call from any number of threads at once.
class OPHION_EXPORT Backend {
 public:
  virtual ~Backend();
  virtual const std::string& name() const noexcept = 0;  ///< "python", …
  /// `features`: float32, after the transforms. `out`: rows × outputs, row-major, the caller's; wholly written or an exception.
  virtual void predict(const MatrixView& features, std::span<float> out) const = 0;
  /// What its scores depend on here, {package: version}: the self-test of a model asks for equal scores only where these are
  /// those of the training. Empty when not known.
  virtual Value versions() const { return Value::object(); }
  /// How many rows a call is best given: as many as stay in the processor's cache while they are looked at, transformed and scored. 0: as
  /// many as there are, since a call costs more than that gains.
  virtual std::size_t preferred_rows() const noexcept { return 0; }
  /// Whether the calling thread may sleep until another thread's `predict` of this backend has ended. False where it holds what
  /// the other one may need (Python's GIL), or where that one may never end (the process is ending).
  virtual bool may_wait() const noexcept { return true; }
};

/// Scores payloads of one kind ("onnx") whatever method they came from, and runs no code of theirs.
class OPHION_EXPORT Engine {
 public:
  virtual ~Engine();
  /// Throws ModelError for a payload that can't be, PluginError where something it needs is missing.
  virtual std::unique_ptr<Backend> load(const Payload& payload, const Spec& spec, const CallOptions& call) const = 0;
};

/// What a method says of itself.
struct MethodTraits {
  std::string name;                ///< as in the config's "type"
  std::vector<std::string> tasks;  ///< of "classification", "regression"
};

/// A stateless recipe; one object serves any number of trainings and threads.
class OPHION_EXPORT Method {
 public:
  virtual ~Method();
  virtual const MethodTraits& traits() const noexcept = 0;
  /// Whatever can be found wrong before any data is read: a script's functions and their arguments, an estimator's parameters.
  virtual void check(const TrainContext& context) const = 0;
  virtual Payload train(const TrainingData& data, const TrainContext& context) const = 0;
  /// Whether `load` would run code from these members, or hand content that can't be checked to compiled code. Asked before every
  /// load: the members' own word (Payload::info) may be forged.
  virtual bool carries_code(const Payload& payload) const = 0;
  /// `options` and `spec` are those of the training; `call` holds for every call of the backend.
  virtual std::unique_ptr<Backend> load(const Payload& payload, const Spec& spec, const Value& options,
                                        const CallOptions& call) const = 0;
};

}  // namespace ophion
