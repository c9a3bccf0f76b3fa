/// BoundScore: a model, and the order in which a program has its numbers.
#include <array>
#include <utility>

#include <ophion/error.h>
#include <ophion/model.h>

#include "model_state.h"

namespace ophion {

struct BoundScore::State {
  std::shared_ptr<const Model::State> model;  // declared first: the binding refers to its features
  Binding binding;
};

BoundScore::BoundScore(std::shared_ptr<const State> state) : state_(std::move(state)) {}

BoundScore Model::bind(const std::vector<std::string>& names) const {
  Binding binding(state_->description, names, "names to bind");
  return BoundScore(std::make_shared<const BoundScore::State>(BoundScore::State{state_, std::move(binding)}));
}

float BoundScore::operator()(std::span<const float> event) const {
  const std::size_t outputs = state_->model->description.spec.outputs();
  if (outputs != 1) {
    throw ModelError("an event has " + std::to_string(outputs) + " scores with this model: give a span for them");
  }
  float score = 0;
  (*this)(event, std::span(&score, 1));
  return score;
}

void BoundScore::operator()(std::span<const float> event, std::span<float> out) const {
  const Binding& binding = state_->binding;
  if (event.size() != binding.width()) {
    throw ModelError("expected " + std::to_string(binding.width()) + " numbers, one a bound name, found " + std::to_string(event.size()));
  }
  const MatrixView row(event.data(), 1, event.size());
  if (const auto features = binding.view(row)) return state_->model->predict(*features, out);
  // On the stack, not the thread's: a script that is called now may score with another model.
  const std::size_t width = state_->model->description.spec.features.size();
  std::array<float, 256> few;
  std::vector<float> many(width > few.size() ? width : 0);
  float* const features = many.empty() ? few.data() : many.data();
  binding.one(event.data(), features);
  if (!binding.knows_fold()) return state_->model->predict(MatrixView(features, 1, width), out);
  const Fold fold = binding.fold(event.data());
  state_->model->predict(MatrixView(features, 1, width), std::span(&fold, 1), out);
}

bool BoundScore::by_fold() const noexcept { return state_->binding.knows_fold(); }

void BoundScore::predict(const MatrixView& events, std::span<float> out) const {
  const Binding& binding = state_->binding;
  const Model::State& model = *state_->model;
  if (events.columns() != binding.width()) {
    throw ModelError("expected " + std::to_string(binding.width()) + " columns, one a bound name, found " + std::to_string(events.columns()));
  }
  if (const auto features = binding.view(events)) return model.predict(*features, out);
  const std::size_t outputs = model.description.spec.outputs();
  if (out.size() != events.rows() * outputs) {
    throw DataError("expected room for " + std::to_string(events.rows() * outputs) + " scores, found " + std::to_string(out.size()));
  }
  const auto size = static_cast<std::ptrdiff_t>(size_of(events.type()));
  std::vector<Strided> sources;
  for (std::size_t j = 0; j < events.columns(); ++j) {
    const std::ptrdiff_t offset = static_cast<std::ptrdiff_t>(j) * events.column_stride() * size;
    sources.push_back({static_cast<const std::byte*>(events.data()) + offset, events.row_stride() * size, events.type()});
  }
  model.predict(binding, sources, events.rows(), out);
}

}  // namespace ophion
