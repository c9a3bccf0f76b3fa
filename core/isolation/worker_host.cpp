/// The worker's view of its host.
#include "isolation/worker_host.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <thread>

#include <ophion/error.h>

#include "isolation/wire.h"
#include "log_listeners.h"

namespace ophion {
namespace {

/// Lines that nobody has asked for yet: those of threads that go on between two calls. More than that is lost.
constexpr std::size_t most_lines = 100'000;

}  // namespace

WorkerHost::WorkerHost(Descriptor memory, Descriptor socket)
    : channel_(std::move(memory)), socket_(std::move(socket)), process_(getpid()) {}

void WorkerHost::listen() {
  add_log_listener([this](LogLevel level, std::string_view line) { take_log(level, line); });
  std::thread([this] {
    for (bool wish = false;;) {
      wish = channel_.wait_for_stop(wish);
      align_stop();
    }
  }).detach();
}

/// The host's wish and ours may change at any moment: looked at and followed in one.
void WorkerHost::align_stop() {
  const std::lock_guard lock(stop_);
  if (channel_.page().stop.load(std::memory_order_acquire) != 0) interrupt();
  else clear_interrupt();
}

MessageKind WorkerHost::next() {
  channel_.wait(Channel::worker);
  channel_.follow();
  take_notices(channel_.page().notices);
  if (const auto room = blocks_.find(room_block); room != blocks_.end()) room->second.follow(channel_.page().room_size);
  align_stop();
  const std::lock_guard lock(turn_);
  in_call_ = true;
  wish_ = channel_.page().log;
  if (const bool wanted = (wish_ & host_has_sink) != 0; wanted != sink_set_) {
    // With a sink, Python's output is not written to this process's streams too; the listener hands it on.
    RuntimeOptions options = runtime_options();
    options.log_sink = wanted ? LogSink([](LogLevel, std::string_view) {}) : LogSink();
    configure(std::move(options));
    sink_set_ = wanted;
  }
  return channel_.kind();
}

Value WorkerHost::ask(const Value& question) {
  const std::lock_guard lock(turn_);
  if (!in_call_) throw Error("the host can be asked during its calls only");
  channel_.write(MessageKind::question, question);
  channel_.hand_over(Channel::host);
  channel_.wait(Channel::worker);
  return channel_.read();
}

void WorkerHost::take_log(LogLevel level, std::string_view line) {
  if (getpid() != process_) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
    return;
  }
  const std::lock_guard lock(turn_);
  if (lines_.size() < most_lines) lines_.emplace_back(level, line);
  if (in_call_) hand_on_log();
}

/// With `turn_` held, in a call.
void WorkerHost::hand_on_log() {
  if (lines_.empty()) return;
  Value lines = Value::array();
  for (auto& [level, line] : lines_) lines.push_back(Value::Array{static_cast<int>(level), std::move(line)});
  lines_.clear();
  if ((wish_ & log_is_heard) == 0) return;
  Value question = Value::object();
  question.set("log", std::move(lines));
  channel_.write(MessageKind::question, question);
  channel_.hand_over(Channel::host);
  channel_.wait(Channel::worker);
}

void WorkerHost::answer(const Value& value) { finish(MessageKind::answer, &value); }

void WorkerHost::answer_scores() { finish(MessageKind::scores, nullptr); }

void WorkerHost::fail(const std::exception& error) {
  const Value value = to_value(error);
  finish(MessageKind::failure, &value);
}

void WorkerHost::finish(MessageKind kind, const Value* value) {
  const std::lock_guard lock(turn_);
  hand_on_log();
  in_call_ = false;
  if (value) channel_.write(kind, *value);
  else channel_.page().kind = static_cast<std::uint32_t>(kind);
  channel_.hand_over(Channel::host);
}

SharedMemory& WorkerHost::block(std::uint64_t number) {
  const auto found = blocks_.find(number);
  if (found == blocks_.end()) throw Error("the host has not shown block " + std::to_string(number));
  return found->second;
}

void WorkerHost::take_notices(std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) take_notice();
}

void WorkerHost::take_notice() {
  Notice notice{};
  iovec part{&notice, sizeof notice};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC) != static_cast<ssize_t>(sizeof notice)) {
    throw Error("the host's notice of memory did not come");
  }
  if (notice.what == Notice::forget) {
    blocks_.erase(notice.block);
    return;
  }
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (!header) throw Error("the host's memory did not come");
  int file = -1;
  std::memcpy(&file, CMSG_DATA(header), sizeof file);
  const auto access = notice.what == Notice::write ? SharedMemory::Access::write : SharedMemory::Access::read;
  blocks_.insert_or_assign(notice.block, SharedMemory(Descriptor(file), access, notice.bytes));
}

}  // namespace ophion
