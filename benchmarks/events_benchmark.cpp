/// From a ROOT file to the data set of a run, beside uproot alone that reads the same columns. `events_benchmark FILE`, with trees
/// "signal" and "background" of x0 to x19.
#include "bare_python.h"
#include "made_up.h"
#include "measure.h"

#include <filesystem>
#include <sstream>

using namespace ophion;
using namespace ophion::benchmarks;

namespace {

constexpr std::size_t features = 20;
constexpr std::size_t bytes_a_row = features * sizeof(float) + sizeof(std::int32_t) + sizeof(double) + sizeof(std::uint32_t) + sizeof(std::uint64_t);

Config config_for(const Registry& registry, const std::string& file, const std::string& extra, const std::filesystem::path& output) {
  const auto sample = [&](const std::string& name) {
    return R"({"class": ")" + name + R"(", "files": [")" + file + R"("], "tree": ")" + name + "\"" + extra + "}";
  };
  return Config::from_json(R"({"version": 1, "name": "events", "task": "classification", "data": {"samples": [)" + sample("signal") + ", " +
                               sample("background") + R"(], "features": )" + write_json(Value(column_names('x', features)), 0) +
                               R"(}, "methods": [{"name": "stopwatch", "type": "stopwatch"}], "output": ")" + output.string() + "\"}",
                           ".", registry);
}

struct Built {
  double seconds = 0;
  double peak = 0;
  double left = 0;
};

/// What the stopwatch tells when it is asked to train.
Built build(const Session& session) {
  try {
    session.train();
  } catch (const DataError& told) {
    Built built;
    if (std::istringstream(told.what()) >> built.seconds >> built.peak >> built.left) return built;
    throw;
  }
  throw Error("the stopwatch did not stop");
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: events_benchmark FILE\n");
    return 2;
  }
  const std::string file = arguments[1];
  const auto output = std::filesystem::temp_directory_path() / ("ophion_events_" + std::to_string(getpid()));
  const Registry registry = start_python();
  const Session plain_columns(config_for(registry, file, "", output));
  PyObject* read;
  double rows = 0;
  {
    const Hold gil;
    PyObject* const prepare = find("events", "prepare");
    PyObject* const number = call(prepare, {to_text(file)});
    rows = PyFloat_AsDouble(number);
    Py_DECREF(number);
    Py_DECREF(prepare);
    read = find("events", "read");
  }

  // Memory first, while the heap holds nothing that could be used again.
  const Built first = build(plain_columns);
  const double matrices = rows * static_cast<double>(bytes_a_row);
  report('f', "memory of building 2,000,000 x 20 / its matrices", first.peak / matrices, 1.2,
         text("%.0f MB / %.0f MB, at the end %.0f MB", first.peak / 1e6, matrices / 1e6, first.left / 1e6));

  const auto compare = [&](const std::string& what, const Session& session) {
    Pair times;
    for (int pair = 0; pair < 7; ++pair) {
      times.first.push_back(build(session).seconds);
      const Hold gil;
      times.second.push_back(time_of([&] { Py_DECREF(call(read, {to_text(file)})); }));
    }
    report('f', "time of building 2,000,000 x 20" + what + " / uproot alone", times.ratio(), 2,
           text("%.2f s / %.2f s", median(times.first), median(times.second)));
  };
  compare("", plain_columns);
  compare(", cut, weight", Session(config_for(registry, file, R"(, "selection": "x0 > -1 && abs(x1) < 2.5", "weight": "1 + 0.1 * x2 * x2")", output)));
  std::filesystem::remove_all(output);
}
