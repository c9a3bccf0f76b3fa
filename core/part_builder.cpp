/// The growing memory of one part of a run.
#include "part_builder.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

namespace ophion {
namespace {

template <class T>
T* append_to(Storage& storage, std::size_t count) {
  return reinterpret_cast<T*>(storage.append(count * sizeof(T)));
}

template <class T>
std::span<const T> view(const Storage& storage) {
  return {reinterpret_cast<const T*>(storage.data()), storage.size() / sizeof(T)};
}

/// Rows `chosen` of a row-major matrix of floats.
void append_rows(Storage& storage, const std::vector<float>& from, std::size_t width, std::span<const std::uint32_t> chosen) {
  float* to = append_to<float>(storage, chosen.size() * width);
  for (const std::uint32_t row : chosen) to = std::copy_n(from.data() + row * width, width, to);
}

}  // namespace

void PartBuilder::append(const EventBlock& block, std::span<const std::uint32_t> chosen) {
  append_rows(features_, block.features, n_features_, chosen);
  append_rows(targets_, block.targets, n_targets_, chosen);
  if (n_targets_ == 0) std::fill_n(append_to<std::int32_t>(labels_, chosen.size()), chosen.size(), block.label);
  std::fill_n(append_to<std::uint32_t>(sample_, chosen.size()), chosen.size(), block.sample);
  double* weight = append_to<double>(weights_, chosen.size());
  std::uint64_t* entry = append_to<std::uint64_t>(entry_, chosen.size());
  for (const std::uint32_t row : chosen) {
    *weight++ = block.weights[row];
    *entry++ = block.entry[row];
  }
  if (block.fold.empty()) return;
  Fold* fold = append_to<Fold>(fold_, chosen.size());
  std::uint64_t* draw = append_to<std::uint64_t>(draw_, chosen.size());
  for (const std::uint32_t row : chosen) {
    *fold++ = block.fold[row];
    *draw++ = block.draw[row];
  }
}

void PartBuilder::append_spectator(std::size_t spectator, const Strided& from, std::span<const std::uint32_t> chosen,
                                   DType type) {
  std::byte* const begin = spectators_[spectator].append(chosen.size() * size_of(type));
  with_type(type, [&](auto to_zero) {
    with_type(from.type, [&](auto from_zero) {
      using To = decltype(to_zero);
      auto* to = reinterpret_cast<To*>(begin);
      for (const std::uint32_t row : chosen) *to++ = static_cast<To>(load<decltype(from_zero)>(from.at(row)));
    });
  });
}

void PartBuilder::widen_spectator(std::size_t spectator, DType from, DType to) {
  const Storage narrow = std::exchange(spectators_[spectator], Storage());
  const Strided all{narrow.data(), static_cast<std::ptrdiff_t>(size_of(from)), from};
  std::vector<std::uint32_t> some(std::min<std::size_t>(rows(), 65536));
  std::iota(some.begin(), some.end(), 0u);
  for (std::size_t first = 0; first < rows(); first += some.size()) {
    const std::size_t count = std::min(some.size(), rows() - first);
    append_spectator(spectator, {all.at(first), all.stride, from}, std::span(some).first(count), to);
  }
}

Part PartBuilder::finish(const std::vector<std::string>& spectator_names, const std::vector<DType>& types) && {
  for (Storage* storage : {&features_, &labels_, &targets_, &weights_, &sample_, &entry_, &fold_, &draw_}) storage->shrink();
  for (Storage& storage : spectators_) storage.shrink();
  const auto kept = std::make_shared<const PartBuilder>(std::move(*this));
  const std::size_t rows = kept->rows();
  Part part;
  part.keeper = kept;
  part.features = MatrixView(view<float>(kept->features_).data(), rows, n_features_);
  if (n_targets_ == 0) part.labels = view<std::int32_t>(kept->labels_);
  if (n_targets_ > 0) part.targets = MatrixView(view<float>(kept->targets_).data(), rows, n_targets_);
  part.weights = view<double>(kept->weights_);
  part.sample = view<std::uint32_t>(kept->sample_);
  part.entry = view<std::uint64_t>(kept->entry_);
  part.fold = view<Fold>(kept->fold_);
  part.draw = view<std::uint64_t>(kept->draw_);
  for (std::size_t i = 0; i < types.size(); ++i) {
    Column column;
    column.name = spectator_names[i];
    column.type = types[i];
    column.data = kept->spectators_[i].data();
    column.rows = rows;
    column.row_stride = column.column_stride = static_cast<std::ptrdiff_t>(size_of(types[i]));
    column.keeper = kept;
    part.spectators.push_back(std::move(column));
  }
  return part;
}

}  // namespace ophion
