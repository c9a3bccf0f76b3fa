/// What a worker process costs: one event beside a bare futex round trip between two processes, a million events beside the same
/// call in this process, and what a second worker brings to Python code that holds its lock.
#include "made_up.h"
#include "measure.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include <ophion/ophion.h>

using namespace ophion;
using namespace ophion::benchmarks;

namespace {

constexpr std::size_t features = 30;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Two processes and a word that both see: each waits for its turn in the kernel and wakes the other.
class FutexPair {
 public:
  FutexPair() {
    turn_ = new (mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) std::atomic<std::uint32_t>(0);
    other_ = fork();
    if (other_ != 0) return;
    for (;;) {
      wait_for(1);
      give(0);
    }
  }
  ~FutexPair() {
    kill(other_, SIGKILL);
    waitpid(other_, nullptr, 0);
  }
  FutexPair(const FutexPair&) = delete;
  FutexPair& operator=(const FutexPair&) = delete;
  void round_trip() {
    give(1);
    wait_for(0);
  }

 private:
  void give(std::uint32_t turn) {
    turn_->store(turn);
    syscall(SYS_futex, turn_, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }
  void wait_for(std::uint32_t turn) {
    while (turn_->load() != turn) syscall(SYS_futex, turn_, FUTEX_WAIT, 1 - turn, nullptr, nullptr, 0);
  }
  std::atomic<std::uint32_t>* turn_;
  pid_t other_;
};

template <class Call>
double median_time(int calls, Call&& call) {
  std::vector<double> times;
  for (int i = 0; i < calls; ++i) {
    const double begin = now();
    call();
    times.push_back(now() - begin);
  }
  return median(times);
}

std::string train(const Registry& registry, const char* method, std::size_t targets, const std::filesystem::path& output) {
  const std::vector<float> x = random_numbers<float>(200 * features, -0.5, 0.5);
  Dataset events(column_names('x', features));
  events.add("", MatrixView(x.data(), 200, features)).targets(MatrixView(x.data(), 200, targets, features, 1));
  const std::string data = "\"features\": " + write_json(Value(column_names('x', features)), 0) +
                           ", \"targets\": " + write_json(Value(column_names('y', targets)), 0);
  const auto run = Session(Config::from_json(R"({"version": 1, "name": ")" + std::string(method) + R"(", "task": "regression", "data": {)" +
                                                 data + R"(}, "methods": [{"name": "one", "type": ")" + method + R"("}], "output": ")" +
                                                 output.string() + "\"}",
                                             ".", registry),
                           events).train();
  const std::string file = (output / (std::string(method) + ".ophion")).string();
  run.best().save(file);
  return file;
}

void one_event(FutexPair& bare, const Model& isolated) {
  const std::vector<float> row = random_numbers<float>(features, -0.5, 0.5);
  std::vector<float> out(features);
  const MatrixView x(row.data(), 1, features);
  Pair times;
  for (int round = 0; round < 41; ++round) {
    const double ours = median_time(500, [&] { isolated.predict(x, out); });
    const double theirs = median_time(500, [&] { bare.round_trip(); });
    if (round == 0) continue;
    times.first.push_back(ours);
    times.second.push_back(theirs);
  }
  report('h', "identity of 1 x 30 in a worker / bare futex round trip", times.ratio(), 3,
         text("%.2f us / %.2f us", 1e6 * median(times.first), 1e6 * median(times.second)));
}

void million_events(const Model& here, const Model& isolated) {
  constexpr std::size_t rows = 1'000'000;
  const auto shared = shared_floats(rows * features);
  const std::vector<float> own = random_numbers<float>(rows * features, -0.5, 0.5);
  std::copy(own.begin(), own.end(), shared.get());
  std::vector<float> out(rows), expected(rows);
  const MatrixView lent(shared.get(), rows, features), copied(own.data(), rows, features);
  std::vector<double> of_lent, of_copied, of_here;
  for (int round = 0; round < 16; ++round) {
    const double in_this_process = median_time(1, [&] { here.predict(lent, expected); });
    const double in_a_worker = median_time(1, [&] { isolated.predict(lent, out); });
    const double with_a_copy = median_time(1, [&] { isolated.predict(copied, out); });
    if (round == 0) continue;  // maps the memory
    of_here.push_back(in_this_process);
    of_lent.push_back(in_a_worker);
    of_copied.push_back(with_a_copy);
  }
  const std::string same = out == expected ? "; the same scores" : "; OTHER SCORES";
  report('h', "1,000,000 x 30 in shared memory, worker / this process", Pair{of_lent, of_here}.ratio(), 1.5,
         text("%.1f ms / %.1f ms", 1e3 * median(of_lent), 1e3 * median(of_here)) + same);
  note('h', "the same in the program's own memory", Pair{of_copied, of_here}.ratio(), text("%.1f ms", 1e3 * median(of_copied)));
}

double calls_a_second(const Model& model, int threads) {
  constexpr int calls = 200;
  const double begin = now();
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&] {
      const std::vector<float> row(features, 1.0f);
      float out = 0;
      for (int i = 0; i < calls; ++i) model.predict(MatrixView(row.data(), 1, features), {&out, 1});
    });
  }
  for (auto& thread : all) thread.join();
  return calls * threads / (now() - begin);
}

/// What so many threads of mere arithmetic get done on this machine now, beside what else it does.
double spins_a_second(int threads) {
  constexpr int spins = 100'000'000;
  const double begin = now();
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([] {
      double sum = 1;
      for (int i = 0; i < spins; ++i) sum = sum * 0.999 + 1;
      static std::atomic<double> kept;
      kept = sum;
    });
  }
  for (auto& thread : all) thread.join();
  return static_cast<double>(spins) * threads / (now() - begin);
}

void two_workers(const std::string& file, LoadOptions options) {
  std::vector<double> gains, rates, gains_here, of_machine;
  const Model here = [&] {
    LoadOptions in_process = options;
    in_process.isolation = Isolation::none;
    return Model::load(file, in_process);
  }();
  const Model one = Model::load(file, options);
  options.workers = 2;
  const Model two = Model::load(file, options);
  for (int round = 0; round < 7; ++round) {
    const double alone = calls_a_second(one, 2), both = calls_a_second(two, 2);
    of_machine.push_back(spins_a_second(2) / spins_a_second(1));
    gains.push_back(both / alone);
    gains_here.push_back(both / calls_a_second(here, 2));
    rates.push_back(both);
  }
  report('h', "gain by a second core / by a second worker, Python's own work", median(of_machine) / median(gains), 1.25,
         text("%.2f / %.2f, %.0f a second", median(of_machine), median(gains), median(rates)));
  note('h', "events a second of two threads, 2 workers / this process", median(gains_here));
}

}  // namespace

int main() {
  FutexPair bare;  // while there is one thread
  RuntimeOptions runtime;
  runtime.python = OPHION_BENCHMARK_PYTHON;
  configure(runtime);
  const auto output = std::filesystem::temp_directory_path() / ("ophion_isolation_" + std::to_string(getpid()));
  LoadOptions options;
  options.registry = Registry({OPHION_BENCHMARK_PLUGINS});
  const std::string identity = train(options.registry, "identity", features, output);
  const std::string weighted = train(options.registry, "weighted", 1, output);
  const Model here = Model::load(weighted, options);
  options.isolation = Isolation::process;
  one_event(bare, Model::load(identity, options));
  million_events(here, Model::load(weighted, options));
  two_workers(weighted, options);
  std::filesystem::remove_all(output);
}
