/// What is computed for the rows of a sample, and from which columns.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <ophion/config.h>
#include <ophion/dataset.h>

#include "dtype.h"
#include "features.h"

namespace ophion {

/// One number a row: a column as it stands, or an expression over columns.
struct Quantity {
  std::string what;                           ///< for messages: "feature 'abs_eta'"
  std::size_t column = 0;                     ///< position among the recipe's columns, unless there is an
  std::optional<BoundExpression> expression;

  /// Rows `first` to `first + rows` of a chunk: a view of the column, or of `scratch` after the expression was evaluated into it.
  Strided view(const Columns& chunk, std::size_t first, std::size_t rows, std::vector<double>& scratch) const;
};

/// Made once a sample; const from then on.
class SampleRecipe {
 public:
  /// A column that must be read, and what needs it first ("feature 'abs_eta'").
  struct Input {
    std::string column;
    std::string needed_by;
  };

  /// For a sample of the config: its selection and weight. `known`: the columns there are, since "pt[0]" is a column of just that name
  /// if there is one, else a number of the array column "pt". Throws DataError for an expression that can't be parsed.
  SampleRecipe(const DataConfig& data, const SampleConfig& sample, bool regression, std::vector<std::string> known);
  /// For events in memory: their weights and targets are columns of `memory_weights` and `memory_target`; without targets of
  /// their own, the config's expressions give them.
  SampleRecipe(const DataConfig& data, const Dataset::Sample& sample, bool regression, std::vector<std::string> known);

  static const std::string memory_weights;
  static std::string memory_target(std::size_t index);

  const std::vector<Input>& inputs() const noexcept { return inputs_; }
  /// The names of `inputs`: what to ask a reader for, in this order.
  std::vector<std::string> columns() const;

  const std::optional<Quantity>& selection() const noexcept { return selection_; }
  const std::optional<Quantity>& weight() const noexcept { return weight_; }
  const std::optional<Quantity>& split_by() const noexcept { return split_by_; }
  const std::optional<Quantity>& fold_by() const noexcept { return fold_by_; }
  const std::vector<Quantity>& features() const noexcept { return features_; }
  const std::vector<Quantity>& targets() const noexcept { return targets_; }
  /// Positions among `columns`, in the order of `data.spectators`.
  const std::vector<std::size_t>& spectators() const noexcept { return spectators_; }

 private:
  SampleRecipe(const DataConfig& data, std::vector<std::string> known);
  std::size_t need(const std::string& column, const std::string& needed_by);
  Quantity from_column(const std::string& what, const std::string& column);
  Quantity from_text(const DataConfig& data, const std::string& kind, const std::string& name, const std::string& text);
  void take_targets(const DataConfig& data);

  std::vector<std::string> known_;
  std::vector<Input> inputs_;
  std::optional<Quantity> selection_;
  std::optional<Quantity> weight_;
  std::optional<Quantity> split_by_;
  std::optional<Quantity> fold_by_;
  std::vector<Quantity> features_;
  std::vector<Quantity> targets_;
  std::vector<std::size_t> spectators_;
};

}  // namespace ophion
