/// Cross-validation: the folds of a run's events.
#include "folds.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ophion/error.h>

#include "event_source.h"

namespace ophion {
namespace {

/// What the training of a fold does with a row.
enum class Use : std::uint8_t { train, validate, leave_out };
constexpr const char* whose[] = {"the training of fold ", "the validation of fold ", "fold "};

Use use_of(const Split& split, const Part& all, std::size_t row, Fold fold) {
  if (all.fold[row] == fold) return Use::leave_out;
  return split.validates(all.draw[row], fold) ? Use::validate : Use::train;
}

struct Sum {
  std::uint64_t events = 0;
  double weight = 0;
};

void check_fold(const Events& events, const Split& split, bool validates, Fold fold) {
  const Part& all = events[PartName::validation];
  const std::size_t groups = std::max<std::size_t>(1, events.classes.size());
  std::vector<Sum> sums(3 * groups);
  for (std::size_t row = 0; row < all.rows(); ++row) {
    const std::size_t group = events.classes.empty() ? 0 : static_cast<std::size_t>(all.labels[row]);
    Sum& sum = sums[static_cast<std::size_t>(use_of(split, all, row, fold)) * groups + group];
    ++sum.events;
    sum.weight += all.weights[row];
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const auto use = static_cast<Use>(i / groups);
    if (use == Use::validate && !validates) continue;
    const std::string where = whose[i / groups] + std::to_string(fold);
    const std::string of_class = events.classes.empty() ? "" : " of class '" + events.classes[i % groups] + "'";
    if (sums[i].events == 0) throw DataError(where + " has no events" + of_class + ": data.split leaves it none");
    if (!(sums[i].weight > 0)) {
      throw DataError("the weights of " + std::to_string(sums[i].events) + " events" + of_class + " in " + where + " sum to " +
                      text_of(sums[i].weight) + ", expected more than 0");
    }
  }
}

/// Memory of rows that were copied together.
struct Gathered {
  explicit Gathered(Storage::Kind kind) : features(kind), labels(kind), targets(kind), weights(kind) {}
  Storage features, labels, targets, weights;
};

template <class T>
const T* gather(Storage& to, const T* from, std::size_t width, const std::vector<std::size_t>& rows) {
  auto* place = reinterpret_cast<T*>(to.append(rows.size() * width * sizeof(T)));
  const T* const begin = place;
  for (const std::size_t row : rows) place = std::copy_n(from + row * width, width, place);
  return begin;
}

Part gather(const Part& all, const std::vector<std::size_t>& rows, Storage::Kind kind) {
  Part part;
  const auto kept = std::make_shared<Gathered>(kind);
  const std::size_t features = all.features.columns(), targets = all.targets.columns();
  part.features = MatrixView(gather(kept->features, static_cast<const float*>(all.features.data()), features, rows), rows.size(), features);
  if (targets == 0) part.labels = {gather(kept->labels, all.labels.data(), 1, rows), rows.size()};
  if (targets > 0) {
    part.targets = MatrixView(gather(kept->targets, static_cast<const float*>(all.targets.data()), targets, rows), rows.size(), targets);
  }
  part.weights = {gather(kept->weights, all.weights.data(), 1, rows), rows.size()};
  part.keeper = kept;
  return part;
}

}  // namespace

int folds_told_apart(const native::Expression& expression) {
  using native::Expression;
  const auto& nodes = expression.nodes();  // in postfix order: the last is the whole, the one before it ends the right operand
  if (nodes.size() < 3 || nodes.back().op != Expression::op_named("%")) return 0;
  const Expression::Node& right = nodes[nodes.size() - 2];
  if (right.op != Expression::number_op() || !(right.number >= 2 && right.number <= most_folds)) return 0;
  const int folds = static_cast<int>(right.number);
  return folds == right.number ? folds : 0;
}

void arrange_folds(Events& events, const EventPlan& plan) {
  const Split split(plan.data.split, plan.seed);
  Part& train = events.parts[static_cast<std::size_t>(PartName::train)];
  Part& validation = events.parts[static_cast<std::size_t>(PartName::validation)];
  validation = train;
  for (Fold fold = 0; fold < events.folds; ++fold) check_fold(events, split, plan.data.split.validation > 0, fold);

  struct Seen {
    Keeper events;
    std::vector<Fold> by;
  };
  const auto seen = std::make_shared<Seen>();
  seen->events = train.keeper;
  seen->by.reserve(train.rows());
  for (std::size_t row = 0; row < train.rows(); ++row) {
    const auto after = [&](int steps) { return static_cast<Fold>((train.fold[row] + steps) % events.folds); };
    int steps = 1;
    while (steps < events.folds && split.validates(train.draw[row], after(steps))) ++steps;
    seen->by.push_back(after(steps < events.folds ? steps : 1));
  }
  train.fold = seen->by;
  train.keeper = seen;
}

Events events_of_fold(const Events& events, const EventPlan& plan, Fold fold, Storage::Kind kind) {
  const Split split(plan.data.split, plan.seed);
  const Part& all = events[PartName::validation];
  std::vector<std::size_t> train, validation;
  for (std::size_t row = 0; row < all.rows(); ++row) {
    const Use use = use_of(split, all, row, fold);
    if (use == Use::train) train.push_back(row);
    if (use == Use::validate) validation.push_back(row);
  }
  Events of_fold;
  of_fold.parts = {gather(all, train, kind), gather(all, validation, kind), Part()};
  of_fold.classes = events.classes;
  if (plan.data.missing == MissingPolicy::impute) {
    of_fold.imputed = medians(of_fold[PartName::train].features, plan.data.features);
  }
  return of_fold;
}

}  // namespace ophion
