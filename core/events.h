/// Events of a run in their parts: read from files chunk by chunk, or taken from the program's own memory.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <ophion/config.h>
#include <ophion/dataset.h>

namespace ophion {

/// The parts a row can belong to, in this order everywhere.
enum class PartName : std::uint8_t { train, validation, test };
inline constexpr std::array<const char*, 3> part_names = {"train", "validation", "test"};

/// The events of one part: views into memory that `keeper` owns.
struct Part {
  MatrixView features;                  ///< float32, row-major, before transforms
  std::span<const std::int32_t> labels; ///< classification
  MatrixView targets;                   ///< regression: float32
  std::span<const double> weights;      ///< as the config's expressions give them
  Columns spectators;                   ///< in their own types
  std::span<const std::uint32_t> sample;  ///< index into Events::samples
  std::span<const std::uint64_t> entry;   ///< row in its file (or in its sample in memory)
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
  std::vector<double> imputed;  ///< medians by feature of the training part, when missing = impute; else empty
  const Part& operator[](PartName part) const noexcept { return parts[static_cast<std::size_t>(part)]; }
  Value report() const;  ///< the counts, for metrics.json
};

/// Reads `data.samples`. Throws DataError.
Events read_events(const Config& config);
/// Splits the program's own events as the config says; the rows of each part are copied together once, and the bytes logged.
Events take_events(const Config& config, const Dataset& dataset);

/// Weights for training and validation loss: policy for negative ones, then normalisation (each class sums to half… of all events;
/// or mean one). One number a row.
std::vector<double> training_weights(const Config& config, const Part& part, std::size_t classes);

}  // namespace ophion
