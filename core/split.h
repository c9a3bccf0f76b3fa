/// Split: the part a row belongs to, by hash or by an expression's value.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <ophion/config.h>

namespace ophion {

/// The parts a row can belong to, in this order everywhere.
enum class PartName : std::uint8_t { train, validation, test };
inline constexpr std::array<const char*, 3> part_names = {"train", "validation", "test"};

/// A fold of a cross-validation, from 0.
using Fold = std::int16_t;
inline constexpr Fold no_fold = -1;

/// Decides for each row on its own, so the outcome depends neither on chunks nor on what else is read.
///
/// By fractions: a row's number u, uniform in [0, 1), is `uniform(key, entry)`; the row is for test when u < test, for validation
/// when u < test + validation, else for training: changing the fraction for validation leaves the test events as they were.
/// The fractions hold on average (binomially). The same seed, samples and files give the same parts on every platform.
///
/// Cross-validation: what is not for test is for training, and belongs to one of k folds besides: number floor(k·v) where v is
/// `uniform(draw, 0)`, or the one that an expression names. The training of fold f keeps the row for its validation when
/// `uniform(draw, 1 + f)` is below that fraction.
class Split {
 public:
  Split(const SplitConfig& config, std::uint64_t seed) : config_(config), seed_(seed) {}

  /// Whether an expression decides.
  bool by_value() const noexcept { return !config_.by.empty(); }
  /// The part for a value of the expression; nothing when it is no whole number.
  std::optional<PartName> part_of(double value) const noexcept;

  /// What the rows of one file share. `sample`: position in `data.samples`. `file`: position among the sample's files, which stand in
  /// the order of its patterns, the matches of one pattern sorted bytewise; 0 for memory.
  std::uint64_t key(std::uint64_t sample, std::uint64_t file) const noexcept;
  /// The part of a row; `entry` is its number in the file, before any selection.
  PartName part_of(std::uint64_t key, std::uint64_t entry) const noexcept;

  /// How many folds there are; 0 without cross-validation.
  int folds() const noexcept { return config_.folds_of_model ? 0 : config_.folds; }
  /// Whether an expression names the fold.
  bool folds_by_value() const noexcept { return !config_.fold_by.empty(); }
  /// What all further drawing for a row begins with.
  std::uint64_t draw(std::uint64_t key, std::uint64_t entry) const noexcept;
  /// The fold drawn for a row.
  Fold fold_of(std::uint64_t draw) const noexcept;
  /// Whether the training of that fold keeps the row for its validation.
  bool validates(std::uint64_t draw, Fold fold) const noexcept;

  /// Whether the config wants events in this part.
  bool wants(PartName part) const noexcept;

 private:
  SplitConfig config_;
  std::uint64_t seed_;
};

/// The fold that a value names; no_fold when it is none of the whole numbers from 0 to folds - 1.
Fold fold_named(double value, int folds) noexcept;

/// The `index`-th output (from 0) of SplitMix64 started with state `key`: Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014.
std::uint64_t split_mix(std::uint64_t key, std::uint64_t index) noexcept;
/// Its upper 53 bits as a number in [0, 1).
double uniform(std::uint64_t key, std::uint64_t index) noexcept;

}  // namespace ophion
