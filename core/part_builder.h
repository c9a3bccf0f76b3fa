/// The growing memory of one part of a run.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dtype.h"
#include "events.h"
#include "storage.h"

namespace ophion {

/// Rows as they come out of a chunk, before each goes to its part.
struct EventBlock {
  std::vector<float> features;       ///< row-major
  std::vector<float> targets;        ///< row-major
  std::vector<double> weights;
  std::vector<std::uint64_t> entry;  ///< the row's number in its file
  std::vector<Fold> fold;            ///< cross-validation only
  std::vector<std::uint64_t> draw;   ///< cross-validation only
  std::int32_t label = 0;
  std::uint32_t sample = 0;
};

/// Appends only; what was appended moves (by page tables) but is never copied.
class PartBuilder {
 public:
  /// Without targets the part has labels.
  PartBuilder(std::size_t features, std::size_t targets, std::size_t spectators, Storage::Kind kind = Storage::Kind::own)
      : n_features_(features), n_targets_(targets), features_(kind), labels_(kind), targets_(kind), weights_(kind), spectators_(spectators) {}

  /// The rows `chosen` of a block.
  void append(const EventBlock& block, std::span<const std::uint32_t> chosen);
  /// Spectators of the same rows: numbers `chosen` of `from`, kept as `type`, which holds them exactly.
  void append_spectator(std::size_t spectator, const Strided& from, std::span<const std::uint32_t> chosen, DType type);
  /// Turns what is kept of a spectator into a type that holds it exactly: rare, when files differ.
  void widen_spectator(std::size_t spectator, DType from, DType to);

  std::size_t rows() const noexcept { return weights_.size() / sizeof(double); }
  /// Ends the building: views into memory that the part's keeper owns. `types`: one a spectator.
  Part finish(const std::vector<std::string>& spectator_names, const std::vector<DType>& types) &&;

 private:
  std::size_t n_features_;
  std::size_t n_targets_;
  Storage features_;
  Storage labels_;
  Storage targets_;
  Storage weights_;
  Storage sample_;
  Storage entry_;
  Storage fold_;
  Storage draw_;
  std::vector<Storage> spectators_;
};

}  // namespace ophion
