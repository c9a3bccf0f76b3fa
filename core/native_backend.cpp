/// An engine made of a model file's neutral form, and what it scores.
#include "native_backend.h"

#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

#include <ophion/error.h>

#include "forest.h"
#include "native_form.h"

namespace ophion {
namespace {

using NativeEngine = std::variant<native::Forest, native::Network>;

NativeEngine engine_from(const Payload& payload, const Spec& spec) {
  NativeForm form = read_native_form(payload, spec);
  if (auto* forest = std::get_if<native::ForestArrays>(&form)) return native::Forest(std::move(*forest));
  auto& given = std::get<NetworkForm>(form);
  native::Network network(std::move(given.steps), spec.features.size(), given.link);
  if (network.outputs() != spec.outputs()) {
    throw ModelError("the network gives " + std::to_string(network.outputs()) + " numbers, the model has " + std::to_string(spec.outputs()));
  }
  return network;
}

std::size_t score(const native::Forest& forest, const MatrixView& rows, float* out) {
  return forest.score(static_cast<const float*>(rows.data()), rows.row_stride(), rows.column_stride(), rows.rows(), out);
}

std::size_t score(const native::Network& network, const MatrixView& rows, float* out) {
  network.score(static_cast<const float*>(rows.data()), rows.row_stride(), rows.column_stride(), rows.rows(), out);
  return rows.rows();
}

class NativeBackend final : public Backend {
 public:
  NativeBackend(NativeEngine engine, const Spec& spec) : engine_(std::move(engine)), features_(spec.features.size()), outputs_(spec.outputs()) {}

  const std::string& name() const noexcept override {
    static const std::string native = native_name;
    return native;
  }

  std::size_t preferred_rows() const noexcept override { return 4096; }

  void predict(const MatrixView& features, std::span<float> out) const override {
    if (features.type() != DType::float32 || features.columns() != features_ || out.size() != features.rows() * outputs_) {
      throw Error("native backend: expected float32 rows of " + std::to_string(features_) + " features and room for " +
                  std::to_string(outputs_) + " scores each");
    }
    const std::size_t done = std::visit([&](const auto& engine) { return score(engine, features, out.data()); }, engine_);
    if (done < features.rows()) {
      throw DataError("row " + std::to_string(done) + " has a missing value, which these trees were not trained to take");
    }
  }

 private:
  NativeEngine engine_;
  std::size_t features_;
  std::size_t outputs_;
};

}  // namespace

std::unique_ptr<Backend> make_native_backend(const Payload& payload, const Spec& spec) {
  try {
    return std::make_unique<NativeBackend>(engine_from(payload, spec), spec);
  } catch (const std::invalid_argument& problem) {  // an engine's word
    throw ModelError(std::string("the native payload can't be: ") + problem.what());
  } catch (const Error& problem) {
    throw ModelError(std::string("the native payload can't be read: ") + problem.what());
  }
}

}  // namespace ophion
