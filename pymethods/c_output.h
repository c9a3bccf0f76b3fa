/// What C code writes to the process's stdout and stderr, brought to the host's sink.
#pragma once

namespace ophion {

/// While one lives, file descriptors 1 and 2 lead to RuntimeOptions::log_sink, if that is asked for (capture_c_output) and there is a sink.
/// Of several at a time the last puts the descriptors back. When it ends, all that was written has reached the sink. Made and destroyed
/// with the GIL held, which it releases.
class CapturedOutput {
 public:
  CapturedOutput();
  ~CapturedOutput();
  CapturedOutput(const CapturedOutput&) = delete;
  CapturedOutput& operator=(const CapturedOutput&) = delete;

 private:
  bool active_;
};

}  // namespace ophion
