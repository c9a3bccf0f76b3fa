/// The chain of fitted transforms: takes rows tile by tile through its steps.
#include "transform.h"

#include <algorithm>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace ophion::native {
namespace {

/// Numbers in a tile, about: one of features and two of parameters lie well within the first-level cache.
constexpr std::size_t tile_numbers = 512;

/// What a damaged model file may ask for at most.
constexpr std::size_t most_steps = 1'000;
constexpr std::size_t most_columns = 100'000;

template <class Kernel>
constexpr bool works_in_place = !std::is_same_v<Kernel, Linear> && !std::is_same_v<Kernel, OneHot>;

/// Whether it simply changes all numbers of a tile.
bool is_simple(const CompiledStep& step) noexcept {
  return step.columns.empty() && std::visit([]<class Kernel>(const Kernel&) { return works_in_place<Kernel>; }, step.kernel);
}

/// Some columns of `count` rows of `width` numbers, to the beginning of each row of `width_out`.
void gather(const double* rows, std::size_t width, const std::vector<std::size_t>& columns, std::size_t count, double* out,
            std::size_t width_out) noexcept {
  for (std::size_t row = 0; row < count; ++row, rows += width, out += width_out) {
    for (std::size_t i = 0; i < columns.size(); ++i) out[i] = rows[columns[i]];
  }
}

/// Rows of these columns alone, back to where they were.
void scatter(const double* in, const std::vector<std::size_t>& columns, std::size_t count, double* rows, std::size_t width) noexcept {
  for (std::size_t row = 0; row < count; ++row, rows += width) {
    for (const std::size_t column : columns) rows[column] = *in++;
  }
}

}  // namespace

/// Memory for a tile of rows, and what steps need beside it that don't simply change all its numbers.
struct TransformChain::Tile {
  double* now;     ///< the rows
  double* next;    ///< the rows after the step
  double* picked;  ///< the columns that a step works on
};

TransformChain::TransformChain(std::vector<TransformStep> steps, std::size_t features)
    : steps_(std::move(steps)), features_(features), widest_(features) {
  if (features_ == 0) throw std::invalid_argument("a chain of transforms needs at least one feature");
  if (steps_.size() > most_steps) {
    throw std::invalid_argument("expected at most " + std::to_string(most_steps) + " transforms, found " + std::to_string(steps_.size()));
  }
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const std::string where = "transform " + std::to_string(i) + " '" + steps_[i].type + "'";
    compiled_.push_back(compile(steps_[i], columns(), where));
    widest_ = std::max(widest_, columns());
    if (widest_ > most_columns) {
      throw std::invalid_argument(where + ": expected at most " + std::to_string(most_columns) + " columns, found " + std::to_string(widest_));
    }
  }
  simple_ = std::all_of(compiled_.begin(), compiled_.end(), is_simple);
  tile_rows_ = std::max<std::size_t>(1, tile_numbers / widest_);
  for (CompiledStep& step : compiled_) {
    std::visit(
        [&]<class Kernel>(Kernel& kernel) {
          if constexpr (works_in_place<Kernel>) kernel.repeat(tile_rows_);
        },
        step.kernel);
  }
}

std::vector<std::string> TransformChain::names(std::vector<std::string> names, std::size_t steps) const {
  for (std::size_t i = 0; i < steps; ++i) {
    const CompiledStep& step = compiled_[i];
    if (!step.makes_columns) continue;
    std::vector<std::string> after;
    for (const std::size_t other : step.others) after.push_back(std::move(names[other]));
    after.insert(after.end(), steps_[i].names.begin(), steps_[i].names.end());
    names = std::move(after);
  }
  return names;
}

void TransformChain::run(const CompiledStep& step, Tile& tile, std::size_t rows) const {
  const std::size_t width = step.width_in;
  const bool picks = !step.columns.empty();
  const std::size_t count = picks ? step.columns.size() : width;
  double* const own = picks ? tile.picked : tile.now;
  if (picks) gather(tile.now, width, step.columns, rows, own, count);
  const auto compute = [&]<class Kernel>(const Kernel& kernel) {
    if constexpr (works_in_place<Kernel>) {
      kernel.run(own, rows, count);
      if (picks) scatter(own, step.columns, rows, tile.now, width);
    } else if (step.makes_columns) {
      gather(tile.now, width, step.others, rows, tile.next, step.width_out);
      kernel.run(own, rows, tile.next + step.others.size(), step.width_out);
      std::swap(tile.now, tile.next);
    } else {
      kernel.run(own, rows, tile.next, count);
      if (picks) {
        scatter(tile.next, step.columns, rows, tile.now, width);
      } else {
        std::swap(tile.now, tile.next);
      }
    }
  };
  std::visit(compute, step.kernel);
}

/// The usual chains, one step of plain arithmetic, need no tile between: half the time, since memory is what they wait for.
/// The loops are elementwise, so that `out` may be `in`; ivdep tells the vectoriser, which can't see it. False: not such a chain.
template <class T>
bool TransformChain::run_alone(const T* in, std::size_t numbers, float* out) const noexcept {
  if (compiled_.size() != 1 || !compiled_[0].columns.empty()) return false;
  if (const auto* scaling = std::get_if<Scaling>(&compiled_[0].kernel)) {
    const double* mean = scaling->mean.data();
    const double* scale = scaling->scale.data();
#pragma GCC ivdep
    for (std::size_t i = 0; i < numbers; ++i) out[i] = static_cast<float>((static_cast<double>(in[i]) - mean[i]) / scale[i]);
    return true;
  }
  const auto* range = std::get_if<RangeScaling>(&compiled_[0].kernel);
  if (!range || range->clip) return false;
  const double* scale = range->scale.data();
  const double* min = range->min.data();
#pragma GCC ivdep
  for (std::size_t i = 0; i < numbers; ++i) out[i] = static_cast<float>(static_cast<double>(in[i]) * scale[i] + min[i]);
  return true;
}

template <class T>
void TransformChain::apply_to(const T* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows,
                              float* out) const {
  if (features_ == 0) throw std::logic_error("a chain made for no features can't be applied");
  const bool contiguous = column_stride == 1 && row_stride == static_cast<std::ptrdiff_t>(features_);
  const std::size_t width = columns();
  const std::size_t room = std::min(tile_rows_, rows) * widest_;
  std::vector<double> memory(simple_ ? room : 3 * room);
  for (std::size_t first = 0; first < rows; first += tile_rows_) {
    const std::size_t count = std::min(tile_rows_, rows - first);
    const std::size_t numbers = count * features_;
    const T* from = in + static_cast<std::ptrdiff_t>(first) * row_stride;
    float* to = out + first * width;
    if (contiguous && run_alone(from, numbers, to)) continue;
    Tile tile{memory.data(), simple_ ? nullptr : memory.data() + room, simple_ ? nullptr : memory.data() + 2 * room};
    if (contiguous) {
      for (std::size_t i = 0; i < numbers; ++i) tile.now[i] = static_cast<double>(from[i]);
    } else {
      double* next = tile.now;
      for (std::size_t row = 0; row < count; ++row, from += row_stride) {
        for (std::size_t feature = 0; feature < features_; ++feature) {
          *next++ = static_cast<double>(from[static_cast<std::ptrdiff_t>(feature) * column_stride]);
        }
      }
    }
    for (const CompiledStep& step : compiled_) run(step, tile, count);
    for (std::size_t i = 0; i < count * width; ++i) to[i] = static_cast<float>(tile.now[i]);
  }
}

void TransformChain::apply(const float* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows,
                           float* out) const {
  apply_to(in, row_stride, column_stride, rows, out);
}

void TransformChain::apply(const double* in, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride, std::size_t rows,
                           float* out) const {
  apply_to(in, row_stride, column_stride, rows, out);
}

bool TransformChain::partial() const noexcept {
  return std::any_of(compiled_.begin(), compiled_.end(), [](const CompiledStep& step) {
    const auto* logarithm = std::get_if<Logarithm>(&step.kernel);
    return logarithm && logarithm->partial;
  });
}

std::optional<TransformChain::Undefined> TransformChain::undefined(const float* row) const {
  std::vector<double> memory(3 * widest_);
  Tile tile{memory.data(), memory.data() + widest_, memory.data() + 2 * widest_};
  std::copy_n(row, features_, tile.now);
  for (std::size_t i = 0; i < compiled_.size(); ++i) {
    const CompiledStep& step = compiled_[i];
    if (const auto* logarithm = std::get_if<Logarithm>(&step.kernel); logarithm && logarithm->partial) {
      const std::size_t count = step.columns.empty() ? step.width_in : step.columns.size();
      for (std::size_t k = 0; k < count; ++k) {
        const std::size_t column = step.columns.empty() ? k : step.columns[k];
        if (tile.now[column] + logarithm->offset[k] <= 0) return Undefined{i, column, tile.now[column]};
      }
    }
    run(step, tile, 1);
  }
  return std::nullopt;
}

}  // namespace ophion::native
