/// Events of a run in their parts: read from files chunk by chunk, or taken from the program's own memory.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ophion/config.h>
#include <ophion/dataset.h>
#include <ophion/reader.h>

#include "split.h"

namespace ophion {

/// The events of one part: views into memory that `keeper` owns.
struct Part {
  MatrixView features;                  ///< float32, row-major, before transforms
  std::span<const std::int32_t> labels; ///< classification
  MatrixView targets;                   ///< regression: float32
  std::span<const double> weights;      ///< as the config's expressions give them
  Columns spectators;                   ///< in their own types
  std::span<const std::uint32_t> sample;  ///< index into Events::samples
  std::span<const std::uint64_t> entry;   ///< row in its file (or in its sample in memory)
  std::span<const Fold> fold;             ///< cross-validation: whose model scores the row in this part; no_fold: the mean of all
  std::span<const std::uint64_t> draw;    ///< cross-validation: what Split::validates takes
  Keeper keeper;
  std::size_t rows() const noexcept { return features.rows(); }
};

/// What became of one sample, printed and recorded.
struct SampleCount {
  std::string class_name;
  std::vector<std::string> files;
  std::uint64_t read = 0;         ///< events in the files
  double read_weight = 0;         ///< their sum of weights, before the selection
  std::uint64_t selected = 0;     ///< events after selection and missing-value policy
  double selected_weight = 0;
  std::uint64_t dropped_missing = 0;
  std::array<std::uint64_t, 3> parts{};
};

struct Events {
  std::array<Part, 3> parts;
  std::vector<SampleCount> samples;
  std::vector<std::string> classes;  ///< what labels index; empty for regression
  std::vector<double> imputed;  ///< medians by feature of the training part, when missing = impute; else empty
  int folds = 0;        ///< Part::fold is one of these, from 0; 0: the events have no folds
  std::string fold_by;  ///< the expression that names the fold; empty: it was drawn
  const Part& operator[](PartName part) const noexcept { return parts[static_cast<std::size_t>(part)]; }
  /// Whether the part's events are those of another one too: train, in a cross-validation.
  bool repeats(PartName part) const noexcept {
    const MatrixView &train = parts[0].features, &validation = parts[1].features;
    return part == PartName::train && train.rows() > 0 && train.data() == validation.data();
  }
  Value report() const;  ///< the counts, for metrics.json
};

/// The order of classes, from their names in the order of the samples (repeats count once). Two: [negative, positive], positive being
/// "signal" if there is one of that name, else the first. Any other number: the order they came in.
std::vector<std::string> order_classes(const std::vector<std::string>& in_order);

/// What of a config decides which events a run has.
struct EventPlan {
  DataConfig data;
  std::string task;
  std::uint64_t seed = 0;
  bool lent = false;  ///< to worker processes: kept where they can be shown it
};

EventPlan plan_of(const Config& config);

using ReaderFor = std::function<std::shared_ptr<const Reader>(const std::filesystem::path& file)>;

/// Reads `data.samples`. Every file's columns are looked at before the first event is read. Throws DataError, and Interrupted once
/// `interrupt` was called.
Events read_events(const Config& config);
Events read_events(const EventPlan& plan, const ReaderFor& reader_for);

/// What `read_events` finds before it reads: every file is there and has the columns. Throws DataError.
void check_files(const Config& config);

/// Splits the program's own events as the config says; the rows of each part are copied together once, and the bytes logged. The names in
/// the config's expressions are the Dataset's columns, of its matrix and others; `data.samples` is not looked at.
Events take_events(const Config& config, const Dataset& dataset);
Events take_events(const EventPlan& plan, const Dataset& dataset);

/// The median of each feature, of the numbers there are; what a missing one is replaced by. Throws DataError where there is none.
std::vector<double> medians(const MatrixView& features, const std::vector<NamedExpression>& names);

/// Weights for training and validation loss, one a row. First the policy for negative ones gives w: as they are, zero, or |w|. Then, with
/// N rows in the part:
///   equal_class  w · N / (K · W_c)   W_c: the sum of w over the row's class, K: the number of classes that have rows
///   mean_one     w · N / W           W: the sum of all w
///   none         w
/// Regression (`classes` is 0) has no classes: equal_class is mean_one there. Throws DataError where a sum to divide by is not positive.
std::vector<double> training_weights(const Config& config, const Part& part, std::size_t classes);
std::vector<double> training_weights(const DataConfig& data, const Part& part, std::size_t classes);

}  // namespace ophion
