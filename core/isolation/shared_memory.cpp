/// Memory that two processes see.
#include "isolation/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include <ophion/error.h>
#include <ophion/isolation.h>

namespace ophion {
namespace {

[[noreturn]] void fail(const char* what) {
  throw WorkerError(std::string("shared memory: ") + what + ": " + std::generic_category().message(errno));
}

Descriptor make_file(std::size_t bytes) {
  Descriptor file(memfd_create("ophion", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) fail("could not be made");
  if (ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) throw std::bad_alloc();
  // Mode 0400: a worker that gets it for reading can't open it again for writing.
  if (fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK) != 0 || fchmod(file.get(), 0400) != 0) fail("could not be sealed");
  return file;
}

/// The same file, for reading only.
Descriptor open_for_reading(int file) {
  Descriptor opened(::open(("/proc/self/fd/" + std::to_string(file)).c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened) fail("could not be opened for reading");
  return opened;
}

/// All LentMemory of this process. Never destroyed: static objects may hold events.
struct Lent {
  struct Entry {
    std::uint64_t id;
    std::size_t bytes;
    int file;
  };
  std::mutex mutex;
  std::map<const std::byte*, Entry> by_address;
  std::map<std::uint64_t, const std::byte*> by_id;
  std::uint64_t last_id = 0;
  std::atomic<std::uint64_t> changes = 0;
};

Lent& lent() {
  static Lent& all = *new Lent;
  return all;
}

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  Descriptor moved(std::move(other));
  std::swap(number_, moved.number_);
  return *this;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

SharedMemory::SharedMemory(std::size_t bytes) : file_(make_file(bytes)) { map(bytes); }

SharedMemory::SharedMemory(Descriptor file, Access access, std::size_t bytes, std::size_t offset)
    : file_(std::move(file)), access_(access), offset_(offset) {
  follow(bytes);
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : file_(std::move(other.file_)),
      access_(other.access_),
      offset_(other.offset_),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
  SharedMemory moved(std::move(other));
  std::swap(file_, moved.file_);
  std::swap(access_, moved.access_);
  std::swap(offset_, moved.offset_);
  std::swap(data_, moved.data_);
  std::swap(size_, moved.size_);
  return *this;
}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) munmap(data_, size_);
}

void SharedMemory::map(std::size_t bytes) {
  const int protection = access_ == Access::write ? PROT_READ | PROT_WRITE : PROT_READ;
  // What is there to be read is mapped at once: a page fault for each 4 KiB would cost more than reading it.
  const int populate = access_ == Access::read ? MAP_POPULATE : 0;
  void* const place = data_ == nullptr
      ? mmap(nullptr, bytes, protection, MAP_SHARED | populate, file_.get(), static_cast<off_t>(offset_))
      : mremap(data_, size_, bytes, MREMAP_MAYMOVE);
  if (place == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<std::byte*>(place);
  size_ = bytes;
}

void SharedMemory::grow(std::size_t bytes) {
  if (bytes <= size_) return;
  if (bytes + offset_ < bytes || ftruncate(file_.get(), static_cast<off_t>(bytes + offset_)) != 0) throw std::bad_alloc();
  map(bytes);
}

void SharedMemory::follow(std::size_t bytes) {
  if (bytes <= size_) return;
  struct stat status {};
  if (fstat(file_.get(), &status) != 0) fail("could not be looked at");
  const auto there = static_cast<std::size_t>(status.st_size);
  if (there < offset_ || there - offset_ < bytes) throw WorkerError("shared memory: is smaller than a worker said");
  map(bytes);
}

void SharedMemory::discard() noexcept {
  if (file_) fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(offset_ + size_));
}

LentMemory::LentMemory(std::size_t bytes) : memory_(bytes) { enter(); }

LentMemory::LentMemory(LentMemory&& other) noexcept
    : memory_(std::move(other.memory_)), id_(std::exchange(other.id_, 0)) {}

LentMemory& LentMemory::operator=(LentMemory&& other) noexcept {
  LentMemory moved(std::move(other));
  std::swap(memory_, moved.memory_);
  std::swap(id_, moved.id_);
  return *this;
}

LentMemory::~LentMemory() {
  leave();
  // A worker forgets what it was shown when it is called next; the pages shall not wait for that.
  memory_.discard();
}

void LentMemory::grow(std::size_t bytes) {
  leave();
  memory_.grow(bytes);  // when it throws, the memory is as it was, and is found by nobody
  enter();
}

void LentMemory::enter() {
  const std::lock_guard lock(lent().mutex);
  id_ = ++lent().last_id;
  lent().by_address.emplace(memory_.data(), Lent::Entry{id_, memory_.size(), memory_.file()});
  lent().by_id.emplace(id_, memory_.data());
}

void LentMemory::leave() noexcept {
  if (id_ == 0) return;
  const std::lock_guard lock(lent().mutex);
  lent().by_id.erase(id_);
  lent().by_address.erase(memory_.data());
  lent().changes.fetch_add(1, std::memory_order_release);
  id_ = 0;
}

std::optional<LentPlace> find_lent(const void* data, std::size_t bytes) {
  const auto* const begin = static_cast<const std::byte*>(data);
  const std::lock_guard lock(lent().mutex);
  auto found = lent().by_address.upper_bound(begin);
  if (found == lent().by_address.begin()) return std::nullopt;
  --found;
  const auto offset = static_cast<std::size_t>(begin - found->first);
  if (offset > found->second.bytes || found->second.bytes - offset < bytes) return std::nullopt;
  return LentPlace{found->second.id, offset};
}

LentFile open_lent(std::uint64_t id) {
  const std::lock_guard lock(lent().mutex);
  const auto found = lent().by_id.find(id);
  if (found == lent().by_id.end()) throw WorkerError("shared memory: was given back while it was lent to a worker");
  const Lent::Entry& entry = lent().by_address.at(found->second);
  return {open_for_reading(entry.file), entry.bytes};
}

bool is_lent(std::uint64_t id) {
  const std::lock_guard lock(lent().mutex);
  return lent().by_id.contains(id);
}

std::shared_ptr<float[]> shared_floats(std::size_t count) {
  if (count > std::numeric_limits<std::size_t>::max() / sizeof(float)) throw std::bad_alloc();
  const auto owner = std::make_shared<LentMemory>(std::max<std::size_t>(1, count) * sizeof(float));
  return {owner, reinterpret_cast<float*>(owner->data())};
}

std::uint64_t lent_changes() noexcept { return lent().changes.load(std::memory_order_acquire); }

}  // namespace ophion
