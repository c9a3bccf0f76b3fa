/// Which engine scores which tree, and how events are put before them.
#include "forest.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels.h"
#include "of_thread.h"

namespace ophion::native {
namespace {

constexpr std::size_t few_rows = 6;       // up to which events are faster one by one
constexpr std::size_t few_numbers = 160;  // of an event, and its sums, that lie on the stack
constexpr std::size_t sums_bytes = std::size_t{4} << 20;  // of a block, about
constexpr float below_all = -std::numeric_limits<float>::infinity();  // of leaves that are walked to

std::size_t whole(std::size_t count, std::size_t of) noexcept { return (count + of - 1) / of * of; }

bool has_missing(const float* event, std::size_t features, std::size_t stride = 1) noexcept {
  constexpr std::uint32_t infinite = 0x7f800000;  // NaN has larger bits: integers, which compilers compare side by side
  std::uint32_t missing = 0;
  for (std::size_t j = 0; j < features; ++j) missing |= infinite - (std::bit_cast<std::uint32_t>(event[j * stride]) & 0x7fffffffu);
  return (missing & 0x80000000u) != 0;
}

/// 4 × 4 numbers, their rows made columns: four times fewer loads and stores than one by one.
void turn(const float* from, std::ptrdiff_t from_stride, float* to, std::size_t to_stride) noexcept {
  using Four = float __attribute__((vector_size(16)));
  Four rows[4];
  for (std::ptrdiff_t i = 0; i < 4; ++i) std::memcpy(&rows[i], from + i * from_stride, sizeof(Four));
  const Four low01 = __builtin_shufflevector(rows[0], rows[1], 0, 4, 1, 5), high01 = __builtin_shufflevector(rows[0], rows[1], 2, 6, 3, 7);
  const Four low23 = __builtin_shufflevector(rows[2], rows[3], 0, 4, 1, 5), high23 = __builtin_shufflevector(rows[2], rows[3], 2, 6, 3, 7);
  const Four columns[4] = {__builtin_shufflevector(low01, low23, 0, 1, 4, 5), __builtin_shufflevector(low01, low23, 2, 3, 6, 7),
                           __builtin_shufflevector(high01, high23, 0, 1, 4, 5), __builtin_shufflevector(high01, high23, 2, 3, 6, 7)};
  for (std::size_t j = 0; j < 4; ++j) std::memcpy(to + j * to_stride, &columns[j], sizeof(Four));
}

}  // namespace

/// Events as the caller has them.
struct Forest::Rows {
  const float* in;
  std::ptrdiff_t row_stride;
  std::ptrdiff_t column_stride;
  std::size_t count;

  Rows part(std::size_t first, std::size_t some) const noexcept {
    return {in + static_cast<std::ptrdiff_t>(first) * row_stride, row_stride, column_stride, some};
  }
  void copy(std::size_t row, std::size_t features, float* to) const noexcept {
    const float* const from = in + static_cast<std::ptrdiff_t>(row) * row_stride;
    if (column_stride == 1) {
      std::copy_n(from, features, to);
    } else {
      for (std::size_t j = 0; j < features; ++j) to[j] = from[static_cast<std::ptrdiff_t>(j) * column_stride];
    }
  }
  /// Feature after feature, each of `events` numbers; zeros behind the last event.
  void transpose(std::size_t features, std::size_t events, float* to) const noexcept {
    std::size_t turned_rows = 0, turned_columns = 0;
    if (column_stride == 1) {
      turned_rows = count / 4 * 4;
      turned_columns = features / 4 * 4;
      for (std::size_t i = 0; i < turned_rows; i += 4) {
        const float* const from = in + static_cast<std::ptrdiff_t>(i) * row_stride;
        for (std::size_t j = 0; j < turned_columns; j += 4) turn(from + j, row_stride, to + j * events + i, events);
      }
    }
    for (std::size_t j = 0; j < features; ++j, to += events) {
      const float* const from = in + static_cast<std::ptrdiff_t>(j) * column_stride;
      for (std::size_t i = j < turned_columns ? turned_rows : 0; i < count; ++i) to[i] = from[static_cast<std::ptrdiff_t>(i) * row_stride];
      std::fill(to + count, to + events, 0.0f);
    }
  }
};

/// A thread's own memory, kept for its next call.
struct Forest::Scratch {
  AlignedVector<float> columns;  // of events side by side
  AlignedVector<float> rows;     // of events that are walked
  std::vector<WalkedEvent> events;
  std::vector<WalkedEvent> missing;
  AlignedVector<double> sums;
  WeightedMedian::Room median;

  template <class Numbers>
  static void reserve(Numbers& numbers, std::size_t count) {
    if (numbers.size() < count) numbers.resize(count);
  }
};

Forest::Forest(ForestArrays arrays, Isa isa)
    : features_(arrays.features),
      takes_missing_(!arrays.missing_left.empty()),
      kernels_(&leaf_set_kernels(isa)),
      sums_(arrays.outputs),
      base_(arrays.base),
      scale_(arrays.scale),
      link_(arrays.link) {
  std::vector<TreeShape> shapes = check_forest(arrays);
  if (arrays.join == Join::weighted_median) {  // the engines add all the same: each tree to a sum of its own
    median_ = WeightedMedian(arrays);
    sums_ = arrays.outputs;
    shapes = check_forest(arrays);
  }
  const std::vector<float> values = summable_values(arrays, shapes);
  std::vector<std::size_t> walked, alone;
  for (const std::vector<std::size_t>& some : trees_by_size(shapes)) {
    sets_.emplace_back(arrays, shapes, values, some, *kernels_);
    if (!sets_.back().scores_one()) alone.insert(alone.end(), some.begin(), some.end());
  }
  for (std::size_t tree = 0; tree < shapes.size(); ++tree) {
    if (shapes[tree].categories || shapes[tree].leaves > LeafSets::most_leaves) walked.push_back(tree);
  }
  walked_ = WalkedTrees(arrays, shapes, values, walked);
  alone_ = WalkedTrees(arrays, shapes, values, alone);
  const std::size_t fitting = whole(sums_bytes / (sizeof(double) * sums_) + 1, kernels_->many);
  block_rows_ = std::min(walked_.empty() ? 4 * kernels_->many : walked_.block_rows(), fitting);
}

/// An event alone. False: it has NaN, which the trees don't take.
bool Forest::one(const Rows& row, float* out) const {
  const std::size_t room = whole(features_ + 1, kernels_->block);
  float numbers[few_numbers];
  double some_sums[few_numbers];
  float* event = numbers;
  double* sums = some_sums;
  if (room > few_numbers || sums_ > few_numbers) {
    Scratch& scratch = of_thread<Scratch>();
    Scratch::reserve(scratch.rows, room);
    Scratch::reserve(scratch.sums, sums_);
    event = scratch.rows.data();
    sums = scratch.sums.data();
  }
  row.copy(0, features_, event);
  std::fill(event + features_, event + room, below_all);
  const bool missing = has_missing(event, features_);
  if (missing && !takes_missing_) return false;
  std::fill_n(sums, sums_, 0.0);
  for (const LeafSets& sets : sets_) {
    if (sets.scores_one()) kernels_->one(sets.trees(), event, missing, sums);
  }
  for (const WalkedTrees* const trees : {&walked_, &alone_}) {
    if (trees->empty()) continue;
    if (missing) {
      trees->add_missing({event, sums});
    } else {
      trees->add_one({event, sums});
    }
  }
  finish(sums, 1, out);
  return true;
}

/// Returns the first row with a NaN that the trees don't take, else their number.
std::size_t Forest::add_sets(const Rows& rows, Scratch& scratch) const {
  Scratch::reserve(scratch.columns, features_ * kernels_->many);
  for (std::size_t first = 0; first < rows.count;) {
    const std::size_t rest = rows.count - first;
    const bool many = rest > kernels_->many / 2;
    const std::size_t events = many ? kernels_->many : kernels_->few;
    float* const columns = scratch.columns.data();
    rows.part(first, std::min(rest, events)).transpose(features_, events, columns);
    const bool missing = kernels_->any_missing(columns, features_ * events);
    if (missing && !takes_missing_) {
      std::size_t row = 0;
      while (!has_missing(columns + row, features_, events)) ++row;
      return first + row;
    }
    for (const LeafSets& sets : sets_) {
      (many ? kernels_->all_of_many : kernels_->all_of_few)(sets.trees(), columns, missing, &scratch.sums[first * sums_]);
    }
    first += events;
  }
  return rows.count;
}

/// Returns the first row with a NaN that the trees don't take, else their number. Only rows with NaN are walked slowly.
std::size_t Forest::add_walked(const Rows& rows, Scratch& scratch) const {
  constexpr std::size_t together = WalkedTrees::side_by_side;
  const std::size_t stride = features_ + 1;
  Scratch::reserve(scratch.rows, rows.count * stride);
  Scratch::reserve(scratch.events, whole(rows.count, together));
  Scratch::reserve(scratch.missing, rows.count);
  std::size_t events = 0, missing = 0;
  for (std::size_t i = 0; i < rows.count; ++i) {
    float* const event = &scratch.rows[i * stride];
    rows.copy(i, features_, event);
    event[features_] = below_all;
    const bool has = has_missing(event, features_);
    if (has && !takes_missing_) return i;
    (has ? scratch.missing[missing++] : scratch.events[events++]) = {event, &scratch.sums[i * sums_]};
  }
  double* const nowhere = &scratch.sums[whole(rows.count, kernels_->many) * sums_];
  while (events % together != 0) {
    scratch.events[events] = {scratch.events[events - 1].features, nowhere};
    ++events;
  }
  walked_.add_all({scratch.events.data(), events});
  for (std::size_t i = 0; i < missing; ++i) walked_.add_missing(scratch.missing[i]);
  return rows.count;
}

std::size_t Forest::block(const Rows& rows, float* out) const {
  Scratch& scratch = of_thread<Scratch>();
  const std::size_t places = whole(rows.count, kernels_->many) + 1;
  Scratch::reserve(scratch.sums, places * sums_);
  std::fill_n(scratch.sums.begin(), places * sums_, 0.0);
  std::size_t done = rows.count;
  if (!walked_.empty()) done = add_walked(rows, scratch);
  if (!sets_.empty() && done == rows.count) done = add_sets(rows, scratch);
  if (done < rows.count) return done;
  finish(scratch.sums.data(), rows.count, out);
  return rows.count;
}

/// From what the trees gave to scores. How trees are joined is known here alone.
void Forest::finish(double* sums, std::size_t events, float* out) const {
  if (!median_.empty()) {
    WeightedMedian::Room& room = of_thread<Scratch>().median;
    for (std::size_t event = 0; event < events; ++event) sums[event] = median_(sums + event * sums_, room);
  }
  const std::size_t count = outputs();
  for (std::size_t event = 0; event < events; ++event) {
    for (std::size_t i = 0; i < count; ++i) sums[event * count + i] = base_[i] + scale_ * sums[event * count + i];
  }
  if (!joins_outputs(link_)) return apply_link(link_, sums, events * count, out);
  for (std::size_t event = 0; event < events; ++event) apply_link(link_, sums + event * count, count, out + event * count);
}

std::size_t Forest::score(const float* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows,
                          float* out) const {
  const Rows all{in, row_stride, column_stride, rows};
  for (std::size_t first = 0; first < rows;) {
    const std::size_t count = std::min(block_rows_, rows - first);
    if (count > few_rows) {
      const std::size_t done = block(all.part(first, count), out + first * outputs());
      if (done < count) return first + done;
      first += count;
    } else {
      if (!one(all.part(first, 1), out + first * outputs())) return first;
      ++first;
    }
  }
  return rows;
}

}  // namespace ophion::native
