/// Where the features of a model are found in the numbers a program has.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ophion/matrix.h>

#include "dtype.h"
#include "model_manifest.h"
#include "split.h"

namespace ophion {

/// Made once for a list of names; const from then on. Refers to the description it was made from.
class Binding {
 public:
  /// `names` are features, columns, or numbers of array columns ("pt[0]"). Throws DataError starting with `what`, naming what is missing,
  /// what for, and the nearest names.
  Binding(const ModelDescription& model, const std::vector<std::string>& names, const std::string& what);

  /// How many names there are.
  std::size_t width() const noexcept { return width_; }

  /// Whether the names hold what tells which fold of the model has not seen an event.
  bool knows_fold() const noexcept { return fold_.has_value(); }
  /// That fold; no_fold where the numbers name none. Throws DataError for a float that can't be told from its neighbours.
  Fold fold(const float* event) const;
  void folds(std::span<const Strided> sources, std::size_t rows, Fold* out) const;

  /// The features as a view of `events` (columns in the order of the names), where nothing has to be computed or moved and no fold found.
  std::optional<MatrixView> view(const MatrixView& events) const noexcept;

  /// Features of one event, given one number a name.
  void one(const float* event, float* out) const;

  /// Features of `rows` events, row-major; `sources` are one a name.
  void many(std::span<const Strided> sources, std::size_t rows, float* out) const;

 private:
  /// A feature is one of the numbers, or computed from some of them.
  struct Origin {
    std::size_t position = 0;
    const native::Expression* expression = nullptr;
    std::vector<std::size_t> positions;  ///< one an input of the expression
  };

  std::optional<std::ptrdiff_t> even_step() const;

  std::vector<Origin> origins_;  ///< one a feature
  std::optional<Origin> fold_;
  int fold_count_ = 0;
  std::size_t width_;
  std::optional<std::ptrdiff_t> step_;  ///< from one feature to the next, where they lie in one direction among the numbers
  bool computes_ = false;  ///< some feature has an expression
  std::size_t most_inputs_ = 0;
};

}  // namespace ophion
