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

class Preprocessing {
 public:
  Preprocessing() = default;
  Preprocessing(MissingPolicy missing, native::TransformChain chain, std::vector<std::string> features);

  /// Scores `features` in blocks: a missing value (NaN or infinity) is an error naming row and feature, gives a NaN score, is
  /// imputed, or passes, as the policy says; then transforms, then the backend. Nothing is copied when there is nothing to change.
  /// Errors count rows from `first_row`.
  void predict(const Backend& backend, const MatrixView& features, std::size_t outputs, std::span<float> out,
               std::size_t first_row = 0) const;

  /// Whether a method sees the features in training otherwise than they are.
  bool changes(const MatrixView& features) const noexcept;
  /// The features as it sees them, into room for rows × columns.
  void apply(const MatrixView& features, float* out) const;
  /// The same; an empty vector when nothing changes (use the original).
  std::vector<float> apply(const MatrixView& features) const;

  MissingPolicy missing() const noexcept { return missing_; }
  const native::TransformChain& chain() const noexcept { return chain_; }

 private:
  class Room;
  bool imputes_only() const noexcept;
  MatrixView prepared(const MatrixView& rows, std::size_t first_row, Room& room, bool& missing) const;
  [[noreturn]] void refuse_missing(const MatrixView& rows, std::size_t first_row) const;

  MissingPolicy missing_ = MissingPolicy::error;
  native::TransformChain chain_;
  std::vector<std::string> features_;
};

}  // namespace ophion
