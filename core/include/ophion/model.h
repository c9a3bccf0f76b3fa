/// Model: what scores events. Only training and loading make one, so a Model is always ready.
#pragma once

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <ophion/dataset.h>
#include <ophion/export.h>
#include <ophion/isolation.h>
#include <ophion/method.h>
#include <ophion/registry.h>
#include <ophion/trust.h>
#include <ophion/value.h>

namespace ophion {

class ModelFile;

struct LoadOptions {
  /// What shall score: "python", as it was trained; or, where the file holds such a form, "native", without Python, or "onnx", by
  /// ONNX Runtime; empty: native where the file holds that form, else "python".
  std::string backend;
  CallOptions call;     ///< threads and time limit of every call into this model
  /// Rows that are scored together at most, 0: off. With a backend other than the native one, small calls of several threads that come
  /// while one runs are then made as one. The last bits of a score may depend on the rows it was scored with.
  std::size_t batching = 0;
  Trust trust = Trust::known;            ///< which models that carry code are run
  std::set<std::string> trusted_hashes;  ///< of ModelFacts::hash: run beside those that are known
  /// Where the model's code runs; a native form has none and scores here. With `process`, also a call that hangs, crashes or takes all
  /// memory ends as an exception, and the next call gets a new worker.
  Isolation isolation = Isolation::none;
  int workers = 1;               ///< processes that score at the same time; further calls wait
  std::size_t memory_limit = 0;  ///< bytes of private memory a worker may have; 0: as many as there are
  /// Workers have no network, start no process and write no file. WorkerError where the kernel can't see to that.
  bool drop_rights = false;
  Registry registry = Registry();
};

/// Scores rows whose columns come in the order the program has them. Const, cheap to copy, shared by threads.
class OPHION_EXPORT BoundScore {
 public:
  /// One event: one number a bound name. Returns the score (two classes, one target).
  /// Throws ModelError for another number of values, or when a row has several scores.
  float operator()(std::span<const float> event) const;
  float operator()(std::initializer_list<float> event) const { return (*this)(std::span(event.begin(), event.size())); }
  /// One event with several outputs.
  void operator()(std::span<const float> event, std::span<float> out) const;
  /// Many events: columns in the bound order; `out` holds rows × outputs.
  void predict(const MatrixView& events, std::span<float> out) const;
  /// Whether each event is scored by the fold that has not seen it. Numbers that decide that must be whole and, as float, below 2^24
  /// (larger event numbers can't be told apart): else DataError. Give them as double, or to `Model::predict` in their own type.
  bool by_fold() const noexcept;

 private:
  friend class Model;
  struct State;
  explicit BoundScore(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

/// Const after it is made; copies share one state; safe in any number of threads.
class OPHION_EXPORT Model {
 public:
  /// Reads a model file, checks its hashes and its self-test. Throws ModelError, TrustError, PluginError,
  /// PythonError.
  static Model load(const std::filesystem::path& file, const LoadOptions& options = {});
  /// A model from a file that is still in memory: how training ends.
  explicit Model(std::shared_ptr<const ModelFile> file, const LoadOptions& options = {});

  /// Writes the file it came from, byte for byte, under `file`: wholly or not at all.
  void save(const std::filesystem::path& file) const;

  /// What scores: the name of its Backend ("native", "python").
  const std::string& backend() const noexcept;
  /// What the scores depend on here, {package: version}; empty when the backend doesn't say.
  Value versions() const;
  const Spec& spec() const noexcept;
  const std::vector<std::string>& features() const noexcept { return spec().features; }
  std::size_t outputs() const noexcept { return spec().outputs(); }
  /// The columns of a file from which the features can be computed.
  const std::vector<std::string>& inputs() const noexcept;
  /// Spectators of the training, which `ophion predict` passes on.
  const std::vector<std::string>& spectators() const noexcept;
  const Value& manifest() const noexcept;
  /// "score", "score_<class>" or "pred_<target>", one an output.
  std::vector<std::string> output_names() const;

  /// How many folds of a cross-validation the model is made of; 0: it is one whole.
  std::size_t folds() const noexcept;
  /// The columns that tell which fold has not seen an event. Empty where nothing does: then every event gets the mean of all folds.
  const std::vector<std::string>& fold_inputs() const noexcept;

  /// Scores rows of features in training order, with folds by the mean of all. `out` is the caller's: rows × outputs, row-major.
  void predict(const MatrixView& features, std::span<float> out) const;
  std::vector<float> predict(const MatrixView& features) const;
  /// Scores each row by one fold of a cross-validation, from 0; -1: by the mean of all. Throws DataError for a fold that is not there.
  std::vector<float> predict(const MatrixView& features, std::span<const std::int16_t> folds) const;
  /// Scores columns by name (features, or the raw columns their expressions need); the rest is ignored. A name that is both is
  /// the raw column. Numbers of array columns are found as "pt[0]". Where the `fold_inputs` are there too, each row is scored by the fold
  /// that has not seen it.
  std::vector<float> predict(const Columns& columns) const;
  /// The same into memory of the caller's: rows × outputs.
  void predict(const Columns& columns, std::span<float> out) const;

  /// Fixes the order in which a program has its numbers: names of features or of raw columns ("pt", "pt[0]"). A missing one
  /// throws DataError here, naming the nearest. A name that is both a raw column and a feature computed from others is the raw column.
  /// Where the `fold_inputs` are among them, each event is scored by the fold that has not seen it, else by the mean of all.
  BoundScore bind(const std::vector<std::string>& names) const;

 private:
  friend class BoundScore;
  friend class Evaluation;
  friend class Training;
  struct State;
  explicit Model(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

/// Writes the ONNX form of a model file to a file of its own: a graph from the features to the scores. Nothing of it is run. Throws
/// ModelError, saying why, where there is none.
OPHION_EXPORT void export_onnx(const std::filesystem::path& model, const std::filesystem::path& file);

/// Writes a model's native form as a C++20 header that needs the standard library alone, wholly or not at all: its transforms, what it
/// does about missing values, and in a namespace of the model's name (model_mlp)
///     float score(const float* event);             where there is one output
///     void score(const float* event, float* out);
/// with the features in the order of the training. Where loading the model file and scoring an event would throw, the score is NaN.
/// Throws ModelError for a file without a native form, for a quantile transform to a normal distribution, and for more than a million
/// nodes and weights.
OPHION_EXPORT void export_cpp(const std::filesystem::path& model, const std::filesystem::path& file);

/// The manifest of a model file, whose hashes are checked; nothing of the model is loaded or run. Throws ModelError.
OPHION_EXPORT Value manifest_of(const std::filesystem::path& file);

}  // namespace ophion
