/// A temporary folder that is gone when this process is, whatever ends it.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "isolation/shared_memory.h"

namespace ophion {

/// The temporary folder of a worker. A small process of its own, its keeper, waits for the end of this one and removes it then: a
/// host that is killed can't, and a worker that dies with it can't either. A copy of this process that fork made leaves both alone.
class KeptFolder {
 public:
  /// Makes it and starts its keeper. Throws WorkerError.
  KeptFolder();
  /// Waits until it is removed.
  ~KeptFolder();
  KeptFolder(const KeptFolder&) = delete;
  KeptFolder& operator=(const KeptFolder&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  void start_keeper();

  const pid_t host_;
  std::filesystem::path path_;
  Descriptor life_;  ///< a word here is the keeper's call to work
  pid_t keeper_ = 0;
};

/// The keeper's whole work: sleeps until its host has ended, or `life` says a word, then removes `folder`, into which somebody may still
/// be writing. Its exit status.
int keep_folder(int life, pid_t host, const std::filesystem::path& folder);

}  // namespace ophion
