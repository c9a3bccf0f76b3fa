/// Others who hear every line that goes to the host's sink.
#pragma once

#include <ophion/runtime.h>

namespace ophion {

int add_log_listener(LogSink listener);
void remove_log_listener(int id) noexcept;

/// Who there is to hear a line.
struct LogHearers {
  bool sink = false;     ///< the host's
  bool anybody = false;
};
LogHearers log_hearers() noexcept;

}  // namespace ophion
