/// The host's side of a worker.
#include "isolation/worker.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "isolation/wire.h"
#include "log_listeners.h"
#include "python_launcher.h"

namespace ophion {
namespace fs = std::filesystem;
namespace {

using Seconds = std::chrono::duration<double>;

constexpr std::size_t first_room = std::size_t{1} << 20;
constexpr std::chrono::milliseconds look_around{50};  // how often a long call looks for interrupt()
constexpr double most_to_start = 120;
constexpr double most_to_end = 2;

std::string text_of(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", seconds);
  return text;
}

/// One row after the other, or one column after the other.
void copy_matrix(const MatrixView& from, bool by_rows, float* to) {
  if (by_rows && from.contiguous() && from.type() == DType::float32) {
    std::memcpy(to, from.data(), from.rows() * from.columns() * sizeof(float));
    return;
  }
  const std::size_t outer = by_rows ? from.rows() : from.columns();
  const std::size_t inner = by_rows ? from.columns() : from.rows();
  for (std::size_t i = 0; i < outer; ++i) {
    for (std::size_t j = 0; j < inner; ++j) *to++ = by_rows ? from.at(i, j) : from.at(j, i);
  }
}

Value start_request(const WorkerSettings& settings, const fs::path& temporary_folder) {
  const RuntimeOptions runtime = runtime_options();
  const fs::path python = runtime.python.empty() && python_is_open() ? open_python().executable : runtime.python;
  Value writable = Value::array();
  for (const fs::path& folder : settings.writable) writable.push_back(folder.string());
  writable.push_back(temporary_folder.string());
  Value request = Value::object();
  request.set("do", "start");
  request.set("python", python.string());
  request.set("threads", runtime.threads);
  request.set("ignore_sigpipe", runtime.ignore_sigpipe);
  request.set("needs_python", settings.needs_python);
  request.set("memory_limit", settings.memory_limit);
  request.set("drop_rights", settings.drop_rights);
  request.set("writable", std::move(writable));
  return request;
}

}  // namespace

/// Between request and answer the worker's state is not known: if the call is left, the worker goes.
class Worker::Guard {
 public:
  explicit Guard(Worker& worker) noexcept : worker_(worker) {}
  ~Guard() {
    if (!done_) worker_.process_->kill();
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  void done() noexcept { done_ = true; }

 private:
  Worker& worker_;
  bool done_ = false;
};

Worker::Worker(const WorkerSettings& settings)
    : settings_(settings), host_(getpid()), channel_(std::make_shared<Channel>()), room_(first_room), changes_seen_(lent_changes()) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw WorkerError(std::string("a worker process could not be started: ") + std::generic_category().message(errno));
  }
  socket_ = Descriptor(ends[0]);
  const Descriptor its_socket(ends[1]);
  process_ = std::make_unique<WorkerProcess>(channel_->file(), its_socket.get(),
                                             std::vector<std::string>{"TMPDIR=" + temporary_folder_.path().string()},
                                             [channel = channel_] { channel->abandon(); });
  start();
}

void Worker::start() {
  give(room_block, room_.file(), room_.size());
  channel_->page().room_size = room_.size();
  CallTerms terms;
  terms.who = "a worker process that was being started";
  terms.time_limit = most_to_start;
  call(start_request(settings_, temporary_folder_.path()), terms);
}

Worker::~Worker() {
  if (usable()) {
    try {
      Value request = Value::object();
      request.set("do", "end");
      CallTerms terms;
      terms.time_limit = most_to_end;
      call(request, terms);
    } catch (const std::exception&) {  // that it is gone is what was wanted
    }
  }
}

bool Worker::usable() const noexcept { return host_ == getpid() && process_ && process_->alive(); }

Value Worker::call(const Value& request, const CallTerms& terms) {
  forget_what_is_gone();
  channel_->write(MessageKind::call, request);
  Guard guard(*this);
  const MessageKind kind = exchange(terms);
  const Value answer = channel_->read();
  guard.done();
  if (kind == MessageKind::answer) return answer;
  if (kind == MessageKind::failure) rethrow(answer, out_of_memory(terms));
  process_->kill();
  throw WorkerError(terms.who + ": the worker process gave no answer that can be understood");
}

void Worker::predict(const MatrixView& features, std::span<float> out, const CallTerms& terms) {
  if (changes_seen_ != lent_changes()) forget_what_is_gone();
  ChannelPage& page = channel_->page();
  const std::size_t rows_end = aligned(features.rows() * features.columns() * sizeof(float));
  const SharedMatrix placed = place(features, out.size());
  const std::size_t scores = placed.block == room_block ? rows_end : 0;
  page.features = placed;
  page.scores = scores;
  page.score_count = out.size();
  page.kind = static_cast<std::uint32_t>(MessageKind::predict);
  Guard guard(*this);
  const MessageKind kind = exchange(terms);
  if (kind == MessageKind::scores) {
    std::memcpy(out.data(), room_.data() + scores, out.size_bytes());
    guard.done();
    return;
  }
  const Value answer = channel_->read();
  if (kind != MessageKind::failure) throw WorkerError(terms.who + ": the worker process gave no scores");
  guard.done();
  rethrow(answer, out_of_memory(terms));
}

std::string Worker::out_of_memory(const CallTerms& terms) const {
  return terms.who + ": the worker process ran out of memory" +
         (settings_.memory_limit == 0 ? "" : " (its memory_limit is " + std::to_string(settings_.memory_limit) + " bytes)");
}

/// Where the worker finds the rows: where they lie if it can be shown that, else in the room, into which they are copied.
SharedMatrix Worker::place(const MatrixView& features, std::size_t scores) {
  constexpr std::size_t worth_showing = 4096;
  const std::size_t bytes = features.rows() * features.columns() * sizeof(float);
  if (bytes >= worth_showing) {
    if (const std::optional<SharedMatrix> lent = show(features)) {
      make_room(scores * sizeof(float));
      return *lent;
    }
  }
  make_room(aligned(bytes) + scores * sizeof(float));
  // As it lay in the host, since sums may depend on that in their last bits.
  const bool by_rows = features.row_stride() >= features.column_stride() || features.rows() == 1;
  copy_matrix(features, by_rows, reinterpret_cast<float*>(room_.data()));
  const auto rows = static_cast<std::int64_t>(features.rows()), columns = static_cast<std::int64_t>(features.columns());
  return {room_block, 0, features.rows(), features.columns(), by_rows ? columns : 1, by_rows ? 1 : rows};
}

void Worker::make_room(std::size_t bytes) {
  if (bytes <= room_.size()) return;
  room_.grow(aligned(std::max(bytes, 2 * room_.size())));
  channel_->page().room_size = room_.size();
}

/// Hands the turn over and answers questions until the worker has an answer.
MessageKind Worker::exchange(const CallTerms& terms) {
  using std::chrono::duration_cast;
  const bool limited = terms.time_limit > 0;
  const Channel::Clock::time_point end =
      limited ? Channel::Clock::now() + duration_cast<Channel::Clock::duration>(Seconds(std::min(terms.time_limit, 1e9) + terms.grace))
              : Channel::Clock::time_point::max();
  const LogHearers hearers = log_hearers();
  channel_->page().log = (hearers.anybody ? log_is_heard : 0u) | (hearers.sink ? host_has_sink : 0u);
  for (;;) {
    wait_for_turn(terms, end);
    const MessageKind kind = channel_->kind();
    channel_->page().notices = 0;
    if (kind != MessageKind::question) return kind;
    answer_question(terms);
  }
}

void Worker::wait_for_turn(const CallTerms& terms, Channel::Clock::time_point end) {
  channel_->set_stop(interrupted());
  channel_->hand_over(Channel::worker);
  while (!channel_->wait(Channel::host, look_around)) {
    channel_->set_stop(interrupted());
    if (Channel::Clock::now() < end) continue;
    process_->kill();
    throw TimeLimit(terms.who + " took longer than its time_limit of " + text_of(terms.time_limit) + " s; its worker process was ended");
  }
  if (channel_->page().turn.load() != Channel::host || !process_) fail_by_end(terms);
}

void Worker::fail_by_end(const CallTerms& terms) {
  process_->kill();  // it is gone; or it only said so
  throw WorkerError(terms.who + ": the worker process " + process_->ending());
}

void Worker::answer_question(const CallTerms& terms) {
  const Value question = channel_->read();
  Value answer;
  if (const Value* lines = question.find("log")) {
    for (const Value& line : lines->as_array()) {
      const std::int64_t level = std::clamp<std::int64_t>(line.at(0).as_integer(), 0, static_cast<int>(LogLevel::script_error));
      log(static_cast<LogLevel>(level), line.at(1).as_text());
    }
  } else if (terms.reply) {
    answer = terms.reply(question);
  }
  channel_->write(MessageKind::reply, answer);
}

std::optional<LentPlace> Worker::show(const void* data, std::size_t bytes) {
  const std::optional<LentPlace> place = find_lent(data, bytes);
  if (!place || shown_.contains(place->id)) return place;
  const LentFile memory = open_lent(place->id);
  send({place->id, memory.bytes, Notice::read}, memory.file.get());
  shown_.insert(place->id);
  return place;
}

std::optional<SharedMatrix> Worker::show(const MatrixView& matrix) {
  if (matrix.type() != DType::float32 || matrix.row_stride() < 0 || matrix.column_stride() < 0) return std::nullopt;
  if (matrix.rows() == 0 || matrix.columns() == 0) return std::nullopt;
  const auto last = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(matrix.rows() - 1) * matrix.row_stride() +
                                             static_cast<std::ptrdiff_t>(matrix.columns() - 1) * matrix.column_stride());
  const std::optional<LentPlace> place = show(matrix.data(), (last + 1) * sizeof(float));
  if (!place) return std::nullopt;
  return SharedMatrix{place->id, place->offset, matrix.rows(), matrix.columns(), matrix.row_stride(), matrix.column_stride()};
}

void Worker::give(std::uint64_t block, int file, std::size_t bytes) { send({block, bytes, Notice::write}, file); }

/// A socket holds a few hundred messages, and the worker takes them with its turn: the rest is for the next call.
void Worker::forget_what_is_gone() {
  std::size_t room = 100;
  const std::uint64_t changes = lent_changes();
  std::erase_if(shown_, [&](std::uint64_t id) {
    if (room == 0 || is_lent(id)) return false;
    send({id, 0, Notice::forget}, -1);
    --room;
    return true;
  });
  if (room > 0) changes_seen_ = changes;
}

void Worker::send(const Notice& notice, int file) {
  Notice copy = notice;
  iovec part{&copy, sizeof copy};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (file >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &file, sizeof file);
  }
  if (sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) != static_cast<ssize_t>(sizeof copy)) {
    throw WorkerError(std::string("a worker process can't be shown memory: ") + std::generic_category().message(errno));
  }
  ++channel_->page().notices;
}

std::unique_ptr<Worker> Workers::take(const std::vector<fs::path>& writable) {
  WorkerSettings settings = settings_;
  settings.writable.insert(settings.writable.end(), writable.begin(), writable.end());
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(idle_, [](const auto& worker) { return !worker->usable(); });
    for (auto& worker : idle_) {
      // Without rights to drop, every folder is writable anyway.
      if (settings.drop_rights && worker->settings() != settings) continue;
      std::unique_ptr<Worker> taken = std::move(worker);
      std::erase(idle_, nullptr);
      return taken;
    }
  }
  return std::make_unique<Worker>(settings);
}

void Workers::give_back(std::unique_ptr<Worker> worker) noexcept {
  if (!worker->usable()) return;
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(worker));
}

}  // namespace ophion
