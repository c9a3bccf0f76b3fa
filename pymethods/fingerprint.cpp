/// A hash over the events of a training.
#include "fingerprint.h"

#include <cstring>
#include <span>

#include <ophion/error.h>

#include "gil.h"

namespace ophion {
namespace {

/// Four independent chains, so that multiplications overlap; each step is a bijection of its chain, so one changed word always shows.
class Hash {
 public:
  void add(const void* data, std::size_t size) noexcept {
    const auto* bytes = static_cast<const char*>(data);
    for (; size >= sizeof chains_; size -= sizeof chains_, bytes += sizeof chains_) {
      std::uint64_t words[4];
      std::memcpy(words, bytes, sizeof words);
      for (int i = 0; i < 4; ++i) step(chains_[i], words[i]);
    }
    for (; size > 0; --size, ++bytes) step(chains_[0], static_cast<unsigned char>(*bytes));
  }
  void add(const MatrixView& matrix) noexcept {
    if (matrix.contiguous()) return add(matrix.data(), matrix.rows() * matrix.columns() * size_of(matrix.type()));
    for (std::size_t i = 0; i < matrix.rows(); ++i) {
      for (std::size_t j = 0; j < matrix.columns(); ++j) {
        const float value = matrix.at(i, j);
        add(&value, sizeof value);
      }
    }
  }
  template <class T>
  void add(std::span<const T> values) noexcept {
    add(values.data(), values.size_bytes());
  }
  void add(const LabelledEvents& events) noexcept {
    add(events.features);
    add(events.labels);
    add(events.targets);
    add(events.weights);
  }
  std::uint64_t value() const noexcept {
    std::uint64_t value = 0;
    for (const std::uint64_t chain : chains_) step(value, chain);
    return value;
  }

 private:
  static void step(std::uint64_t& chain, std::uint64_t word) noexcept {
    chain = (chain ^ word) * 0x9E3779B97F4A7C15u;
    chain ^= chain >> 32;
  }
  std::uint64_t chains_[4]{1, 2, 3, 4};
};

std::uint64_t hash_of(const TrainingData& data) {
  const GilRelease released;
  Hash hash;
  hash.add(data.train);
  hash.add(data.validation);
  return hash.value();
}

}  // namespace

Fingerprint::Fingerprint(const TrainingData& data) : data_(data), value_(hash_of(data)) {}

void Fingerprint::demand_unchanged(const std::string& who) const {
  if (hash_of(data_) == value_) return;
  throw DataError(who + ": train() changed the events it was lent: it must work on a copy");
}

}  // namespace ophion
