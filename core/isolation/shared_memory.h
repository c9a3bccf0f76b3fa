/// Memory that two processes see. It has no name anywhere: when the last of them has died, it is gone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace ophion {

/// Owns a file descriptor, or none.
class Descriptor {
 public:
  Descriptor() noexcept = default;
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const noexcept { return number_; }
  explicit operator bool() const noexcept { return number_ >= 0; }

 private:
  int number_ = -1;
};

/// Bytes up to where the next array may begin: arrays lie as NumPy's own do.
constexpr std::size_t aligned(std::size_t bytes) noexcept { return (bytes + 63) / 64 * 64; }

/// A mapped part of an anonymous file (memfd). Nobody who holds the file can make it smaller, so that what is mapped stays readable
/// whatever the other process does. Not safe for concurrent use.
class SharedMemory {
 public:
  enum class Access { read, write };

  SharedMemory() noexcept = default;
  /// A new file of so many bytes, zero and not yet occupied.
  explicit SharedMemory(std::size_t bytes);
  /// `bytes` from `offset` (a multiple of the page size) of a file that somebody else made, and that is at least as large.
  SharedMemory(Descriptor file, Access access, std::size_t bytes, std::size_t offset = 0);
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&& other) noexcept;
  ~SharedMemory();

  std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  int file() const noexcept { return file_.get(); }

  /// Makes the file so large that `bytes` are mapped, and maps them: addresses change. Throws std::bad_alloc.
  void grow(std::size_t bytes);
  /// Maps what the other process has made larger. Throws WorkerError when the file isn't that large.
  void follow(std::size_t bytes);
  /// Gives the pages back to the kernel at once, though others may still map them. They read as zeros then.
  void discard() noexcept;

 private:
  void map(std::size_t bytes);

  Descriptor file_;
  Access access_ = Access::write;
  std::size_t offset_ = 0;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Memory that a worker can be shown without a copy, found by its address. What lies there is never written by a worker.
class LentMemory {
 public:
  LentMemory() noexcept = default;
  explicit LentMemory(std::size_t bytes);
  LentMemory(LentMemory&& other) noexcept;
  LentMemory& operator=(LentMemory&& other) noexcept;
  ~LentMemory();

  std::byte* data() const noexcept { return memory_.data(); }
  std::size_t size() const noexcept { return memory_.size(); }
  /// Addresses change. Throws std::bad_alloc.
  void grow(std::size_t bytes);

 private:
  void enter();
  void leave() noexcept;

  SharedMemory memory_;
  std::uint64_t id_ = 0;  ///< 0: nothing is held
};

struct LentPlace {
  std::uint64_t id = 0;    ///< of the LentMemory; never used again
  std::size_t offset = 0;  ///< in it
};

struct LentFile {
  Descriptor file;  ///< for reading
  std::size_t bytes = 0;
};

/// Where in the LentMemory of this process `bytes` at `data` lie; nothing when they lie elsewhere.
std::optional<LentPlace> find_lent(const void* data, std::size_t bytes);
LentFile open_lent(std::uint64_t id);
bool is_lent(std::uint64_t id);
/// Counts the LentMemory that is gone or has moved: while it stays the same, what was known of it holds.
std::uint64_t lent_changes() noexcept;

}  // namespace ophion
