/// The memory through which a program and its worker take turns: one futex round trip a call, no copy beyond that into the memory.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <ophion/value.h>

#include "isolation/shared_memory.h"

namespace ophion {

/// What a message is. The worker believes the host; the host believes nothing.
enum class MessageKind : std::uint32_t {
  call,      ///< host: a Value with what to do
  predict,   ///< host: ChannelPage::predict
  reply,     ///< host: a Value, to a question
  question,  ///< worker: a Value; the call goes on once it has its reply
  answer,    ///< worker: a Value
  scores,    ///< worker: they are in room_block
  failure,   ///< worker: an exception as Value
};

/// What a message on the socket says. Memory comes with its file.
struct Notice {
  enum What : std::uint32_t { read, write, forget };
  std::uint64_t block;  ///< a number: of a LentMemory, or one of those below
  std::uint64_t bytes;
  What what;
};

constexpr std::uint64_t room_block = 0;                              ///< where a worker gets rows and puts scores
constexpr std::uint64_t first_stream_block = std::uint64_t{1} << 63;  ///< where a stream of a reader puts its chunks

/// A matrix of float32 in memory that both see.
struct SharedMatrix {
  std::uint64_t block;
  std::uint64_t offset;  ///< of the first element, in bytes
  std::uint64_t rows;
  std::uint64_t columns;
  std::int64_t row_stride;     ///< in elements
  std::int64_t column_stride;
};

/// The first page of the channel's memory.
struct ChannelPage {
  alignas(64) std::atomic<std::uint32_t> turn;  ///< a futex: whose it is
  alignas(64) std::atomic<std::uint32_t> stop;  ///< a futex: 1 while the host's `interrupted()` holds
  alignas(64) std::uint32_t kind;
  std::uint32_t notices;      ///< host: messages on the socket that belong to this one
  std::uint32_t log;          ///< host: bits of LogWish
  std::uint64_t body_bytes;   ///< of the Value that is packed in the body
  std::uint64_t body_size;    ///< how large the body is now: either side makes it larger
  std::uint64_t room_size;    ///< how large room_block is now
  SharedMatrix features;      ///< predict
  std::uint64_t scores;       ///< predict: where in room_block they go, in bytes
  std::uint64_t score_count;  ///< predict
};

/// What the host does with lines that are logged in the worker.
enum LogWish : std::uint32_t { log_is_heard = 1, host_has_sink = 2 };

/// One side of the memory. A turn is handed over wholly: afterwards nothing may be touched until it is back.
class Channel {
 public:
  enum Side : std::uint32_t { host = 0, worker = 1, nobody = 2 };
  using Clock = std::chrono::steady_clock;

  /// The host's: new memory; it is the host's turn.
  Channel();
  /// The worker's, over the host's file.
  explicit Channel(Descriptor file);

  int file() const noexcept { return body_.file(); }
  ChannelPage& page() const noexcept { return *reinterpret_cast<ChannelPage*>(page_.data()); }
  std::byte* body() const noexcept { return body_.data(); }
  /// Makes the body at least so large.
  void reserve(std::size_t bytes);
  /// Maps what the other side has made larger.
  void follow();

  void write(MessageKind kind, const Value& value);
  MessageKind kind() const noexcept { return static_cast<MessageKind>(page().kind); }
  /// The Value of the message that came last.
  Value read();

  /// Gives the turn to `to` and wakes it.
  void hand_over(Side to) noexcept;
  /// Sleeps until it is this side's turn or `limit` is over; says whether it is. It sleeps in the kernel, never spins.
  bool wait(Side side, std::chrono::milliseconds limit) const noexcept;
  void wait(Side side) const noexcept;
  /// Wakes a host that waits, since the worker is gone.
  void abandon() noexcept { hand_over(nobody); }

  /// Tells the worker whether the host wants its calls to stop.
  void set_stop(bool stop) noexcept;
  /// Sleeps until `stop` is no longer `known`; gives what it is.
  bool wait_for_stop(bool known) const noexcept;

 private:
  SharedMemory page_;  // apart, so that the words others wait on never move
  SharedMemory body_;
};

}  // namespace ophion
