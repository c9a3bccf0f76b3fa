/// The rehearsal.
#include "rehearsal.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "fingerprint.h"
#include "gil.h"
#include "progress.h"
#include "py_backend.h"

namespace ophion {
namespace {

constexpr std::size_t most_rows = 50;
constexpr double tolerance = 1e-6;

/// Copies of some rows.
struct Sample {
  std::vector<float> features, targets;
  std::vector<std::int32_t> labels;
  std::vector<double> weights;

  Sample(const LabelledEvents& events, const std::vector<std::size_t>& rows)
      : feature_count(events.features.columns()), target_count(events.targets.columns()) {
    for (const std::size_t row : rows) {
      for (std::size_t i = 0; i < feature_count; ++i) features.push_back(events.features.at(row, i));
      for (std::size_t i = 0; i < target_count; ++i) targets.push_back(events.targets.at(row, i));
      if (!events.labels.empty()) labels.push_back(events.labels[row]);
      weights.push_back(events.weights[row]);
    }
  }

  LabelledEvents view() const {
    LabelledEvents events;
    events.features = MatrixView(features.data(), weights.size(), feature_count);
    events.labels = labels;
    if (target_count > 0) events.targets = MatrixView(targets.data(), weights.size(), target_count);
    events.weights = weights;
    return events;
  }

  std::size_t feature_count, target_count;
};

struct Samples {
  Sample train, validation;
  TrainingData view() const { return {train.view(), validation.view()}; }
};

/// The first rows of each class, the same number of each; evenly spread rows where there are no classes.
std::vector<std::size_t> choose_rows(const LabelledEvents& events, std::size_t classes) {
  std::vector<std::size_t> rows;
  if (events.labels.empty() || classes == 0) {
    const std::size_t count = std::min(most_rows, events.rows());
    for (std::size_t i = 0; i < count; ++i) rows.push_back(i * events.rows() / count);
    return rows;
  }
  const std::size_t share = std::max<std::size_t>(1, most_rows / classes);
  std::vector<std::size_t> taken(classes, 0);
  std::size_t incomplete = classes;
  for (std::size_t row = 0; row < events.rows() && incomplete > 0; ++row) {
    std::size_t& count = taken.at(static_cast<std::size_t>(events.labels[row]));
    if (count >= share) continue;
    rows.push_back(row);
    if (++count == share) --incomplete;
  }
  return rows;
}

std::vector<float> scores_of(const PyBackend& backend, const MatrixView& features, std::size_t outputs) {
  std::vector<float> scores(features.rows() * outputs);
  backend.predict(features, scores);
  return scores;
}

void demand_equal(const std::vector<float>& before, const std::vector<float>& after, const MethodFace& face,
                  const TrainContext& context) {
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double a = before[i], b = after[i];
    if (a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= tolerance * std::max(1.0, std::abs(a))) continue;
    throw ModelError(face.who() + ": the model of method '" + context.name +
                     "' can't be kept: saved and loaded again it scores row " +
                     std::to_string(i / context.spec.outputs()) + " as " + std::to_string(b) + " instead of " +
                     std::to_string(a) + " (tried on " + std::to_string(before.size() / context.spec.outputs()) +
                     " events before the training)");
  }
}

/// Null when the fit fails.
PyRef try_training(const MethodFace& face, PyObject* data, PyObject* context, const std::string& method,
                   const StoppableCall& stoppable) {
  try {
    return face.train(data, context);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    if (stoppable.was_stopped()) throw;
    const std::string line = "method '" + method + "': the rehearsal on a few events failed: " + error.what();
    const GilRelease released;
    log(LogLevel::debug, line);
    return {};
  }
}

void train_save_load_compare(const MethodFace& face, const TrainingData& data, const TrainContext& context, int threads,
                             StoppableCall& stoppable, Loan& loan) {
  const ProgressBridge host(context, stoppable);
  const PyRef described = make_context(context, threads, true, &host);
  const Fingerprint events(data);
  PyRef model = try_training(face, make_training_data(data, loan).get(), described.get(), context.name, stoppable);
  events.demand_unchanged(face.who());
  if (!model) return;
  const Members members = face.save(model.get());
  const CallOptions own_limit{threads, 0};  // the rehearsal's time is limited as a whole
  const PyBackend before(face, std::move(model), context.spec, own_limit);
  const PyBackend after(face, face.load(members, described.get()), context.spec, own_limit);
  const std::size_t outputs = context.spec.outputs();
  demand_equal(scores_of(before, data.train.features, outputs), scores_of(after, data.train.features, outputs), face,
               context);
}

}  // namespace

void rehearse(const MethodFace& face, const TrainingData& data, const TrainContext& context, int threads, const Deadline& deadline) {
  const std::size_t classes = context.spec.classes.size();
  auto samples = std::make_unique<Samples>(Samples{{data.train, choose_rows(data.train, classes)},
                                                   {data.validation, choose_rows(data.validation, classes)}});
  Loan loan;
  try {
    StoppableCall stoppable(face.doing("train"), deadline, StoppableCall::Interrupts::heeded);
    stoppable.run([&] { train_save_load_compare(face, samples->view(), context, threads, stoppable, loan); });
    loan.demand_back(face.who(), "train");
  } catch (...) {
    // Whoever kept some of it may still look at it later: then it stays, 50 rows, for as long as the process lives.
    if (!loan.returned()) static_cast<void>(samples.release());
    throw;
  }
}

}  // namespace ophion
