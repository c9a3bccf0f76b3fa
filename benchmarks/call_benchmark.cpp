/// One event from C++ to Python and back. `call_benchmark a`: what a call costs beside the same call by the bare C API;
/// `call_benchmark e`: what 200,000 calls leave behind.
#include "bare_python.h"
#include "made_up.h"
#include "measure.h"

#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>

using namespace ophion;
using namespace ophion::benchmarks;

namespace {

constexpr std::size_t features = 30;

/// A config for events of the program's own memory; `methods` is its JSON.
Config config_for(const Registry& registry, const std::string& task, const std::string& methods, const std::filesystem::path& output) {
  std::string data = "\"features\": " + write_json(Value(column_names('x', features)), 0);
  if (task == "regression") data += ", \"targets\": " + write_json(Value(column_names('y', features)), 0);
  return Config::from_json(R"({"version": 1, "name": "calls", "seed": 1, "task": ")" + task + R"(", "data": {)" + data +
                               R"(}, "methods": [)" + methods + R"(], "output": ")" + output.string() + "\"}",
                           ".", registry);
}

Model train_identity(const Registry& registry, const std::filesystem::path& output) {
  const std::vector<float> x = random_numbers<float>(200 * features, -0.5, 0.5);
  Dataset events(column_names('x', features));
  events.add("", MatrixView(x.data(), 200, features)).targets(MatrixView(x.data(), 200, features));
  return Session(config_for(registry, "regression", R"({"name": "identity", "type": "identity"})", output), events).train().best();
}

Model train_network(const Registry& registry, const std::filesystem::path& output) {
  const std::vector<float> x = random_numbers<float>(2000 * features, -0.5, 0.5);
  Dataset events(column_names('x', features));
  events.add("signal", MatrixView(x.data(), 1000, features)).add("background", MatrixView(x.data() + 1000 * features, 1000, features));
  const std::string method = R"({"name": "mlp", "type": "pytorch", "script": ")" OPHION_SOURCE_DIR
                             R"(/examples/higgs4l/mlp.py", "training": {"epochs": 1}})";
  return Session(config_for(registry, "classification", method, output), events).train().best();
}

/// The same by hand: an array over the row, the function looked up before, its result copied. No check of anything, no loan, no GIL.
struct BareCall {
  PyObject* function;
  PyObject* model;

  void operator()(const float* row, float* out) const {
    npy_intp shape[2] = {1, static_cast<npy_intp>(features)};
    PyObject* const x = PyArray_SimpleNewFromData(2, shape, NPY_FLOAT32, const_cast<float*>(row));
    PyObject* arguments[3] = {nullptr, model, x};
    PyObject* const result = PyObject_Vectorcall(function, arguments + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
    std::memcpy(out, PyArray_DATA(reinterpret_cast<PyArrayObject*>(result)), features * sizeof(float));
    Py_DECREF(result);
    Py_DECREF(x);
  }
};

template <class Call>
double microseconds_a_call(Call&& call) {
  constexpr int calls = 5000;
  const double begin = thread_seconds();
  for (int i = 0; i < calls; ++i) call();
  return 1e6 * (thread_seconds() - begin) / calls;
}

void cost_of_a_call(const Registry& registry, const std::filesystem::path& output) {
  const Model model = train_identity(registry, output);
  Payload nothing;
  nothing.members["nothing"] = "";
  const std::unique_ptr<Backend> backend = registry.method("identity")->load(nothing, model.spec(), Value::object(), {});
  BareCall bare{};
  {
    const Hold gil;
    bare = {find("identity_face", "predict"), to_text("nothing")};
  }
  const std::vector<float> row = random_numbers<float>(features, -0.5, 0.5);
  std::vector<float> out(features);
  const MatrixView x(row.data(), 1, features);

  // Another thread than the one that started Python or the program.
  std::thread([&] {
    std::vector<double> bare_times, backend_times, model_times, backend_ratios, model_ratios;
    for (int round = 0; round < 101; ++round) {
      double bare_time;
      {
        const Hold gil;
        bare_time = microseconds_a_call([&] { bare(row.data(), out.data()); });
      }
      const double backend_time = microseconds_a_call([&] { backend->predict(x, out); });
      const double model_time = microseconds_a_call([&] { model.predict(x, out); });
      if (round == 0) continue;  // makes thread states and warms caches
      bare_times.push_back(bare_time);
      backend_times.push_back(backend_time);
      model_times.push_back(model_time);
      backend_ratios.push_back(backend_time / bare_time);
      model_ratios.push_back(model_time / bare_time);
    }
    const double bare_time = median(bare_times);
    report('a', "identity of 1 x 30, Backend::predict / bare C API", median(backend_ratios), 5,
           text("%.3f us / %.3f us", median(backend_times), bare_time));
    report('a', "identity of 1 x 30, Model::predict / bare C API", median(model_ratios), 5,
           text("%.3f us / %.3f us", median(model_times), bare_time));
  }).join();
}

double allocated_blocks() {
  const Hold gil;
  PyObject* const function = find("sys", "getallocatedblocks");
  PyObject* const count = call(function, {});
  const double blocks = PyLong_AsDouble(count);
  Py_DECREF(count);
  Py_DECREF(function);
  return blocks;
}

void what_calls_leave(const Model& model, const std::string& name) {
  const std::vector<float> row = random_numbers<float>(features, -0.5, 0.5);
  std::vector<float> out(model.outputs());
  const auto score = [&](int calls) {
    for (int i = 0; i < calls; ++i) model.predict(MatrixView(row.data(), 1, features), out);
  };
  score(20'000);  // caches of Python and of PyTorch
  const double blocks = allocated_blocks();
  const double memory = resident_bytes();
  score(200'000);
  report('e', "memory grown in 200,000 calls of " + name + ", MB", (resident_bytes() - memory) / 1e6, 1);
  report('e', "Python's blocks grown in 200,000 calls of " + name, allocated_blocks() - blocks, 100, text("%.0f blocks", blocks));
}

}  // namespace

int main(int count, char** arguments) {
  const std::string what = count > 1 ? arguments[1] : "a";
  const auto output = std::filesystem::temp_directory_path() / ("ophion_calls_" + std::to_string(getpid()));
  const Registry registry = start_python();
  if (what == "a") {
    cost_of_a_call(registry, output);
  } else {
    what_calls_leave(train_identity(registry, output), "an identity");
    what_calls_leave(train_network(registry, output), "a network");
  }
  std::filesystem::remove_all(output);
}
