/// run.log: every line that goes to the host's sink while a run lasts, with its time.
#include "run_log.h"

#include <array>
#include <mutex>
#include <string>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "log_listeners.h"
#include "utc_time.h"

namespace ophion {

/// Shared with the listener, which another thread may still be calling while the log ends.
struct RunLog::Lines {
  std::mutex mutex;
  std::string waiting;
  std::ofstream file;

  void add(LogLevel level, std::string_view line) {
    static constexpr std::array<const char*, 6> words = {"debug", "info", "warning", "error", "stdout", "stderr"};
    std::string text = utc_time("%H:%M:%S") + " " + words[static_cast<std::size_t>(level)] + "  ";
    text.append(line).push_back('\n');
    const std::lock_guard lock(mutex);
    if (file.is_open()) {
      file << text << std::flush;
    } else {
      waiting += text;
    }
  }
};

RunLog::RunLog()
    : lines_(std::make_shared<Lines>()),
      listener_(add_log_listener([lines = lines_](LogLevel level, std::string_view line) { lines->add(level, line); })) {}

RunLog::~RunLog() { remove_log_listener(listener_); }

void RunLog::open(const std::filesystem::path& file) {
  const std::lock_guard lock(lines_->mutex);
  lines_->file.open(file, std::ios::app);
  if (!lines_->file) throw Error("cannot write " + file.string());
  lines_->file << lines_->waiting << std::flush;
  lines_->waiting.clear();
}

}  // namespace ophion
