/// A method in C++ alone, for tests: it trains nothing, in three epochs, and scores weighted sums of the features, one an output.
#include <cstring>
#include <stdexcept>

#include <ophion/plugin.h>

namespace {

constexpr const char* member = "weights.bin";  // outputs × features doubles

class LinearBackend : public ophion::Backend {
 public:
  explicit LinearBackend(std::vector<double> weights) : weights_(std::move(weights)) {}
  const std::string& name() const noexcept override {
    static const std::string linear = "linear";
    return linear;
  }
  void predict(const ophion::MatrixView& features, std::span<float> out) const override {
    const std::size_t columns = features.columns();
    const std::size_t outputs = weights_.size() / columns;
    for (std::size_t i = 0; i < features.rows(); ++i) {
      for (std::size_t k = 0; k < outputs; ++k) {
        double sum = 0;
        for (std::size_t j = 0; j < columns; ++j) sum += weights_[k * columns + j] * double{features.at(i, j)};
        out[i * outputs + k] = static_cast<float>(sum);
      }
    }
  }
  ophion::Value versions() const override {
    ophion::Value versions = ophion::Value::object();
    versions.set("linear", "1.0");
    return versions;
  }

 private:
  std::vector<double> weights_;
};

class LinearMethod : public ophion::Method {
 public:
  const ophion::MethodTraits& traits() const noexcept override {
    static const ophion::MethodTraits linear{"linear", {"classification", "regression"}};
    return linear;
  }
  void check(const ophion::TrainContext&) const override {}
  ophion::Payload train(const ophion::TrainingData&, const ophion::TrainContext& context) const override {
    std::vector<double> weights;
    for (const ophion::Value& weight : context.options.at("weights").as_array()) weights.push_back(weight.as_number());
    std::string bytes(weights.size() * sizeof(double), '\0');
    std::memcpy(bytes.data(), weights.data(), bytes.size());
    ophion::Payload payload;
    payload.members.emplace(member, std::move(bytes));
    payload.members.emplace("script/linear.txt", "weights times features\n");
    ophion::Value versions = ophion::Value::object();
    versions.set("linear", "1.0");
    payload.info.set("versions", std::move(versions));
    for (int epoch = 1; epoch <= 3 && context.progress && !payload.stopped; ++epoch) {
      ophion::Progress now;
      now.method = context.name;
      now.epoch = epoch;
      now.epochs = 3;
      now.metrics = {{"loss", 1.0 / epoch}};
      payload.stopped = !context.progress(now);
    }
    return payload;
  }
  /// It stands in for methods whose members may be code: a member of that name makes it so.
  bool carries_code(const ophion::Payload& payload) const override { return payload.members.contains("script/code.txt"); }
  std::unique_ptr<ophion::Backend> load(const ophion::Payload& payload, const ophion::Spec& spec, const ophion::Value&,
                                        const ophion::CallOptions&) const override {
    const std::string& bytes = payload.members.at(member);
    if (!payload.members.contains("script/linear.txt")) throw std::runtime_error("the script did not come back");
    std::vector<double> weights(bytes.size() / sizeof(double));
    if (weights.size() != spec.outputs() * spec.features.size()) throw std::runtime_error("another number of weights");
    std::memcpy(weights.data(), bytes.data(), bytes.size());
    return std::make_unique<LinearBackend>(std::move(weights));
  }
};

}  // namespace

OPHION_METHOD("linear", ophion::NeedsPython::no, LinearMethod)
