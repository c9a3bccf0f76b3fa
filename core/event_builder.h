/// The one loop over events: chunk by chunk through selection, weights, features and policies to the parts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "event_source.h"
#include "events.h"
#include "part_builder.h"
#include "sample_recipe.h"
#include "split.h"

namespace ophion {

/// What was wrong with one quantity in the file being read: how often, and where first.
struct Trouble {
  std::uint64_t count = 0;
  std::uint64_t entry = 0;
  double value = 0;

  void note(std::uint64_t at, double found) noexcept {
    if (count++ == 0) {
      entry = at;
      value = found;
    }
  }
};

/// A sample before it is read: `count` knows its class and its files' names.
struct SampleSource {
  SampleCount count;
  std::vector<EventSource> files;
  SampleRecipe recipe;
};

/// Used once: `add` each sample, then `finish`.
class EventBuilder {
 public:
  EventBuilder(const EventPlan& plan, std::vector<std::string> classes);

  /// Reads a sample to its end. Throws DataError at the end of the first file with a value that can't be used, with how many there are.
  void add(const SampleSource& sample);
  /// The parts and counts, as they are: nothing is checked here.
  Events finish() &&;

 private:
  struct Troubles {
    Trouble selection, weight, negative, split_by, fold_by;
    std::vector<Trouble> missing, too_large;  // features, then targets
  };

  void read(const SampleRecipe& recipe, const EventSource& source, std::uint64_t key);
  void check_chunk(const SampleRecipe& recipe, const EventSource& source, const Columns& chunk);
  void add_block(const SampleRecipe& recipe, const Columns& chunk, std::size_t first, std::size_t rows, std::uint64_t key);
  void select(const SampleRecipe& recipe, const Columns& chunk, std::size_t first, std::size_t rows);
  void compute(const std::vector<Quantity>& quantities, const Columns& chunk, std::size_t first, std::size_t rows,
               std::size_t trouble, std::vector<float>& out);
  void find_parts(const SampleRecipe& recipe, const Columns& chunk, std::size_t first, std::size_t rows, std::uint64_t key);
  /// Fills block_.fold and block_.draw for the picked rows.
  void find_folds(const SampleRecipe& recipe, const Columns& chunk, std::size_t first, std::size_t rows, std::uint64_t key);
  void refuse_troubles(const SampleRecipe& recipe, const EventSource& source) const;

  EventPlan plan_;
  std::vector<std::string> classes_;
  Split split_;
  std::vector<PartBuilder> parts_;
  std::vector<std::optional<DType>> spectator_types_;
  std::vector<SampleCount> samples_;

  // Of the file being read.
  Troubles troubles_;
  std::uint64_t file_rows_ = 0;
  std::uint64_t file_selected_ = 0;

  // Of the block being added, kept to be filled again. "Picked": the rows that the selection accepts.
  EventBlock block_;                       // one row a picked one
  std::vector<std::uint32_t> picked_;      // rows of the chunk's block
  std::vector<std::uint8_t> drop_;         // one a picked one
  std::array<std::vector<std::uint32_t>, 3> chosen_;       // positions among the picked, by part
  std::array<std::vector<std::uint32_t>, 3> chosen_rows_;  // the same as rows of the chunk's block
  std::vector<double> scratch_;
  std::vector<double> values_;
};

}  // namespace ophion
