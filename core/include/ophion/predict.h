/// Scores whole files, chunk by chunk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <ophion/export.h>
#include <ophion/model.h>

namespace ophion {

struct PredictOptions {
  std::string tree;        ///< in the input files; empty: the only one
  bool overwrite = false;  ///< an output file that is there already is an error otherwise
  Registry registry = Registry();
  Isolation isolation = Isolation::none;  ///< of the readers of the files; that of the model is in its LoadOptions
  /// Told the number of events so far after each chunk; false stops (nothing is left under the output's name).
  std::function<bool(std::uint64_t events)> progress;
};

/// Scores every event of `files` in their order and writes one row each to `output` (.parquet, .root or .csv): the spectators of
/// the training that the files have, then the scores. Memory stays at a few chunks whatever the size of the files. Returns the
/// number of events. Throws DataError, Interrupted; the output appears wholly or not at all.
OPHION_EXPORT std::uint64_t predict_files(const Model& model, const std::vector<std::string>& files,
                                          const std::filesystem::path& output, const PredictOptions& options = {});

}  // namespace ophion
