/// Whether hours go by without a trace: many threads load, score, drop, fail and train with interrupts, here and in worker processes.
///   soak_benchmark SECONDS [THREADS]
#include "made_up.h"
#include "measure.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>

#include <ophion/ophion.h>

using namespace ophion;
using namespace ophion::benchmarks;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t features = 4;
constexpr float fails = 1e6f, litters = 2e6f, exits = 3e6f;  // as in soak/guest.py

using Random = std::mt19937;

int one_of(Random& random, int count) { return static_cast<int>(random() % static_cast<unsigned>(count)); }

Config config_of(const std::string& methods, const fs::path& output) {
  return Config::from_json(R"({"version": 1, "name": "soak", "task": "regression", "threads": 1, "data": {"features": )" +
                           write_json(Value(column_names('x', features)), 0) + R"(, "targets": ["y"]}, "methods": [)" + methods +
                           R"(], "output": ")" + output.string() + "\"}");
}

std::string guest(const std::string& how = "") {
  return R"({"name": "guest", "type": "script", "script": ")" OPHION_SOURCE_DIR R"(/benchmarks/soak/guest.py", "params": {"how": ")" + how + "\"}}";
}

/// Calls of several sizes with the scores that one thread alone got.
struct KnownCall {
  std::vector<float> rows, scores;
  MatrixView matrix() const { return {rows.data(), rows.size() / features, features}; }
};

/// A model that is always there, though others replace it.
class Slot {
 public:
  Slot(fs::path file, LoadOptions options) : file_(std::move(file)), options_(std::move(options)), model_(load()) {
    for (const std::size_t count : {1, 1, 7, 200}) {
      KnownCall call;
      call.rows = random_numbers<float>(count * features, -1, 1);
      call.scores = model_.predict(call.matrix());
      calls_.push_back(std::move(call));
    }
  }
  Model load() const { return Model::load(file_, options_); }
  Model model() const {
    const std::lock_guard lock(mutex_);
    return model_;
  }
  void replace() {
    Model fresh = load();
    const std::lock_guard lock(mutex_);
    std::swap(model_, fresh);
  }
  /// Whether the model scores as ever.
  bool is_right(const Model& model, Random& random) const {
    const KnownCall& call = calls_[static_cast<std::size_t>(one_of(random, static_cast<int>(calls_.size())))];
    return model.predict(call.matrix()) == call.scores;
  }

 private:
  const fs::path file_;
  const LoadOptions options_;
  mutable std::mutex mutex_;
  Model model_;
  std::vector<KnownCall> calls_;
};

template <class Expected>
void expect_failure(const Model& model, float what) {
  const std::vector<float> row{what, 0, 0, 0};
  try {
    model.predict(MatrixView(row.data(), 1, features));
  } catch (const Expected&) {
    return;
  }
  throw std::runtime_error("a call that must fail did not");
}

class Soak {
 public:
  explicit Soak(fs::path folder) : folder_(std::move(folder)), x_(random_numbers<float>(500 * features, -1, 1)), events_(column_names('x', features)) {
    events_.add("", MatrixView(x_.data(), 500, features)).targets(MatrixView(x_.data(), 500, 1, features, 1));
    const std::string methods = guest() + R"(, {"name": "forest", "type": "sklearn", "estimator": "sklearn.ensemble.RandomForestRegressor",
      "params": {"n_estimators": 10}, "transform": ["standard"]}, {"name": "neighbours", "type": "sklearn", "estimator": "sklearn.neighbors.KNeighborsRegressor"})";
    const TrainedRun run = Session(config_of(methods, folder_), events_).train();
    LoadOptions options, isolated;
    options.backend = isolated.backend = "python";
    isolated.isolation = Isolation::process;
    isolated.workers = 2;
    const auto file = [&](const std::string& name) { return run.folder() / "models" / (name + ".ophion"); };
    slots_.emplace_back(std::make_unique<Slot>(file("guest"), options));
    slots_.emplace_back(std::make_unique<Slot>(file("forest"), options));
    slots_.emplace_back(std::make_unique<Slot>(file("neighbours"), options));
    slots_.emplace_back(std::make_unique<Slot>(file("guest"), isolated));
  }

  /// One random deed of a thread.
  void act(Random& random) {
    try {
      do_something(random);
    } catch (const std::exception& error) {
      problem(error);
    }
    ++deeds;
  }

  /// One training: that ends well, that fails, or that is interrupted.
  void train(Random& random) {
    const char* const how[] = {"", "fail", "slow"};
    const int chosen = one_of(random, 3);
    const fs::path output = folder_ / "trainings";
    std::thread interruption;
    if (chosen == 2) {
      interruption = std::thread([pause = std::chrono::milliseconds(one_of(random, 1000))] {
        std::this_thread::sleep_for(pause);
        interrupt();
      });
    }
    try {
      const TrainedRun run = Session(config_of(guest(how[chosen]), output), events_).train();
      if (chosen == 1) throw std::runtime_error("a training that must fail did not");
    } catch (const Error& error) {
      if (chosen == 0) problem(error);
    } catch (const std::runtime_error& error) {
      problem(error);
    }
    if (interruption.joinable()) interruption.join();
    clear_interrupt();
    fs::remove_all(output);
    ++trainings;
  }

  void problem(const std::exception& error) {
    if (++problems <= 10) std::fprintf(stderr, "unexpected: %s\n", error.what());
  }

  std::atomic<std::uint64_t> deeds = 0, trainings = 0, wrong = 0, problems = 0;

 private:
  void do_something(Random& random) {
    Slot& here = *slots_[static_cast<std::size_t>(one_of(random, 3))];
    const Model guest = slots_.front()->model(), there = slots_.back()->model();
    switch (one_of(random, 100)) {
      case 0: case 1: case 2: case 3: case 4: count(here.is_right(here.load(), random)); break;
      case 5: case 6: here.replace(); break;
      case 7: case 8: case 9: expect_failure<PythonError>(guest, fails); break;
      case 10: guest.predict(MatrixView(std::vector<float>{litters, 0, 0, 0}.data(), 1, features)); break;
      case 11: expect_failure<PythonError>(there, fails); break;
      case 12: if (one_of(random, 10) == 0) expect_failure<WorkerError>(there, exits); break;
      case 13: if (one_of(random, 20) == 0) slots_.back()->replace(); break;
      case 14: case 15: case 16: case 17: case 18: case 19: count(slots_.back()->is_right(there, random)); break;
      default: count(here.is_right(here.model(), random));
    }
  }

  void count(bool right) { wrong += !right; }

  const fs::path folder_;
  const std::vector<float> x_;
  Dataset events_;
  std::vector<std::unique_ptr<Slot>> slots_;  ///< three of this process, one of workers
};

struct Footprint {
  double resident, threads, files;
};

Footprint footprint() {
  const auto files = std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  return {resident_bytes() / 1e6, status_bytes("Threads") / 1024, static_cast<double>(files)};
}

/// The median of one fifth of the run.
double middle(const std::vector<Footprint>& seen, std::size_t fifth, double Footprint::* what) {
  std::vector<double> values;
  for (std::size_t i = fifth * seen.size() / 5; i < (fifth + 1) * seen.size() / 5; ++i) values.push_back(seen[i].*what);
  return median(values);
}

}  // namespace

int main(int count, char** arguments) {
  const double seconds = count > 1 ? std::atof(arguments[1]) : 600;
  const int threads = count > 2 ? std::atoi(arguments[2]) : 8;
  if (seconds < 5 || threads < 2) {
    std::fprintf(stderr, "usage: soak_benchmark SECONDS [THREADS], at least 5 and 2\n");
    return 2;
  }
  RuntimeOptions runtime;
  runtime.python = OPHION_BENCHMARK_PYTHON;
  runtime.log_sink = [](LogLevel, std::string_view) {};
  configure(runtime);
  const fs::path folder = fs::temp_directory_path() / ("ophion_soak_" + std::to_string(getpid()));
  std::vector<Footprint> seen;
  Soak soak(folder);
  std::atomic<bool> over = false;
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      Random random(static_cast<unsigned>(t));
      while (!over) {
        if (t == 0) {
          soak.train(random);
        } else {  // threads come and go
          std::thread([&] {
            for (int i = 0; i < 100 && !over; ++i) soak.act(random);
          }).join();
        }
      }
    });
  }
  const auto steps = static_cast<int>(seconds * 2);
  for (int step = 0; step < steps; ++step) {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    seen.push_back(footprint());
    if (step % std::max(steps / 10, 1) == 0) {
      std::fprintf(stderr, "%4.0f s: %.1f MB, %.0f threads, %.0f files, %llu deeds, %llu trainings\n", 0.5 * step, seen.back().resident,
                   seen.back().threads, seen.back().files, static_cast<unsigned long long>(soak.deeds), static_cast<unsigned long long>(soak.trainings));
    }
  }
  over = true;
  for (auto& thread : all) thread.join();
  fs::remove_all(folder);

  const auto growth = [&](double Footprint::* what) { return middle(seen, 4, what) - middle(seen, 1, what); };
  report('s', text("wrong scores in %.0f deeds of %.0f threads", static_cast<double>(soak.deeds), threads), static_cast<double>(soak.wrong), 0);
  report('s', text("unexpected errors, %.0f trainings", static_cast<double>(soak.trainings)), static_cast<double>(soak.problems), 0);
  report('s', text("MB that memory grew in %.0f s, last fifth - second fifth", seconds), growth(&Footprint::resident), 16,
         text("%.1f MB - %.1f MB", middle(seen, 4, &Footprint::resident), middle(seen, 1, &Footprint::resident)));
  report('s', "threads more", growth(&Footprint::threads), 2, text("%.0f", middle(seen, 4, &Footprint::threads)));
  report('s', "open files more", growth(&Footprint::files), 4, text("%.0f", middle(seen, 4, &Footprint::files)));
  return soak.wrong + soak.problems == 0 ? 0 : 1;
}
