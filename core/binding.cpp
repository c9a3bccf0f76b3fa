/// Where the features of a model are found in the numbers a program has.
#include "binding.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include <ophion/error.h>

#include "of_thread.h"

namespace ophion {
namespace {

/// Rows converted at once: a few columns of doubles stay in the first-level cache.
constexpr std::size_t converted_rows = 512;

/// What the expressions of one event read: a thread's own memory, kept for its next event.
struct Inputs {
  std::vector<double> values;
  std::vector<const double*> pointers;
};

/// "pt", or "pt[0]" for a number of an array column.
std::string name_of_input(const native::Input& input) {
  return input.index < 0 ? input.column : input.column + "[" + std::to_string(input.index) + "]";
}

/// The positions of names, and what all the features read.
class Lookup {
 public:
  Lookup(const ModelDescription& model, const std::vector<std::string>& names, const std::string& what) : names_(names), what_(what) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!positions_.emplace(names[i], i).second) throw DataError(what + ": '" + names[i] + "' is there twice");
    }
    for (const FeatureDefinition& feature : model.features) {
      for (const native::Input& input : feature.expression.inputs()) raw_.insert(name_of_input(input));
    }
    if (!model.folds.by) return;
    for (const native::Input& input : model.folds.by->inputs()) raw_.insert(name_of_input(input));
  }

  std::optional<std::size_t> find(const std::string& name) const {
    const auto found = positions_.find(name);
    return found == positions_.end() ? std::nullopt : std::optional(found->second);
  }

  /// The feature under its own name, unless that is also the name of a column which means something else.
  std::optional<std::size_t> by_own_name(const FeatureDefinition& feature) const {
    if (raw_.contains(feature.name) && feature.expression.plain_column() != feature.name) return std::nullopt;
    return find(feature.name);
  }

  void miss(const std::string& input, const std::string& feature) {
    missing_ += (missing_.empty() ? "" : "; ") + std::string("no '") + input + "'" +
                (input == feature ? ", a feature of the model" : ", from which the feature '" + feature + "' is computed") +
                nearest_names(input, names_);
  }
  void throw_if_missing() const {
    if (!missing_.empty()) throw DataError(what_ + ": " + missing_);
  }

 private:
  const std::vector<std::string>& names_;
  const std::string& what_;
  std::map<std::string, std::size_t> positions_;
  std::set<std::string> raw_;
  std::string missing_;
};

/// From here on neighbouring whole numbers have the same float: what fold such a number names is not known, and a fold that has seen the
/// event must not be taken for one that has not.
void refuse_inexact(double number, const native::Input& input) {
  constexpr double first_inexact = 1 << 24;
  if (!(std::abs(number) >= first_inexact)) return;
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.9g", number);
  throw DataError("'" + name_of_input(input) + "', which tells the fold of an event, is " + digits +
                  " as float, which can't tell it from its neighbours; give it as double or in its own type");
}

void evaluate(const native::Expression& expression, std::span<const double* const> columns, std::size_t rows, double* out) {
  try {
    expression.evaluate(columns, rows, out);
  } catch (const native::FunctionError& problem) {
    throw DataError(problem.what());
  }
}

}  // namespace

Binding::Binding(const ModelDescription& model, const std::vector<std::string>& names, const std::string& what)
    : fold_count_(model.folds.count), width_(names.size()) {
  Lookup lookup(model, names, what);
  for (const FeatureDefinition& feature : model.features) {
    Origin origin;
    if (const auto position = lookup.by_own_name(feature)) {
      origin.position = *position;
    } else {
      for (const native::Input& input : feature.expression.inputs()) {
        const std::string name = name_of_input(input);
        const auto found = lookup.find(name);
        if (!found) lookup.miss(name, feature.name);
        origin.positions.push_back(found.value_or(0));
      }
      if (feature.expression.plain_column().empty()) {
        origin.expression = &feature.expression;
        computes_ = true;
        most_inputs_ = std::max(most_inputs_, origin.positions.size());
      } else {
        origin.position = origin.positions.front();
      }
    }
    origins_.push_back(std::move(origin));
  }
  lookup.throw_if_missing();
  if (model.folds.by) {
    Origin fold{0, &*model.folds.by, {}};
    for (const native::Input& input : model.folds.by->inputs()) {
      if (const auto found = lookup.find(name_of_input(input))) fold.positions.push_back(*found);
    }
    if (fold.positions.size() == model.folds.by->inputs().size()) fold_ = std::move(fold);
  }
  step_ = even_step();
}

std::optional<std::ptrdiff_t> Binding::even_step() const {
  if (computes_ || fold_) return std::nullopt;
  const auto position = [&](std::size_t feature) { return static_cast<std::ptrdiff_t>(origins_[feature].position); };
  const std::ptrdiff_t step = origins_.size() < 2 ? 1 : position(1) - position(0);
  for (std::size_t i = 1; i < origins_.size(); ++i) {
    if (position(i) - position(i - 1) != step) return std::nullopt;
  }
  return step;
}

std::optional<MatrixView> Binding::view(const MatrixView& events) const noexcept {
  if (!step_) return std::nullopt;
  const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(origins_.front().position) * events.column_stride();
  const std::ptrdiff_t stride = *step_ * events.column_stride();
  if (events.type() == DType::float32) {
    return MatrixView(static_cast<const float*>(events.data()) + first, events.rows(), origins_.size(), events.row_stride(), stride);
  }
  return MatrixView(static_cast<const double*>(events.data()) + first, events.rows(), origins_.size(), events.row_stride(), stride);
}

void Binding::one(const float* event, float* out) const {
  if (!computes_) {
    for (const Origin& origin : origins_) *out++ = event[origin.position];
    return;
  }
  auto& [values, inputs] = native::of_thread<Inputs>();
  values.resize(std::max(values.size(), most_inputs_));
  inputs.resize(std::max(inputs.size(), most_inputs_));
  for (const Origin& origin : origins_) {
    if (!origin.expression) {
      *out++ = event[origin.position];
      continue;
    }
    const std::size_t count = origin.positions.size();
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = double{event[origin.positions[i]]};
      inputs[i] = &values[i];
    }
    double result = 0;
    evaluate(*origin.expression, std::span(inputs).first(count), 1, &result);
    *out++ = static_cast<float>(result);
  }
}

Fold Binding::fold(const float* event) const {
  const std::size_t count = fold_->positions.size();
  std::vector<double> values(count);
  std::vector<const double*> inputs(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = double{event[fold_->positions[i]]};
    refuse_inexact(values[i], fold_->expression->inputs()[i]);
    inputs[i] = &values[i];
  }
  double result = 0;
  evaluate(*fold_->expression, inputs, 1, &result);
  return fold_named(result, fold_count_);
}

void Binding::folds(std::span<const Strided> sources, std::size_t rows, Fold* out) const {
  const std::size_t inputs = fold_->positions.size();
  std::vector<double> numbers(converted_rows * (inputs + 1));
  double* const result = numbers.data() + converted_rows * inputs;
  std::vector<const double*> columns(inputs);
  for (std::size_t i = 0; i < inputs; ++i) columns[i] = numbers.data() + i * converted_rows;
  for (std::size_t first = 0; first < rows; first += converted_rows) {
    const std::size_t count = std::min(converted_rows, rows - first);
    for (std::size_t i = 0; i < inputs; ++i) {
      const Strided& source = sources[fold_->positions[i]];
      double* const column = numbers.data() + i * converted_rows;
      Strided{source.at(first), source.stride, source.type}.to_doubles(count, column);
      if (source.type != DType::float32) continue;
      for (std::size_t row = 0; row < count; ++row) refuse_inexact(column[row], fold_->expression->inputs()[i]);
    }
    evaluate(*fold_->expression, columns, count, result);
    for (std::size_t row = 0; row < count; ++row) out[first + row] = fold_named(result[row], fold_count_);
  }
}

void Binding::many(std::span<const Strided> sources, std::size_t rows, float* out) const {
  const std::size_t features = origins_.size();
  std::vector<double> numbers(converted_rows * (most_inputs_ + 1));
  double* const result = numbers.data() + converted_rows * most_inputs_;
  std::vector<const double*> inputs(most_inputs_);
  for (std::size_t i = 0; i < most_inputs_; ++i) inputs[i] = numbers.data() + i * converted_rows;

  for (std::size_t first = 0; first < rows; first += converted_rows) {
    const std::size_t count = std::min(converted_rows, rows - first);
    const auto convert = [&](std::size_t position, double* to) {
      const Strided& source = sources[position];
      Strided{source.at(first), source.stride, source.type}.to_doubles(count, to);
    };
    for (std::size_t j = 0; j < features; ++j) {
      const Origin& origin = origins_[j];
      if (origin.expression) {
        for (std::size_t i = 0; i < origin.positions.size(); ++i) convert(origin.positions[i], numbers.data() + i * converted_rows);
        evaluate(*origin.expression, std::span(inputs).first(origin.positions.size()), count, result);
      } else {
        convert(origin.position, result);
      }
      for (std::size_t i = 0; i < count; ++i) out[(first + i) * features + j] = static_cast<float>(result[i]);
    }
  }
}

}  // namespace ophion
