/// Growable memory for events: grows without copying and without touching pages it does not need.
#pragma once

#include <cstddef>
#include <memory>

namespace ophion {

/// Anonymous pages that grow by remapping (mremap moves page tables, not bytes). Not safe for concurrent use.
class Storage {
 public:
  Storage() noexcept = default;
  ~Storage();
  Storage(Storage&& other) noexcept;
  Storage& operator=(Storage&& other) noexcept;
  /// Makes room for `bytes` more and returns where they begin; earlier addresses may have changed. Throws std::bad_alloc.
  std::byte* append(std::size_t bytes);
  std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  /// Gives back what was reserved beyond `size`.
  void shrink() noexcept;

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace ophion
