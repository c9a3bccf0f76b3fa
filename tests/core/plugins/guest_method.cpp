/// A guest that does what its options say, for tests of isolation: {"train": …, "predict": …, "load": …, "check": …}.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <thread>

#include <ophion/error.h>
#include <ophion/plugin.h>
#include <ophion/runtime.h>

namespace {

using ophion::Value;

std::string word(const Value& options, const char* key) {
  const Value* value = options.find(key);
  return value && value->is_text() ? value->as_text() : "";
}

/// "0" or the name of errno.
std::string outcome(long result) { return result >= 0 ? "done" : std::strerror(errno); }

/// What it could do of what a guest without rights may not.
std::string trespasses(const std::string& folder) {
  std::string text = "socket: " + outcome(socket(AF_INET, SOCK_STREAM, 0));
  text += "; unix: " + outcome(socket(AF_UNIX, SOCK_STREAM, 0));
  text += "; pair: " + [] {
    int ends[2];
    return outcome(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  }();
  text += "; write: " + outcome(open((folder + "/new").c_str(), O_WRONLY | O_CREAT, 0600));
  text += "; append: " + outcome(open((folder + "/old").c_str(), O_WRONLY | O_APPEND));
  text += "; truncate: " + outcome(truncate((folder + "/old").c_str(), 0));
  text += "; open to truncate: " + outcome(open((folder + "/old").c_str(), O_RDONLY | O_TRUNC));
  text += "; chmod: " + outcome(chmod((folder + "/old").c_str(), 0777));
  text += "; remove: " + outcome(unlink((folder + "/old").c_str()));
  text += "; rename: " + outcome(rename((folder + "/old").c_str(), (folder + "/older").c_str()));
  text += "; folder: " + outcome(mkdir((folder + "/folder").c_str(), 0700));
  text += "; read: " + outcome(open((folder + "/old").c_str(), O_RDONLY));
  text += "; fork: " + [] {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    return outcome(child);
  }();
  text += "; exec: " + outcome(execl("/bin/true", "true", nullptr));
  text += "; signal: " + outcome(kill(getppid(), 0));
  text += "; own signal: " + outcome(kill(getpid(), 0));
  std::thread([&] { text += "; thread: done"; }).join();
  const char* temporary = std::getenv("TMPDIR");
  text += "; temporary: " + outcome(open((std::string(temporary ? temporary : "/nowhere") + "/file").c_str(), O_WRONLY | O_CREAT, 0600));
  return text;
}

void behave(const std::string& behaviour, const Value& options) {
  if (behaviour == "exit") _exit(7);
  if (behaviour == "exit by C") std::exit(3);
  if (behaviour == "segfault") raise(SIGSEGV);
  if (behaviour == "abort") std::abort();
  if (behaviour == "loop") {
    for (volatile bool go_on = true; go_on;) {
    }
  }
  if (behaviour == "bomb") {
    for (;;) std::memset(::operator new(64 << 20), 1, 64 << 20);
  }
  if (behaviour == "throw") throw std::runtime_error("no luck");
  if (behaviour == "python") throw ophion::PythonError("predict()", "ValueError", "two\nlines", "  File \"x.py\", line 3", {{"KeyError", "'k'"}});
  if (behaviour == "config") throw ophion::ConfigError("a.json", "/methods/0", "bad");
  if (behaviour == "data") throw ophion::DataError("bad row");
  if (behaviour == "time") throw ophion::TimeLimit("too long");
  if (behaviour == "log") {
    for (int i = 0; i < 1000; ++i) ophion::log(ophion::LogLevel::script_output, "line " + std::to_string(i) + "\xff");
  }
  if (behaviour == "late") {
    std::thread([] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      ophion::log(ophion::LogLevel::info, "late");
    }).detach();
  }
  if (behaviour == "fill") {
    std::thread([folder = std::string(std::getenv("TMPDIR"))] {
      for (int i = 0;; ++i) {
        const std::filesystem::path inner = folder + "/" + std::to_string(i % 100);
        std::error_code ignored;
        std::filesystem::create_directory(inner, ignored);
        std::ofstream(inner / "file") << "more";
      }
    }).detach();
  }
  if (behaviour == "trespass") throw ophion::Error(trespasses(options.at("folder").as_text()));
}

/// Whether so many processes come to this folder while this one waits there.
bool meet(const std::filesystem::path& folder, std::ptrdiff_t count) {
  std::ofstream(folder / std::to_string(getpid())).flush();
  for (int i = 0; i < 1000; ++i) {
    if (std::distance(std::filesystem::directory_iterator(folder), {}) >= count) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

class GuestBackend : public ophion::Backend {
 public:
  explicit GuestBackend(Value options) : options_(std::move(options)) {}
  const std::string& name() const noexcept override {
    static const std::string guest = "guest";
    return guest;
  }
  Value versions() const override { return Value(Value::Object{{"process", static_cast<long>(getpid())}}); }
  void predict(const ophion::MatrixView& features, std::span<float> out) const override {
    const std::string behaviour = word(options_, "predict");
    // A row that begins with a negative number is a trap.
    if (behaviour.empty() || features.at(0, 0) < 0) behave(behaviour.empty() ? "exit" : behaviour, options_);
    if (behaviour == "write") *static_cast<float*>(const_cast<void*>(features.data())) = 1;
    if (behaviour == "meet") out[0] = meet(options_.at("folder").as_text(), 4) ? 1 : 0;
    if (behaviour == "meet") return;
    if (behaviour == "strides") {
      out[0] = static_cast<float>(features.row_stride());
      out[1] = static_cast<float>(features.column_stride());
      return;
    }
    for (std::size_t i = 0; i < features.rows(); ++i) {
      float sum = 0;
      for (std::size_t j = 0; j < features.columns(); ++j) sum += features.at(i, j);
      out[i] = sum;
    }
  }

 private:
  Value options_;
};

class GuestMethod : public ophion::Method {
 public:
  const ophion::MethodTraits& traits() const noexcept override {
    static const ophion::MethodTraits guest{"guest", {"classification", "regression"}};
    return guest;
  }
  void check(const ophion::TrainContext& context) const override { behave(word(context.options, "check"), context.options); }
  ophion::Payload train(const ophion::TrainingData& data, const ophion::TrainContext& context) const override {
    const std::string behaviour = word(context.options, "train");
    behave(behaviour, context.options);
    std::int64_t epoch = 0;
    if (behaviour == "epochs" || behaviour == "until stopped") {
      ophion::Progress progress;
      progress.method = context.name;
      do {
        progress.epoch = ++epoch;
        progress.metrics = {{"loss", 1.0 / static_cast<double>(epoch)}, {"nothing", std::strtod("nan", nullptr)}};
        if (behaviour == "until stopped") std::this_thread::sleep_for(std::chrono::milliseconds(5));
      } while (context.progress(progress) && (behaviour == "until stopped" || epoch < 5));
    }
    if (behaviour == "wait for interrupt") {
      while (!ophion::interrupted()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    double features = 0;
    for (std::size_t i = 0; i < data.train.rows(); ++i) {
      for (std::size_t j = 0; j < data.train.features.columns(); ++j) features += data.train.features.at(i, j);
    }
    ophion::Payload payload;
    payload.members["sums"] = std::to_string(features) + " " +
                              std::to_string(std::accumulate(data.train.labels.begin(), data.train.labels.end(), 0)) + " " +
                              std::to_string(std::accumulate(data.train.weights.begin(), data.train.weights.end(), 0.0)) + " " +
                              std::to_string(data.train.targets.rows()) + " " + std::to_string(data.validation.rows());
    payload.members["bytes"] = std::string("\0\xff\n", 3);
    payload.info.set("epochs", epoch);
    payload.info.set("process", static_cast<long>(getpid()));
    std::ofstream checkpoint(context.checkpoints / "checkpoint");
    checkpoint << "kept" << std::flush;
    payload.info.set("checkpoint", checkpoint.good());
    return payload;
  }
  bool carries_code(const ophion::Payload&) const override { return false; }
  std::unique_ptr<ophion::Backend> load(const ophion::Payload&, const ophion::Spec&, const Value& options,
                                        const ophion::CallOptions&) const override {
    behave(word(options, "load"), options);
    return std::make_unique<GuestBackend>(options);
  }
};

}  // namespace

OPHION_METHOD("guest", ophion::NeedsPython::no, GuestMethod)
