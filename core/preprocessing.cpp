/// What stands between a row of features and a backend: the policy for missing values, then the transforms.
#include "preprocessing.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <sstream>
#include <utility>

#include <ophion/error.h>

#include "of_thread.h"

namespace ophion {
namespace {

/// Numbers of a thread's scratch that are kept for its next call.
constexpr std::size_t most_kept = 1 << 18;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/// Whether a NaN or an infinity is among `count` numbers: those whose exponent is all ones. Integers only, so that compilers
/// use vectors for it and no floating-point trap goes off.
bool any_missing(const float* numbers, std::size_t count) noexcept {
  constexpr std::uint32_t exponent = 0x7f800000;
  constexpr std::uint32_t carry = 0x00800000;  // added to an exponent of all ones, it runs over into the top bit
  constexpr std::size_t step = 16;
  std::uint32_t found = 0;
  std::size_t i = 0;
  for (; i + step <= count; i += step) {
    for (std::size_t k = 0; k < step; ++k) found |= (std::bit_cast<std::uint32_t>(numbers[i + k]) & exponent) + carry;
  }
  for (; i < count; ++i) found |= (std::bit_cast<std::uint32_t>(numbers[i]) & exponent) + carry;
  return (found >> 31) != 0;
}

bool any_missing(const MatrixView& rows) noexcept {
  const auto* data = static_cast<const float*>(rows.data());
  if (rows.contiguous()) return any_missing(data, rows.rows() * rows.columns());
  if (rows.column_stride() == 1) {
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      if (any_missing(data + static_cast<std::ptrdiff_t>(i) * rows.row_stride(), rows.columns())) return true;
    }
    return false;
  }
  for (std::size_t j = 0; j < rows.columns(); ++j) {
    const float* column = data + static_cast<std::ptrdiff_t>(j) * rows.column_stride();
    if (rows.row_stride() == 1) {
      if (any_missing(column, rows.rows())) return true;
      continue;
    }
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      if (!std::isfinite(column[static_cast<std::ptrdiff_t>(i) * rows.row_stride()])) return true;
    }
  }
  return false;
}

void copy_rows(const MatrixView& rows, float* out) {
  if (rows.contiguous() && rows.type() == DType::float32) {
    std::memcpy(out, rows.data(), rows.rows() * rows.columns() * sizeof(float));
    return;
  }
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    for (std::size_t j = 0; j < rows.columns(); ++j) *out++ = rows.at(i, j);
  }
}

bool row_is_missing(const MatrixView& rows, std::size_t row) noexcept {
  for (std::size_t j = 0; j < rows.columns(); ++j) {
    if (!std::isfinite(rows.at(row, j))) return true;
  }
  return false;
}

std::size_t rows_in_block(std::size_t columns) noexcept {
  return std::max<std::size_t>(1, block_bytes / sizeof(float) / std::max<std::size_t>(1, columns));
}

[[noreturn]] void wrong_size(const std::string& what, std::size_t expected, std::size_t found) {
  throw DataError("expected " + std::to_string(expected) + " " + what + ", found " + std::to_string(found));
}

}  // namespace

/// Memory for rows that must be changed before they are scored, asked for only then. It is lent by the thread and given back at
/// the end, so that small calls allocate nothing, and a script that scores with another model in its own predict gets other memory.
class Preprocessing::Room {
 public:
  Room() noexcept = default;
  explicit Room(float* given) noexcept : given_(given) {}
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  ~Room() {
    if (lent_ && numbers_.size() <= most_kept) native::of_thread<Kept>().numbers = std::move(numbers_);
  }
  float* take(std::size_t count) {
    if (given_) return given_;
    if (!std::exchange(lent_, true)) numbers_ = std::move(native::of_thread<Kept>().numbers);
    if (numbers_.size() < count) numbers_.resize(count);
    return numbers_.data();
  }

 private:
  struct Kept {
    std::vector<float> numbers;
  };
  float* given_ = nullptr;
  bool lent_ = false;
  std::vector<float> numbers_;
};

/// Rows as a backend shall see them.
struct Preprocessing::Block {
  MatrixView rows;                ///< they themselves, or a changed copy
  std::vector<std::size_t> lost;  ///< those that get no score, in a model that drops them
};

Preprocessing::Preprocessing(MissingPolicy missing, native::TransformChain chain, std::vector<std::string> features)
    : missing_(missing), chain_(std::move(chain)), features_(std::move(features)), names_out_(chain_.names(features_, chain_.steps().size())) {}

void Preprocessing::refuse_missing(const MatrixView& rows, std::size_t first_row) const {
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    for (std::size_t j = 0; j < rows.columns(); ++j) {
      const float number = rows.at(i, j);
      if (std::isfinite(number)) continue;
      throw DataError("row " + std::to_string(first_row + i) + ", feature '" + features_[j] + "': " +
                      (std::isnan(number) ? "not a number" : "infinite") + "; the model was trained with missing = error");
    }
  }
  throw DataError("a missing value came and went while it was looked for");
}

void Preprocessing::refuse_undefined(const MatrixView& rows, std::size_t row, std::size_t first_row) const {
  std::vector<float> numbers(rows.columns());
  copy_rows(rows.slice(row, 1), numbers.data());
  const auto found = chain_.undefined(numbers.data());
  if (!found) refuse_missing(rows.slice(row, 1), first_row + row);
  std::ostringstream text;
  text << "row " << first_row + row << ", feature '" << chain_.names(features_, found->step)[found->column] << "': the transform '"
       << chain_.steps()[found->step].type << "' has no result for " << found->number;
  throw DataError(text.str());
}

/// Whether the chain does nothing but replace missing values, which `predict` looks for anyway.
bool Preprocessing::imputes_only() const noexcept {
  return missing_ == MissingPolicy::impute && chain_.steps().size() == 1 && chain_.steps().front().type == "impute";
}

/// What needs memory for changed rows takes it from `changed`.
Preprocessing::Block Preprocessing::prepared(const MatrixView& rows, std::size_t first_row, Room& changed) const {
  const std::size_t count = rows.rows() * rows.columns(), count_out = rows.rows() * names_out_.size();
  Block block{rows, {}};
  Room apart;  // for a copy that the transforms must not be written over: it has another size, or will be looked at again
  Room& room = count_out != count || chain_.partial() ? apart : changed;
  float* own = nullptr;  // where the rows lie once they are a copy
  const auto copy = [&] {
    if (own) return;
    own = room.take(count);
    copy_rows(rows, own);
    block.rows = MatrixView(own, rows.rows(), rows.columns());
  };
  // Numbers beyond float's range become infinite here, as they did in training: features are float32 from the start.
  if (rows.type() == DType::float64) copy();
  const bool missing = missing_ != MissingPolicy::keep && any_missing(block.rows);
  if (missing) {
    if (missing_ == MissingPolicy::error) refuse_missing(block.rows, first_row);
    copy();
    for (std::size_t i = 0; missing_ == MissingPolicy::drop && i < rows.rows(); ++i) {
      if (row_is_missing(block.rows, i)) block.lost.push_back(i);
    }
    // What is not finite becomes what the imputing transform looks for; a row to be dropped holds zeros until its score is taken away.
    const float stand_in = missing_ == MissingPolicy::impute ? nan : 0.0f;
    std::replace_if(own, own + count, [](float number) { return !std::isfinite(number); }, stand_in);
  }
  if (chain_.empty() || (imputes_only() && !missing)) return block;
  transform(block, first_row, own && &room == &changed ? own : changed.take(count_out));
  return block;
}

/// Takes a block's rows, where nothing is missing that the policy speaks of, through the chain.
void Preprocessing::transform(Block& block, std::size_t first_row, float* out) const {
  const MatrixView rows = block.rows;
  chain_.apply(static_cast<const float*>(rows.data()), rows.row_stride(), rows.column_stride(), rows.rows(), out);
  block.rows = MatrixView(out, rows.rows(), names_out_.size());
  const bool looks = chain_.partial() && (missing_ == MissingPolicy::error || missing_ == MissingPolicy::drop);
  if (!looks || !any_missing(block.rows)) return;
  std::vector<float> row(rows.columns());
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    if (!row_is_missing(block.rows, i)) continue;
    copy_rows(rows.slice(i, 1), row.data());
    if (!chain_.undefined(row.data())) continue;  // merely beyond float's range
    if (missing_ == MissingPolicy::error) refuse_undefined(rows, i, first_row);
    block.lost.push_back(i);
    std::fill_n(out + i * names_out_.size(), names_out_.size(), 0.0f);
  }
}

void Preprocessing::predict(const Backend& backend, const MatrixView& features, std::size_t outputs, std::span<float> out,
                            std::size_t first_row) const {
  if (features.columns() != features_.size()) wrong_size("features", features_.size(), features.columns());
  if (out.size() != features.rows() * outputs) wrong_size("numbers of room for the scores", features.rows() * outputs, out.size());
  if (features.rows() == 0) return;
  const bool as_they_are = features.type() == DType::float32 && (chain_.empty() || imputes_only());
  const std::size_t preferred = backend.preferred_rows();
  if (as_they_are && (missing_ == MissingPolicy::keep || (preferred == 0 && !any_missing(features)))) {
    backend.predict(features, out);
    return;
  }
  Room room;
  const std::size_t most = rows_in_block(std::max(features.columns(), names_out_.size()));
  const std::size_t block_rows = preferred == 0 ? most : std::min(most, preferred);
  for (std::size_t first = 0; first < features.rows(); first += block_rows) {
    const MatrixView rows = features.slice(first, std::min(block_rows, features.rows() - first));
    const std::span<float> scores = out.subspan(first * outputs, rows.rows() * outputs);
    const Block block = prepared(rows, first_row + first, room);
    backend.predict(block.rows, scores);
    for (const std::size_t row : block.lost) std::fill_n(scores.begin() + static_cast<std::ptrdiff_t>(row * outputs), outputs, nan);
  }
}

bool Preprocessing::changes(const MatrixView& features) const noexcept {
  return !chain_.empty() || features.type() != DType::float32;
}

std::vector<float> Preprocessing::apply(const MatrixView& features) const {
  std::vector<float> result(changes(features) ? features.rows() * names_out_.size() : 0);
  if (changes(features)) apply(features, result.data());
  return result;
}

void Preprocessing::apply(const MatrixView& features, float* out) const {
  if (features.columns() != features_.size()) wrong_size("features", features_.size(), features.columns());
  const std::size_t block_rows = rows_in_block(std::max(features.columns(), names_out_.size()));
  for (std::size_t first = 0; first < features.rows(); first += block_rows) {
    const MatrixView rows = features.slice(first, std::min(block_rows, features.rows() - first));
    float* const where = out + first * names_out_.size();
    Room room(where);
    const Block block = prepared(rows, first, room);
    if (!block.lost.empty()) refuse_undefined(rows, block.lost.front(), first);
    if (block.rows.data() != where) copy_rows(block.rows, where);
  }
}

Spec after_transforms(Spec spec, const Preprocessing& preprocessing) {
  spec.features = preprocessing.names_out();
  return spec;
}

}  // namespace ophion
