/// What stands between a row of features and a backend: the policy for missing values, then the transforms.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <ophion/config.h>
#include <ophion/matrix.h>
#include <ophion/method.h>

#include "transform.h"

namespace ophion {

/// Bytes of gathered or changed features made at once, unless the backend prefers fewer rows. Rows that need no change go to the backend in
/// one call; others in blocks as large as memory well allows, since a forest of scikit-learn loses 15 % of its speed where it gets 65,536
/// rows a call (its fixed cost is milliseconds, and more).
inline constexpr std::size_t block_bytes = std::size_t{32} << 20;

class Preprocessing {
 public:
  Preprocessing() = default;
  Preprocessing(MissingPolicy missing, native::TransformChain chain, std::vector<std::string> features);

  /// Scores `features` in blocks: a missing value (NaN or infinity) is an error naming row and feature, gives a NaN score, is
  /// imputed, or passes, as the policy says; then transforms, then the backend. A number that has no logarithm is as good as missing to
  /// a transform that takes one. Nothing is copied when there is nothing to change. Errors count rows from `first_row`.
  void predict(const Backend& backend, const MatrixView& features, std::size_t outputs, std::span<float> out,
               std::size_t first_row = 0) const;

  /// Whether a method sees the features in training otherwise than they are.
  bool changes(const MatrixView& features) const noexcept;
  /// The features as it sees them, into room for rows × names_out().size().
  void apply(const MatrixView& features, float* out) const;
  /// The same; an empty vector when nothing changes (use the original).
  std::vector<float> apply(const MatrixView& features) const;

  MissingPolicy missing() const noexcept { return missing_; }
  const native::TransformChain& chain() const noexcept { return chain_; }
  /// What a method sees: the features, or the columns that the transforms make of them.
  const std::vector<std::string>& names_out() const noexcept { return names_out_; }

 private:
  class Room;
  struct Block;
  bool imputes_only() const noexcept;
  Block prepared(const MatrixView& rows, std::size_t first_row, Room& changed) const;
  void transform(Block& block, std::size_t first_row, float* out) const;
  [[noreturn]] void refuse_missing(const MatrixView& rows, std::size_t first_row) const;
  [[noreturn]] void refuse_undefined(const MatrixView& rows, std::size_t row, std::size_t first_row) const;

  MissingPolicy missing_ = MissingPolicy::error;
  native::TransformChain chain_;
  std::vector<std::string> features_;
  std::vector<std::string> names_out_;
};

/// What is to be learnt as a method knows it: from the features that it sees.
Spec after_transforms(Spec spec, const Preprocessing& preprocessing);

}  // namespace ophion
