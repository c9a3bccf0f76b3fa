/// A million events in one call, beside plain Python that scores the same array with the same model; and that nothing copies them.
#include "bare_python.h"
#include "made_up.h"
#include "measure.h"

#include <cmath>
#include <cstring>
#include <filesystem>

using namespace ophion;
using namespace ophion::benchmarks;

namespace {

constexpr std::size_t rows = 1'000'000;
constexpr std::size_t features = 30;

const char* const config = R"({
  "version": 1, "name": "predict", "seed": 1, "task": "classification",
  "data": {"features": FEATURES},
  "methods": [
    {"name": "mlp", "type": "pytorch", "script": "examples/higgs4l/mlp.py", "training": {"epochs": 1}},
    {"name": "boosted_trees", "type": "sklearn", "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
     "params": {"max_iter": 20}},
    {"name": "forest", "type": "sklearn", "estimator": "sklearn.ensemble.RandomForestClassifier",
     "params": {"n_estimators": 10, "min_samples_leaf": 5}},
    {"name": "logistic", "type": "sklearn", "estimator": "sklearn.linear_model.LogisticRegression"},
    {"name": "mlp_standard", "type": "pytorch", "script": "examples/higgs4l/mlp.py", "transform": ["standard"], "training": {"epochs": 1}}
  ],
  "output": "OUTPUT"
})";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  return text.replace(text.find(what), what.size(), by);
}

/// Signal, where the first features are large together.
TrainedRun train(const Registry& registry, const std::filesystem::path& output) {
  const std::size_t count = 20'000;
  const std::vector<float> x = random_numbers<float>(count * features, -2, 2);
  std::vector<float> parts[2];
  for (std::size_t i = 0; i < count; ++i) {
    const float* row = &x[i * features];
    auto& part = parts[row[0] + row[1] * row[2] > 0 ? 1 : 0];
    part.insert(part.end(), row, row + features);
  }
  Dataset events(column_names('x', features));
  events.add("signal", MatrixView(parts[1].data(), parts[1].size() / features, features));
  events.add("background", MatrixView(parts[0].data(), parts[0].size() / features, features));
  const std::string list = write_json(Value(column_names('x', features)), 0);
  const std::string text = replaced(replaced(config, "FEATURES", list), "OUTPUT", output.string());
  return Session(Config::from_json(text, OPHION_SOURCE_DIR, registry), events).train();
}

/// Calls of benchmarks/plain/scoring.py: a function of the array that gives scores.
class PlainScorer {
 public:
  PlainScorer(const std::filesystem::path& model, const float* x) {
    const Hold gil;
    PyObject* const load = find("scoring", "load");
    function_ = call(load, {to_text(model.string())});
    Py_DECREF(load);
    x_ = array_over(x, {rows, features}, NPY_FLOAT32);
  }
  ~PlainScorer() {
    const Hold gil;
    Py_DECREF(function_);
    Py_DECREF(x_);
  }
  PlainScorer(const PlainScorer&) = delete;
  PlainScorer& operator=(const PlainScorer&) = delete;

  void operator()(std::vector<float>* scores = nullptr) const {
    const Hold gil;
    PyObject* const result = check(PyObject_CallOneArg(function_, x_));
    auto* const array = reinterpret_cast<PyArrayObject*>(result);
    if (scores) std::memcpy(scores->data(), PyArray_DATA(array), scores->size() * sizeof(float));
    Py_DECREF(result);
  }

 private:
  PyObject* function_;
  PyObject* x_;
};

template <class Work>
double peak_of(Work&& work) {
  const PeakMemory peak;
  work();
  return peak.bytes();
}

void compare(const std::string& name, const std::filesystem::path& file, const std::vector<float>& x, int pairs) {
  const PlainScorer plain(file, x.data());
  for (const char* backend : {"python", "native"}) {
    LoadOptions options;
    options.backend = backend;
    const Model model = Model::load(file, options);
    std::vector<float> ours(rows, 1.0f), theirs(rows, 1.0f);
    const auto predict = [&] { model.predict(MatrixView(x.data(), rows, features), ours); };
    const double our_memory = peak_of(predict);  // before anything of that size was there, which malloc would use again
    const double their_memory = peak_of([&] { plain(&theirs); });
    double worst = 0;
    for (std::size_t i = 0; i < rows; ++i) worst = std::max(worst, static_cast<double>(std::fabs(ours[i] - theirs[i])));

    const Pair times = interleave(pairs, predict, [&] { plain(); });
    report('c', "predict 1,000,000 x 30, " + name + " (" + backend + ") / plain Python", times.ratio(), 1.02,
           text("%.0f ms / %.0f ms, scores differ by %.1g", 1e3 * median(times.first), 1e3 * median(times.second), worst) +
               text(", memory %.0f MB / %.0f MB", our_memory / 1e6, their_memory / 1e6));
  }
}

/// Through a model that gives the events back: beyond input and output nothing may be needed.
void look_for_copies(const Registry& registry, const std::vector<float>& x) {
  Payload nothing;
  nothing.members["nothing"] = "";
  const Spec spec{"regression", column_names('x', features), {}, column_names('y', features)};
  const auto backend = registry.method("identity")->load(nothing, spec, Value::object(), {});
  std::vector<float> out(rows * features, 1.0f);
  const PeakMemory peak;
  backend->predict(MatrixView(x.data(), rows, features), out);
  report('c', "memory of an identity call / its 120 MB of input", peak.bytes() / (4.0 * rows * features), 0.01);
}

}  // namespace

int main() {
  const auto output = std::filesystem::temp_directory_path() / ("ophion_predict_" + std::to_string(getpid()));
  const Registry registry = start_python();
  const TrainedRun run = train(registry, output);
  const std::vector<float> x = random_numbers<float>(rows * features, -2, 2);
  look_for_copies(registry, x);
  for (const MethodResult& method : run.methods()) {
    const bool slow = method.name == "forest" || method.name == "boosted_trees";
    compare(method.name, run.folder() / "models" / (method.name + ".ophion"), x, slow ? 5 : 15);
  }
  std::filesystem::remove_all(output);
}
