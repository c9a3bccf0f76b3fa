/// run.log: every line that goes to the host's sink while a run lasts, with its time.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>

namespace ophion {

/// Listens from its making to its end. Lines that come before the folder exists are kept and written when it does.
class RunLog {
 public:
  RunLog();
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;
  void open(const std::filesystem::path& file);

 private:
  struct Lines;
  std::shared_ptr<Lines> lines_;
  int listener_;
};

}  // namespace ophion
