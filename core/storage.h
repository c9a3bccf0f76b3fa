/// Growable memory for events: grows without copying and without touching pages it does not need.
#pragma once

#include <cstddef>

#include "isolation/shared_memory.h"

namespace ophion {

/// Pages that grow by remapping (mremap moves page tables, not bytes). Not safe for concurrent use.
class Storage {
 public:
  /// Private pages, or such as a worker process can be shown without a copy.
  enum class Kind { own, lent };

  explicit Storage(Kind kind = Kind::own) noexcept : kind_(kind) {}
  ~Storage();
  Storage(Storage&& other) noexcept;
  Storage& operator=(Storage&& other) noexcept;
  /// Makes room for `bytes` more and returns where they begin; earlier addresses may have changed. Throws std::bad_alloc.
  std::byte* append(std::size_t bytes);
  std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  Kind kind() const noexcept { return kind_; }
  /// Gives back what was reserved beyond `size`.
  void shrink() noexcept;

 private:
  std::byte* grown_own(std::size_t capacity);
  std::byte* grown_lent(std::size_t capacity);

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  Kind kind_ = Kind::own;
  LentMemory lent_;  ///< where data_ lies when it is lent
};

}  // namespace ophion
