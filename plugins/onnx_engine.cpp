/// The engine "onnx": scores the ONNX form of a model by ONNX Runtime, without Python.
#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <ophion/error.h>
#include <ophion/plugin.h>

#include "of_thread.h"
#include "onnx_graph.h"
#include "onnxruntime.h"

namespace {

using namespace ophion;

constexpr const char* member = "model.onnx";
constexpr const char* input = "features";
constexpr const char* output = "scores";
constexpr std::size_t most_rows = 1024;  // of a call of ONNX Runtime: what a layer makes of them stays near the processor

/// Tensors of a thread, and the memory they lie over: made anew when the shape is another, which it seldom is.
class Tensors {
 public:
  void shape(std::size_t rows, std::size_t features, std::size_t outputs) {
    const std::array wanted{rows, features, outputs};
    if (wanted == shape_) return;
    shape_ = {};
    features_.resize(std::max(features_.size(), rows * features));
    scores_.resize(std::max(scores_.size(), rows * outputs));
    given_ = over(features_, rows, features);
    result_ = over(scores_, rows, outputs);
    shape_ = wanted;
  }
  float* features() noexcept { return features_.data(); }
  const float* scores() const noexcept { return scores_.data(); }
  void run(ort::Session* session) {
    const ort::Value* given = given_.get();
    ort::Value* result = result_.get();
    ort::check(ort::library().api->run(session, nullptr, &input, &given, 1, &output, 1, &result), "ONNX Runtime");
  }

 private:
  static ort::ValuePtr over(std::vector<float>& numbers, std::size_t rows, std::size_t columns) {
    const ort::Library& library = ort::library();
    const std::array shape{static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns)};
    ort::Value* value = nullptr;
    ort::check(library.api->create_tensor_over(library.memory, numbers.data(), rows * columns * sizeof(float), shape.data(), shape.size(),
                                               ort::float32, &value),
               "ONNX Runtime");
    return ort::ValuePtr(value);
  }

  std::array<std::size_t, 3> shape_{};
  std::vector<float> features_, scores_;
  ort::ValuePtr given_, result_;
};

class OnnxBackend final : public Backend {
 public:
  OnnxBackend(ort::SessionPtr session, const Spec& spec)
      : session_(std::move(session)), features_(spec.features.size()), outputs_(spec.outputs()) {}

  const std::string& name() const noexcept override {
    static const std::string onnx = "onnx";
    return onnx;
  }

  void predict(const MatrixView& features, std::span<float> out) const override {
    if (features.type() != DType::float32 || features.columns() != features_ || out.size() != features.rows() * outputs_) {
      throw Error("onnx backend: expected float32 rows of " + std::to_string(features_) + " features and room for " +
                  std::to_string(outputs_) + " scores each");
    }
    Tensors& tensors = native::of_thread<Tensors>();
    for (std::size_t first = 0; first < features.rows(); first += most_rows) {
      const MatrixView rows = features.slice(first, std::min(most_rows, features.rows() - first));
      tensors.shape(rows.rows(), features_, outputs_);
      copy(rows, tensors.features());
      tensors.run(session_.get());
      std::memcpy(out.data() + first * outputs_, tensors.scores(), rows.rows() * outputs_ * sizeof(float));
    }
  }

  Value versions() const override {
    Value versions = Value::object();
    versions.set("onnxruntime", ort::library().version);
    return versions;
  }

 private:
  static void copy(const MatrixView& rows, float* to) noexcept {
    if (rows.contiguous()) {
      std::memcpy(to, rows.data(), rows.rows() * rows.columns() * sizeof(float));
      return;
    }
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      for (std::size_t j = 0; j < rows.columns(); ++j) *to++ = rows.at(i, j);
    }
  }

  ort::SessionPtr session_;
  std::size_t features_;
  std::size_t outputs_;
};

/// One input or output of a session: its name, and that it is rows × `width` of float32.
void demand_port(const ort::Session* session, bool is_input, const char* expected_name, std::size_t width) {
  const ort::Api& api = *ort::library().api;
  const std::string doing = std::string("the graph's ") + (is_input ? "input" : "output");
  std::size_t count = 0;
  ort::check((is_input ? api.input_count : api.output_count)(session, &count), doing);
  if (count != 1) throw ModelError(doing + "s: expected one, found " + std::to_string(count));

  ort::Allocator* allocator = nullptr;
  ort::check(api.default_allocator(&allocator), doing);
  char* text = nullptr;
  ort::check((is_input ? api.input_name : api.output_name)(session, 0, allocator, &text), doing);
  const std::string name = text;
  ort::check(api.allocator_free(allocator, text), doing);
  if (name != expected_name) throw ModelError(doing + ": expected '" + expected_name + "', found '" + name + "'");

  ort::TypeInfo* made = nullptr;
  ort::check((is_input ? api.input_type : api.output_type)(session, 0, &made), doing);
  const ort::TypeInfoPtr type(made);
  const ort::TensorInfo* tensor = nullptr;
  ort::check(api.tensor_info(made, &tensor), doing);
  int element = 0;
  std::size_t dimensions = 0;
  std::array<std::int64_t, 2> shape{};
  if (tensor) {
    ort::check(api.element_type(tensor, &element), doing);
    ort::check(api.dimension_count(tensor, &dimensions), doing);
    if (dimensions == shape.size()) ort::check(api.dimensions(tensor, shape.data(), shape.size()), doing);
  }
  if (element != ort::float32 || shape != std::array{std::int64_t{-1}, static_cast<std::int64_t>(width)}) {
    throw ModelError(doing + " '" + name + "': expected float32 of any number of rows × " + std::to_string(width));
  }
}

class OnnxEngine final : public Engine {
 public:
  std::unique_ptr<Backend> load(const Payload& payload, const Spec& spec, const CallOptions& call) const override {
    const auto found = payload.members.find(member);
    if (found == payload.members.end()) throw ModelError(std::string("the ONNX form has no member '") + member + "'");
    const std::string& bytes = found->second;
    try {
      demand_plain_graph(bytes);
    } catch (const ModelError& problem) {
      throw ModelError(std::string(member) + " is refused: " + problem.what());
    }
    const ort::Library& library = ort::library();
    const std::string doing = std::string(member) + " can't be loaded";
    ort::SessionOptions* made = nullptr;
    ort::check(library.api->create_session_options(&made), doing);
    const ort::SessionOptionsPtr options(made);
    ort::check(library.api->set_intra_op_threads(made, std::max(1, call.threads)), doing);
    ort::check(library.api->set_inter_op_threads(made, 1), doing);
    ort::Session* opened = nullptr;
    ort::check(library.api->create_session_from_array(library.env, bytes.data(), bytes.size(), made, &opened), doing);
    ort::SessionPtr session(opened);
    demand_port(opened, true, input, spec.features.size());
    demand_port(opened, false, output, spec.outputs());
    return std::make_unique<OnnxBackend>(std::move(session), spec);
  }
};

}  // namespace

OPHION_ENGINE("onnx", ophion::NeedsPython::no, OnnxEngine)
