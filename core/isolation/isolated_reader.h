/// A Reader whose files are opened in a worker process: it writes its chunks where this process reads them.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <utility>

#include <ophion/reader.h>
#include <ophion/registry.h>

#include "isolation/worker.h"

namespace ophion {

/// Readers of any files, each plug-in's in workers of its own. A stream has a worker for itself until it is dropped. Not safe for
/// concurrent use; the readers it gives are.
class IsolatedReaders {
 public:
  /// The registry must outlive this.
  /// `time_limit`: seconds for each step of reading, opening a file or getting a chunk of it; 0: as long as it takes.
  IsolatedReaders(const Registry& registry, WorkerSettings settings, double time_limit)
      : registry_(registry), settings_(std::move(settings)), time_limit_(time_limit) {}
  std::shared_ptr<const Reader> reader_for(const std::filesystem::path& file);

 private:
  const Registry& registry_;
  const WorkerSettings settings_;
  const double time_limit_;
  std::map<std::filesystem::path, std::shared_ptr<const Reader>> readers_;  ///< by the plug-in's file
};

}  // namespace ophion
