/// The worker's view of its host: messages, the lines that are logged here, the host's wish to stop, the memory it shows.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ophion/matrix.h>
#include <ophion/runtime.h>
#include <ophion/value.h>

#include "isolation/channel.h"
#include "isolation/shared_memory.h"

namespace ophion {

/// One for the process. `ask` and the log may be used from any thread, the rest from the one that serves.
class WorkerHost {
 public:
  WorkerHost(Descriptor memory, Descriptor socket);
  WorkerHost(const WorkerHost&) = delete;
  WorkerHost& operator=(const WorkerHost&) = delete;

  /// Starts to hand on what is logged, and to follow the host's wish to stop. Never undone.
  void listen();

  /// Sleeps until there is something to do.
  MessageKind next();
  Value request() { return channel_.read(); }
  const ChannelPage& page() const noexcept { return channel_.page(); }
  /// Asks the host something during a call.
  Value ask(const Value& question);
  /// Ends the call.
  void answer(const Value& value);
  void answer_scores();
  void fail(const std::exception& error);

  /// Memory that the host has shown or given, by its number.
  SharedMemory& block(std::uint64_t number);

 private:
  void take_notices(std::uint32_t count);
  void take_notice();
  void take_log(LogLevel level, std::string_view line);
  void hand_on_log();
  void finish(MessageKind kind, const Value* value);
  void align_stop();

  Channel channel_;
  Descriptor socket_;
  std::map<std::uint64_t, SharedMemory> blocks_;
  const int process_;  ///< a child that fork made of this one has no host

  std::mutex turn_;  ///< who holds it during a call may use the channel
  bool in_call_ = false;
  bool sink_set_ = false;
  std::uint32_t wish_ = 0;  ///< what the host does with lines
  std::vector<std::pair<LogLevel, std::string>> lines_;  ///< not yet handed on
  std::mutex stop_;
};

}  // namespace ophion
