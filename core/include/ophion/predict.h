/// Scores whole files, chunk by chunk.
#pragma once

#include <cstddef>
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
  double time_limit = 0;         ///< seconds in which a reader's worker must have opened a file, or read a chunk of it; 0: as long as it takes
  std::size_t memory_limit = 0;  ///< bytes of private memory that a reader's worker may have; 0: as many as there are
  /// Readers' workers have no network, start no process and write no file. WorkerError where the kernel can't see to that.
  bool drop_rights = false;
  /// Told the number of events so far after each chunk; false stops (nothing is left under the output's name).
  std::function<bool(std::uint64_t events)> progress;
};

/// Scores every event of `files` in their order and writes one row each to `output` (.parquet, .root or .csv): the spectators of
/// the training that the files have, then the scores. Memory stays at a few chunks whatever the size of the files. Returns the
/// number of events. Throws DataError, Interrupted,
/// and of isolated readers TimeLimit and WorkerError; the output appears wholly or not at all.
OPHION_EXPORT std::uint64_t predict_files(const Model& model, const std::vector<std::string>& files,
                                          const std::filesystem::path& output, const PredictOptions& options = {});

}  // namespace ophion
