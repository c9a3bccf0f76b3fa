/// Growable memory for events, straight from the kernel.
#include "storage.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

namespace ophion {
namespace {

constexpr std::size_t first_capacity = std::size_t{1} << 16;

std::size_t whole_pages(std::size_t bytes) noexcept {
  static const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

}  // namespace

Storage::~Storage() {
  if (data_ != nullptr && kind_ == Kind::own) munmap(data_, capacity_);
}

Storage::Storage(Storage&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)),
      kind_(other.kind_),
      lent_(std::move(other.lent_)) {}

Storage& Storage::operator=(Storage&& other) noexcept {
  Storage moved(std::move(other));
  std::swap(data_, moved.data_);
  std::swap(size_, moved.size_);
  std::swap(capacity_, moved.capacity_);
  std::swap(kind_, moved.kind_);
  std::swap(lent_, moved.lent_);
  return *this;
}

std::byte* Storage::append(std::size_t bytes) {
  // Half of the address space is more than any machine has; beyond it the sums below could wrap.
  if (bytes > std::numeric_limits<std::size_t>::max() / 2 - size_) throw std::bad_alloc();
  const std::size_t needed = size_ + bytes;
  if (needed > capacity_) {
    // Pages that were never written cost nothing, so doubling wastes addresses, not memory.
    const std::size_t capacity = whole_pages(std::max({needed, 2 * capacity_, first_capacity}));
    data_ = kind_ == Kind::own ? grown_own(capacity) : grown_lent(capacity);
    capacity_ = capacity;
  }
  std::byte* const begin = data_ + size_;
  size_ = needed;
  return begin;
}

std::byte* Storage::grown_own(std::size_t capacity) {
  void* const grown = data_ == nullptr
      ? mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
      : mremap(data_, capacity_, capacity, MREMAP_MAYMOVE);
  if (grown == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(grown);
}

std::byte* Storage::grown_lent(std::size_t capacity) {
  if (data_ == nullptr) lent_ = LentMemory(capacity);
  else lent_.grow(capacity);
  return lent_.data();
}

void Storage::shrink() noexcept {
  // What is lent can't become smaller while others map it; pages that were never written cost nothing.
  if (data_ == nullptr || kind_ == Kind::lent) return;
  const std::size_t capacity = whole_pages(size_);
  if (capacity == 0) {
    munmap(data_, capacity_);
    data_ = nullptr;
    capacity_ = 0;
  } else if (capacity < capacity_ && mremap(data_, capacity_, capacity, 0) != MAP_FAILED) {
    capacity_ = capacity;
  }
}

}  // namespace ophion
