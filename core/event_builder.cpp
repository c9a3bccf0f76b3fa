/// The one loop over events.
#include "event_builder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include <ophion/error.h>
#include <ophion/runtime.h>

namespace ophion {
namespace {

/// Numbers `picked` of `from` into one column of a row-major matrix. `bad(i, value)` is told of each that float32 can't hold or that
/// is no finite number.
template <class Bad>
void narrow(const Strided& from, const std::vector<std::uint32_t>& picked, float* out, std::size_t out_stride, Bad bad) {
  with_type(from.type, [&](auto zero) {
    using T = decltype(zero);
    for (std::size_t i = 0; i < picked.size(); ++i, out += out_stride) {
      const T value = load<T>(from.at(picked[i]));
      if constexpr (std::is_same_v<T, double>) {
        // A finite number beyond the range must not be converted: that is undefined.
        constexpr double limit = std::numeric_limits<float>::max();
        *out = std::abs(value) <= limit || !std::isfinite(value) ? static_cast<float>(value) : std::numeric_limits<float>::infinity();
      } else {
        *out = static_cast<float>(value);
      }
      if (!std::isfinite(*out)) [[unlikely]]
        bad(i, static_cast<double>(value));
    }
  });
}

}  // namespace

EventBuilder::EventBuilder(const EventPlan& plan, std::vector<std::string> classes)
    : plan_(plan), classes_(std::move(classes)), split_(plan.data.split, plan.seed) {
  const std::size_t targets = classes_.empty() ? plan.data.targets.size() : 0;
  for (std::size_t part = 0; part < part_names.size(); ++part)
    parts_.emplace_back(plan.data.features.size(), targets, plan.data.spectators.size(), plan.lent ? Storage::Kind::lent : Storage::Kind::own);
  spectator_types_.resize(plan.data.spectators.size());
}

void EventBuilder::add(const SampleSource& sample) {
  block_.sample = static_cast<std::uint32_t>(samples_.size());
  block_.label = static_cast<std::int32_t>(
      std::find(classes_.begin(), classes_.end(), sample.count.class_name) - classes_.begin());
  samples_.push_back(sample.count);
  for (std::size_t file = 0; file < sample.files.size(); ++file)
    read(sample.recipe, sample.files[file], split_.key(block_.sample, file));

  const SampleCount& count = samples_.back();
  std::string line = sample_name(block_.sample, count.class_name) + ": " + std::to_string(count.read) +
                     " events read (sum of weights " + text_of(count.read_weight) + "), " + std::to_string(count.selected) +
                     " selected (sum of weights " + text_of(count.selected_weight) + "):";
  for (std::size_t part = 0; part < part_names.size(); ++part)
    line += std::string(part == 0 ? " " : ", ") + std::to_string(count.parts[part]) + " " + part_names[part];
  if (count.dropped_missing > 0) line += "; " + std::to_string(count.dropped_missing) + " dropped for missing values";
  log(LogLevel::info, line);
}

void EventBuilder::read(const SampleRecipe& recipe, const EventSource& source, std::uint64_t key) {
  troubles_ = {};
  troubles_.missing.resize(recipe.features().size() + recipe.targets().size());
  troubles_.too_large.resize(troubles_.missing.size());
  file_rows_ = file_selected_ = 0;
  const std::unique_ptr<ChunkStream> stream = source.reader->open(source.file, source.tree, recipe.columns());
  const std::string step = "reading " + source.name();
  std::uint64_t done = 0;
  while (const std::optional<Columns> chunk = stream->next()) {
    tell_progress({step, done, source.rows, "events"});
    if (interrupted()) throw Interrupted("stopped while reading " + source.name());
    if (chunk->empty()) continue;
    check_chunk(recipe, source, *chunk);
    const std::size_t rows = chunk->front().rows;
    try {
      for (std::size_t first = 0; first < rows; first += evaluated_rows)
        add_block(recipe, *chunk, first, std::min(evaluated_rows, rows - first), key);
    } catch (const DataError& problem) {  // an expression that can't be evaluated knows no file
      throw DataError(source.name() + ": " + problem.what());
    }
    done += rows;
  }
  tell_progress({step, done, done, "events"});
  refuse_troubles(recipe, source);
}

void EventBuilder::check_chunk(const SampleRecipe& recipe, const EventSource& source, const Columns& chunk) {
  if (chunk.size() != recipe.inputs().size())
    throw DataError(source.name() + ": expected a chunk of " + std::to_string(recipe.inputs().size()) +
                    " columns from its reader, found " + std::to_string(chunk.size()));
  for (std::size_t i = 0; i < chunk.size(); ++i)
    if (chunk[i].rows != chunk[0].rows)
      throw DataError(source.name() + ": column '" + recipe.inputs()[i].column + "' has " + std::to_string(chunk[i].rows) +
                      " rows in a chunk of " + std::to_string(chunk[0].rows));
  const auto plain = [&](const std::string& what, std::size_t column) {
    if (chunk[column].width != 1)
      throw DataError(source.name() + ": column '" + recipe.inputs()[column].column + "' has " +
                      std::to_string(chunk[column].width) + " numbers a row, but " + what +
                      " takes one; name an element, as in " + recipe.inputs()[column].column + "[0]");
  };
  const auto plain_quantity = [&](const Quantity& quantity) {
    if (!quantity.expression) plain(quantity.what, quantity.column);
  };
  for (const auto* quantities : {&recipe.features(), &recipe.targets()})
    for (const Quantity& quantity : *quantities) plain_quantity(quantity);
  for (const auto* quantity : {&recipe.selection(), &recipe.weight(), &recipe.split_by(), &recipe.fold_by()})
    if (*quantity) plain_quantity(**quantity);

  for (std::size_t i = 0; i < spectator_types_.size(); ++i) {
    const Column& column = chunk[recipe.spectators()[i]];
    plain("spectator '" + plan_.data.spectators[i] + "'", recipe.spectators()[i]);
    std::optional<DType>& type = spectator_types_[i];
    if (!type) type = column.type;
    const std::optional<DType> common = common_type(*type, column.type);
    if (!common)
      throw DataError(source.name() + ": spectator '" + plan_.data.spectators[i] + "' is " + name_of(column.type) +
                      " here and " + name_of(*type) + " before: no type holds the numbers of both exactly");
    if (*common == *type) continue;
    for (PartBuilder& part : parts_) part.widen_spectator(i, *type, *common);
    type = common;
  }
}

void EventBuilder::add_block(const SampleRecipe& recipe, const Columns& chunk, std::size_t first, std::size_t rows,
                             std::uint64_t key) {
  select(recipe, chunk, first, rows);
  drop_.assign(picked_.size(), 0);
  compute(recipe.features(), chunk, first, rows, 0, block_.features);
  compute(recipe.targets(), chunk, first, rows, recipe.features().size(), block_.targets);
  find_parts(recipe, chunk, first, rows, key);
  if (plan_.data.split.folds > 0) find_folds(recipe, chunk, first, rows, key);
  SampleCount& count = samples_.back();
  for (std::size_t part = 0; part < parts_.size(); ++part) {
    parts_[part].append(block_, chosen_[part]);
    for (std::size_t i = 0; i < spectator_types_.size(); ++i) {
      const Column& column = chunk[recipe.spectators()[i]];
      const Strided whole{static_cast<const std::byte*>(column.data), column.row_stride, column.type};
      parts_[part].append_spectator(i, {whole.at(first), whole.stride, whole.type}, chosen_rows_[part], *spectator_types_[i]);
    }
    count.parts[part] += chosen_[part].size();
    count.selected += chosen_[part].size();
  }
  file_rows_ += rows;
  file_selected_ += picked_.size();
}

/// Fills picked_ and, for the picked, block_.weights and block_.entry; counts what was read.
void EventBuilder::select(const SampleRecipe& recipe, const Columns& chunk, std::size_t first, std::size_t rows) {
  picked_.clear();
  values_.assign(rows, 1.0);
  if (recipe.selection()) recipe.selection()->view(chunk, first, rows, scratch_).to_doubles(rows, values_.data());
  for (std::size_t row = 0; row < rows; ++row) {
    if (std::isnan(values_[row])) troubles_.selection.note(file_rows_ + row, values_[row]);
    if (values_[row] != 0) picked_.push_back(static_cast<std::uint32_t>(row));
  }

  values_.assign(rows, 1.0);
  if (recipe.weight()) recipe.weight()->view(chunk, first, rows, scratch_).to_doubles(rows, values_.data());
  SampleCount& count = samples_.back();
  count.read += rows;
  // An event that the selection refuses may have a weight that is no number: it is left out of the sum.
  for (const double weight : values_)
    if (std::isfinite(weight)) count.read_weight += weight;
  block_.weights.clear();
  block_.entry.clear();
  for (const std::uint32_t row : picked_) {
    const double weight = values_[row];
    const std::uint64_t entry = file_rows_ + row;
    if (!std::isfinite(weight)) troubles_.weight.note(entry, weight);
    else if (weight < 0 && plan_.data.negative == NegativeWeights::error) troubles_.negative.note(entry, weight);
    block_.weights.push_back(weight);
    block_.entry.push_back(entry);
  }
}

/// Fills `out` with the picked rows of each quantity; `trouble` is the first one's place in the lists of troubles.
void EventBuilder::compute(const std::vector<Quantity>& quantities, const Columns& chunk, std::size_t first, std::size_t rows,
                           std::size_t trouble, std::vector<float>& out) {
  const std::size_t width = quantities.size();
  out.resize(picked_.size() * width);
  if (picked_.empty()) return;
  for (std::size_t i = 0; i < width; ++i) {
    narrow(quantities[i].view(chunk, first, rows, scratch_), picked_, out.data() + i, width,
           [&](std::size_t row, double value) {
             // Imputing replaces NaN only, so an infinity that shall be imputed becomes one.
             if (plan_.data.missing == MissingPolicy::impute) out[row * width + i] = std::numeric_limits<float>::quiet_NaN();
             Trouble& kind = std::isfinite(value) ? troubles_.too_large[trouble + i] : troubles_.missing[trouble + i];
             kind.note(block_.entry[row], value);
             drop_[row] = 1;
           });
  }
}

/// Fills chosen_ and chosen_rows_: the picked rows that are kept, by part.
void EventBuilder::find_parts(const SampleRecipe& recipe, const Columns& chunk, std::size_t first, std::size_t rows,
                              std::uint64_t key) {
  for (std::size_t part = 0; part < chosen_.size(); ++part) {
    chosen_[part].clear();
    chosen_rows_[part].clear();
  }
  if (recipe.split_by()) {
    values_.resize(rows);
    recipe.split_by()->view(chunk, first, rows, scratch_).to_doubles(rows, values_.data());
  }
  for (std::size_t i = 0; i < picked_.size(); ++i) {
    if (drop_[i] != 0 && plan_.data.missing == MissingPolicy::drop) {
      ++samples_.back().dropped_missing;
      continue;
    }
    PartName part = PartName::train;
    if (recipe.split_by()) {
      const std::optional<PartName> found = split_.part_of(values_[picked_[i]]);
      if (!found) troubles_.split_by.note(block_.entry[i], values_[picked_[i]]);
      part = found.value_or(part);
    } else {
      part = split_.part_of(key, block_.entry[i]);
    }
    samples_.back().selected_weight += block_.weights[i];
    chosen_[static_cast<std::size_t>(part)].push_back(static_cast<std::uint32_t>(i));
    chosen_rows_[static_cast<std::size_t>(part)].push_back(picked_[i]);
  }
}

void EventBuilder::find_folds(const SampleRecipe& recipe, const Columns& chunk, std::size_t first, std::size_t rows, std::uint64_t key) {
  if (recipe.fold_by()) {
    values_.resize(rows);
    recipe.fold_by()->view(chunk, first, rows, scratch_).to_doubles(rows, values_.data());
  }
  block_.fold.assign(picked_.size(), no_fold);
  block_.draw.resize(picked_.size());
  for (std::size_t i = 0; i < picked_.size(); ++i) {
    block_.draw[i] = split_.draw(key, block_.entry[i]);
    if (recipe.fold_by()) {
      block_.fold[i] = fold_named(values_[picked_[i]], plan_.data.split.folds);
      const bool dropped = drop_[i] != 0 && plan_.data.missing == MissingPolicy::drop;
      if (block_.fold[i] == no_fold && !dropped && split_.folds() > 0) troubles_.fold_by.note(block_.entry[i], values_[picked_[i]]);
    } else if (split_.part_of(key, block_.entry[i]) != PartName::test) {
      block_.fold[i] = split_.fold_of(block_.draw[i]);
    }
  }
}

void EventBuilder::refuse_troubles(const SampleRecipe& recipe, const EventSource& source) const {
  const std::string where = source.name() + ": ";
  const auto times = [](const Trouble& trouble, std::uint64_t of, const char* events) {
    return " in " + std::to_string(trouble.count) + " of " + std::to_string(of) + events + " (first: " + text_of(trouble.value) +
           " at entry " + std::to_string(trouble.entry) + ")";
  };
  const auto refuse = [&](const Trouble& trouble, const std::string& what, const std::string& problem, const std::string& advice) {
    if (trouble.count > 0)
      throw DataError(where + what + problem + times(trouble, file_selected_, " selected events") + advice);
  };
  const std::string of_sample = " of " + sample_name(block_.sample, samples_.back().class_name);
  if (troubles_.selection.count > 0)
    throw DataError(where + recipe.selection()->what + of_sample + " is neither true nor false" +
                    times(troubles_.selection, file_rows_, " events"));
  if (recipe.weight()) {
    refuse(troubles_.weight, recipe.weight()->what + of_sample, " is not finite", "");
    refuse(troubles_.negative, recipe.weight()->what + of_sample, " is negative",
           "; data.weights.negative can be keep, zero_in_training or abs");
  }
  const std::size_t features = recipe.features().size();
  for (std::size_t i = 0; i < troubles_.missing.size(); ++i) {
    const bool is_feature = i < features;
    const std::string& what = is_feature ? recipe.features()[i].what : recipe.targets()[i - features].what;
    refuse(troubles_.too_large[i], what, " is too large for float32", "");
    if (plan_.data.missing == MissingPolicy::error)
      refuse(troubles_.missing[i], what, " is not finite",
             is_feature ? "; data.missing can be drop, impute or keep" : "; data.missing can be drop");
    else if (!is_feature && plan_.data.missing != MissingPolicy::drop)
      refuse(troubles_.missing[i], what, " is not finite", "; only features can be imputed or kept; data.missing can be drop");
  }
  if (recipe.split_by()) refuse(troubles_.split_by, recipe.split_by()->what, " is no whole number", "");
  if (recipe.fold_by())
    refuse(troubles_.fold_by, recipe.fold_by()->what, " is no whole number from 0 to " + std::to_string(split_.folds() - 1), "");
}

Events EventBuilder::finish() && {
  std::vector<DType> types;
  for (const std::optional<DType>& type : spectator_types_) types.push_back(type.value_or(DType::float64));
  Events events;
  for (std::size_t part = 0; part < parts_.size(); ++part)
    events.parts[part] = std::move(parts_[part]).finish(plan_.data.spectators, types);
  events.samples = std::move(samples_);
  events.classes = std::move(classes_);
  return events;
}

}  // namespace ophion
