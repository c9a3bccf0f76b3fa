/// One worker process: started by exec (never by fork alone), watched, ended, and reaped.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace ophion {

/// A process that has the files 3 (the channel's memory) and 4 (a socket). It dies when this object does, and when the program
/// dies in whatever way. Safe in any number of threads.
class WorkerProcess {
 public:
  /// `ended` is called once it is no more, on a thread of its own, at the latest before the destructor returns.
  WorkerProcess(int memory, int socket, const std::vector<std::string>& environment, std::function<void()> ended);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  /// Ends it and whatever it has started, at once. Returns when it is reaped.
  void kill() noexcept;
  bool alive() const noexcept;
  int id() const noexcept;
  /// Once it is no more: "ended with exit status 7", "was ended by signal 11 (Segmentation fault)".
  std::string ending() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
  std::thread watcher_;
};

}  // namespace ophion
