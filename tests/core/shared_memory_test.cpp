/// Shared memory: found by address, never smaller, gone with its owner.
#include "isolation/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include <gtest/gtest.h>

#include <ophion/error.h>
#include <ophion/isolation.h>

#include "storage.h"

using namespace ophion;

TEST(SharedMemory, CanNotBeMadeSmallerByWhoeverHoldsIt) {
  SharedMemory memory(1 << 20);
  EXPECT_NE(ftruncate(memory.file(), 0), 0);
}

TEST(SharedMemory, ShowsWhatTheOtherSideWroteAfterItGrew) {
  SharedMemory mine(4096);
  SharedMemory other(Descriptor(dup(mine.file())), SharedMemory::Access::write, 4096);
  other.grow(1 << 20);
  other.data()[(1 << 20) - 1] = std::byte{5};
  EXPECT_THROW(mine.follow(2 << 20), WorkerError);
  mine.follow(1 << 20);
  EXPECT_EQ(mine.data()[(1 << 20) - 1], std::byte{5});
}

TEST(LentMemory, IsFoundByAnyAddressWithin) {
  LentMemory memory(1 << 16);
  const auto place = find_lent(memory.data() + 100, 1000);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->offset, 100u);
  EXPECT_FALSE(find_lent(memory.data() + 100, 1 << 16));
  EXPECT_FALSE(find_lent(&memory, 1));
  const std::uint64_t id = place->id;
  EXPECT_TRUE(is_lent(id));
  memory = LentMemory();
  EXPECT_FALSE(is_lent(id));
  EXPECT_THROW(open_lent(id), WorkerError);
}

TEST(LentMemory, IsOpenedForReadingOnly) {
  const LentMemory memory(1 << 16);
  std::memcpy(memory.data(), "events", 6);
  const LentFile shown = open_lent(find_lent(memory.data(), 1)->id);
  EXPECT_EQ(mmap(nullptr, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED, shown.file.get(), 0), MAP_FAILED);
  char text[7] = {};
  EXPECT_EQ(pread(shown.file.get(), text, 6, 0), 6);
  EXPECT_STREQ(text, "events");
}

TEST(LentMemory, GivesItsPagesBackThoughOthersHoldIt) {
  LentFile shown;
  {
    const LentMemory memory(1 << 20);
    std::memset(memory.data(), 1, 1 << 20);
    shown = open_lent(find_lent(memory.data(), 1)->id);
  }
  struct stat status {};
  ASSERT_EQ(fstat(shown.file.get(), &status), 0);
  EXPECT_EQ(status.st_blocks, 0);
}

TEST(LentMemory, IsWhereStorageAndSharedFloatsLie) {
  Storage storage(Storage::Kind::lent);
  for (int i = 0; i < 1'000'000; ++i) std::memcpy(storage.append(sizeof i), &i, sizeof i);
  EXPECT_EQ(reinterpret_cast<const int*>(storage.data())[999'999], 999'999);
  EXPECT_TRUE(find_lent(storage.data(), storage.size()));
  const Storage moved = std::move(storage);
  EXPECT_TRUE(find_lent(moved.data(), moved.size()));
  EXPECT_FALSE(find_lent(Storage().data(), 1));
  const auto floats = shared_floats(1000);
  EXPECT_TRUE(find_lent(floats.get() + 999, sizeof(float)));
}
