/// Turns through shared memory.
#include "isolation/channel.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <ctime>
#include <new>
#include <utility>

#include <ophion/error.h>

#include "isolation/wire.h"

namespace ophion {
namespace {

constexpr std::size_t page_bytes = 65536;  // at least a page of the machine's, whatever its size
constexpr std::size_t first_body = std::size_t{1} << 20;

static_assert(sizeof(ChannelPage) <= page_bytes && std::atomic<std::uint32_t>::is_always_lock_free &&
              sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

long futex(const std::atomic<std::uint32_t>& word, int operation, std::uint32_t value, const timespec* limit) noexcept {
  return syscall(SYS_futex, &word, operation, value, limit, nullptr, 0);
}

void sleep_while(const std::atomic<std::uint32_t>& word, std::uint32_t value, const timespec* limit) noexcept {
  futex(word, FUTEX_WAIT, value, limit);
}

void wake(const std::atomic<std::uint32_t>& word) noexcept { futex(word, FUTEX_WAKE, INT_MAX, nullptr); }

Descriptor copy_of(int file) {
  Descriptor copy(fcntl(file, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw WorkerError("shared memory: no file descriptor is left");
  return copy;
}

}  // namespace

Channel::Channel() : page_(page_bytes + first_body) {
  body_ = SharedMemory(copy_of(page_.file()), SharedMemory::Access::write, first_body, page_bytes);
  new (page_.data()) ChannelPage{};
  page().body_size = first_body;
}

Channel::Channel(Descriptor file) {
  page_ = SharedMemory(copy_of(file.get()), SharedMemory::Access::write, page_bytes);
  body_ = SharedMemory(std::move(file), SharedMemory::Access::write, page().body_size, page_bytes);
}

void Channel::reserve(std::size_t bytes) {
  if (bytes <= body_.size()) return;
  body_.grow((std::max(bytes, 2 * body_.size()) + page_bytes - 1) / page_bytes * page_bytes);
  page().body_size = body_.size();
}

void Channel::follow() { body_.follow(page().body_size); }

void Channel::write(MessageKind kind, const Value& value) {
  const std::string bytes = pack(value);
  reserve(bytes.size());
  std::memcpy(body(), bytes.data(), bytes.size());
  page().body_bytes = bytes.size();
  page().kind = static_cast<std::uint32_t>(kind);
}

Value Channel::read() {
  follow();
  const std::uint64_t size = page().body_bytes;  // read once: the other side may change it
  if (size > body_.size()) throw WorkerError("a worker process sent a message that is larger than its memory");
  const std::string bytes(reinterpret_cast<const char*>(body()), size);
  return unpack(bytes);
}

void Channel::hand_over(Side to) noexcept {
  page().turn.store(to, std::memory_order_release);
  wake(page().turn);
}

bool Channel::wait(Side side, std::chrono::milliseconds limit) const noexcept {
  const Clock::time_point end = Clock::now() + limit;
  for (;;) {
    const std::uint32_t turn = page().turn.load(std::memory_order_acquire);
    if (turn == side || turn == nobody) return true;
    const auto left = end - Clock::now();
    if (left <= Clock::duration::zero()) return false;
    const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
    const timespec time{static_cast<time_t>(nanoseconds / 1'000'000'000), static_cast<long>(nanoseconds % 1'000'000'000)};
    sleep_while(page().turn, turn, &time);
  }
}

void Channel::wait(Side side) const noexcept {
  for (;;) {
    const std::uint32_t turn = page().turn.load(std::memory_order_acquire);
    if (turn == side) return;
    sleep_while(page().turn, turn, nullptr);
  }
}

void Channel::set_stop(bool stop) noexcept {
  const std::uint32_t wish = stop ? 1 : 0;
  if (page().stop.load(std::memory_order_relaxed) == wish) return;
  page().stop.store(wish, std::memory_order_release);
  wake(page().stop);
}

bool Channel::wait_for_stop(bool known) const noexcept {
  for (;;) {
    const std::uint32_t now = page().stop.load(std::memory_order_acquire);
    if ((now != 0) != known) return now != 0;
    sleep_while(page().stop, now, nullptr);
  }
}

}  // namespace ophion
