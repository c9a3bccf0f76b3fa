/// The host's side of a worker: calls that take as long as they may, and end as errors whatever becomes of the process.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <ophion/matrix.h>
#include <ophion/value.h>

#include "isolation/channel.h"
#include "isolation/kept_folder.h"
#include "isolation/shared_memory.h"
#include "isolation/worker_process.h"

namespace ophion {

struct WorkerSettings {
  std::size_t memory_limit = 0;  ///< bytes of private memory; 0: as the host
  bool drop_rights = false;      ///< see rights.h
  bool needs_python = false;     ///< for a plug-in that wants Python, which must be found before rights are dropped
  std::vector<std::filesystem::path> writable;  ///< folders that stay writable without rights

  friend bool operator==(const WorkerSettings&, const WorkerSettings&) = default;
};

/// What holds for one call.
struct CallTerms {
  std::string who;        ///< for messages: "method 'mlp': train()"
  double time_limit = 0;  ///< seconds; 0: as long as it takes
  double grace = 1;       ///< seconds beyond that in which the call may end by itself, so that its worker can go on
  std::function<Value(const Value&)> reply;  ///< answers what the worker asks; must not throw
};

/// Seconds beyond a call's time limit for calls that import packages first.
inline constexpr double for_imports = 60;

/// A running worker. One call at a time: whoever has it, has it alone.
class Worker {
 public:
  /// Starts one. Throws WorkerError; and Error where rights shall be dropped and can't.
  explicit Worker(const WorkerSettings& settings);
  /// Lets Python's exit functions run for a moment, then ends it.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// False once it is gone, and in a copy of this process that fork made.
  bool usable() const noexcept;
  const WorkerSettings& settings() const noexcept { return settings_; }

  /// Throws what the worker threw; WorkerError when it ended, TimeLimit when it was ended for taking too long.
  Value call(const Value& request, const CallTerms& terms);
  /// Scores rows with what was loaded. A row costs one futex round trip.
  void predict(const MatrixView& features, std::span<float> out, const CallTerms& terms);

  /// Shows the worker memory of the host with the next call, where it is LentMemory; else nothing.
  std::optional<LentPlace> show(const void* data, std::size_t bytes);
  std::optional<SharedMatrix> show(const MatrixView& matrix);
  /// The same for memory that the worker writes to, under a number of the caller's.
  void give(std::uint64_t block, int file, std::size_t bytes);

 private:
  class Guard;
  MessageKind exchange(const CallTerms& terms);
  void wait_for_turn(const CallTerms& terms, Channel::Clock::time_point end);
  [[noreturn]] void fail_by_end(const CallTerms& terms);
  std::string out_of_memory(const CallTerms& terms) const;
  void answer_question(const CallTerms& terms);
  void forget_what_is_gone();
  void send(const Notice& notice, int file);
  SharedMatrix place(const MatrixView& features, std::size_t scores);
  void make_room(std::size_t bytes);
  void start();

  const WorkerSettings settings_;
  const int host_;  ///< the process that started it
  const KeptFolder temporary_folder_;  ///< the worker's own; gone after it
  std::shared_ptr<Channel> channel_;
  Descriptor socket_;
  SharedMemory room_;
  std::unique_ptr<WorkerProcess> process_;
  std::set<std::uint64_t> shown_;
  std::uint64_t changes_seen_ = 0;
};

/// Workers of one kind, of which those without work wait for the next.
class Workers {
 public:
  explicit Workers(WorkerSettings settings) : settings_(std::move(settings)) {}

  const WorkerSettings& settings() const noexcept { return settings_; }
  /// One that waits, or a new one. `writable`: beyond the folders of the settings.
  std::unique_ptr<Worker> take(const std::vector<std::filesystem::path>& writable = {});
  void give_back(std::unique_ptr<Worker> worker) noexcept;

 private:
  const WorkerSettings settings_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Worker>> idle_;
};

/// A worker for as long as this lives.
class LentWorker {
 public:
  explicit LentWorker(std::shared_ptr<Workers> from, const std::vector<std::filesystem::path>& writable = {})
      : from_(std::move(from)), worker_(from_->take(writable)) {}
  LentWorker(LentWorker&&) noexcept = default;
  LentWorker& operator=(LentWorker&&) = delete;
  ~LentWorker() {
    if (worker_) from_->give_back(std::move(worker_));
  }
  Worker& operator*() const noexcept { return *worker_; }
  Worker* operator->() const noexcept { return worker_.get(); }

 private:
  std::shared_ptr<Workers> from_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace ophion
