/// The training alone, from events in memory to the bytes of the model, beside plain Python that does the same in the same process.
#include "bare_python.h"
#include "measure.h"

#include <cmath>
#include <cstring>

using namespace ophion;
using namespace ophion::benchmarks;

namespace {

/// Standardised features, labels and weights of one part.
struct Part {
  std::vector<float> x;
  std::vector<std::int32_t> y;
  std::vector<double> w;

  LabelledEvents view(std::size_t features) const {
    LabelledEvents events;
    events.features = MatrixView(x.data(), y.size(), features);
    events.labels = y;
    events.weights = w;
    return events;
  }
};

struct Parts {
  Part train, validation;
};

/// Every fourth event is for validation.
Parts read(const Config& config) {
  std::vector<std::string> names;
  for (const NamedExpression& feature : config.data().features) names.push_back(feature.name);
  std::vector<float> x;
  std::vector<std::int32_t> y;
  for (const SampleConfig& sample : config.data().samples) {
    const auto stream = config.registry().reader_for(sample.files[0])->open(sample.files[0], sample.tree, names);
    while (const auto chunk = stream->next()) {
      for (std::size_t row = 0; row < chunk->front().rows; ++row) {
        for (const Column& column : *chunk) x.push_back(static_cast<float>(column.at(row)));
        y.push_back(sample.class_name == "signal" ? 1 : 0);
      }
    }
  }
  const std::size_t features = names.size();
  for (std::size_t i = 0; i < features; ++i) {
    double sum = 0, squares = 0;
    for (std::size_t row = 0; row < y.size(); ++row) {
      const double value = x[row * features + i];
      sum += value;
      squares += value * value;
    }
    const double mean = sum / static_cast<double>(y.size());
    const double width = std::sqrt(squares / static_cast<double>(y.size()) - mean * mean);
    for (std::size_t row = 0; row < y.size(); ++row) {
      float& value = x[row * features + i];
      value = static_cast<float>((value - mean) / width);
    }
  }
  Parts parts;
  for (std::size_t row = 0; row < y.size(); ++row) {
    Part& part = row % 4 == 0 ? parts.validation : parts.train;
    part.x.insert(part.x.end(), &x[row * features], &x[row * features] + features);
    part.y.push_back(y[row]);
    part.w.push_back(1.0);
  }
  return parts;
}

std::string plain_training(PyObject* function, const Parts& parts, std::size_t features, const std::string& options, std::uint64_t seed) {
  const Hold gil;
  const auto rows = static_cast<npy_intp>(parts.train.y.size()), rows_v = static_cast<npy_intp>(parts.validation.y.size());
  const auto width = static_cast<npy_intp>(features);
  PyObject* const model = call(function, {array_over(parts.train.x.data(), {rows, width}, NPY_FLOAT32),
                                          array_over(parts.train.y.data(), {rows}, NPY_INT32),
                                          array_over(parts.train.w.data(), {rows}, NPY_FLOAT64),
                                          array_over(parts.validation.x.data(), {rows_v, width}, NPY_FLOAT32),
                                          array_over(parts.validation.y.data(), {rows_v}, NPY_INT32),
                                          array_over(parts.validation.w.data(), {rows_v}, NPY_FLOAT64), to_text(options),
                                          PyLong_FromUnsignedLongLong(seed)});
  const std::string bytes(PyBytes_AS_STRING(model), static_cast<std::size_t>(PyBytes_GET_SIZE(model)));
  Py_DECREF(model);
  return bytes;
}

}  // namespace

int main(int count, char** arguments) {
  const int pairs = count > 1 ? std::atoi(arguments[1]) : 5;
  const Registry registry = start_python();
  const Config config = Config::from_file(OPHION_SOURCE_DIR "/benchmarks/training.json", registry);
  const Parts parts = read(config);
  const std::size_t features = config.data().features.size();
  for (const MethodConfig& method : config.methods()) {
    TrainContext context;
    context.name = method.name;
    context.options = method.options;
    context.seed = config.seed();
    context.spec.task = config.task();
    for (const NamedExpression& feature : config.data().features) context.spec.features.push_back(feature.name);
    context.spec.classes = config.classes();
    const auto plugin = registry.method(method.type);
    const TrainingData data{parts.train.view(features), parts.validation.view(features)};
    PyObject* plain_function;
    {
      const Hold gil;
      plain_function = find("training", method.type == "pytorch" ? "fit_network" : "fit_estimator");
    }
    const std::string options = write_json(method.options, 0);
    const std::string member = method.type == "pytorch" ? "weights.safetensors" : "estimator.skops";
    std::string ours, theirs;
    const auto train = [&] { ours = plugin->train(data, context).members.at(member); };
    const auto plain = [&] { theirs = plain_training(plain_function, parts, features, options, config.seed()); };
    // Imports and caches; one tenth of the work would do, but then nothing would be compared.
    train();
    plain();
    const std::string same = method.type != "pytorch" ? "" : ours == theirs ? ", the same weights" : ", OTHER WEIGHTS";
    const Pair times = interleave(pairs, train, plain);
    report('b', "fit of " + method.name + " / plain Python", times.ratio(), 1.02,
           text("%.2f s / %.2f s", median(times.first), median(times.second)) + same);
  }
}
