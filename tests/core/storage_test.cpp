/// Storage grows without losing, copying or touching what it doesn't need.
#include "storage.h"

#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <new>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace ophion {
namespace {

std::size_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmRSS:") {
      std::size_t kilobytes = 0;
      status >> kilobytes;
      return kilobytes * 1024;
    }
  return 0;
}

TEST(Storage, KeepsEveryByteThroughManyGrowths) {
  Storage storage;
  const std::uint64_t count = 3'000'000;
  for (std::uint64_t i = 0; i < count; ++i) std::memcpy(storage.append(sizeof i), &i, sizeof i);
  ASSERT_EQ(storage.size(), count * sizeof(std::uint64_t));
  const auto* numbers = reinterpret_cast<const std::uint64_t*>(storage.data());
  for (std::uint64_t i = 0; i < count; ++i) ASSERT_EQ(numbers[i], i);
}

TEST(Storage, TakesOneAppendLargerThanAllBefore) {
  Storage storage;
  *storage.append(1) = std::byte{7};
  std::byte* const begin = storage.append(50'000'000);
  EXPECT_EQ(begin, storage.data() + 1);
  begin[49'999'999] = std::byte{9};
  EXPECT_EQ(storage.data()[0], std::byte{7});
}

TEST(Storage, DoesNotOccupyMemoryThatWasNeverWritten) {
  const std::size_t before = resident_bytes();
  Storage storage;
  storage.append(std::size_t{4} << 30);
  EXPECT_LT(resident_bytes(), before + (std::size_t{64} << 20));
}

TEST(Storage, ShrinksToWhatIsUsedAndKeepsIt) {
  Storage storage;
  for (int i = 0; i < 100'000; ++i) *storage.append(1) = static_cast<std::byte>(i % 251);
  storage.shrink();
  ASSERT_EQ(storage.size(), 100'000u);
  for (int i = 0; i < 100'000; ++i) ASSERT_EQ(storage.data()[i], static_cast<std::byte>(i % 251));
  *storage.append(1'000'000) = std::byte{5};  // and can grow again
  EXPECT_EQ(storage.data()[99'999], static_cast<std::byte>(99'999 % 251));
}

TEST(Storage, ShrinksToNothingWhenEmpty) {
  Storage storage;
  storage.append(0);
  storage.shrink();
  EXPECT_EQ(storage.data(), nullptr);
  *storage.append(1) = std::byte{1};
  EXPECT_EQ(storage.size(), 1u);
}

TEST(Storage, ThrowsBadAllocForMoreThanThereIs) {
  Storage storage;
  *storage.append(1) = std::byte{3};
  EXPECT_THROW(storage.append(std::numeric_limits<std::size_t>::max() - 10), std::bad_alloc);
  EXPECT_THROW(storage.append(std::size_t{1} << 62), std::bad_alloc);
  EXPECT_EQ(storage.size(), 1u);
  EXPECT_EQ(storage.data()[0], std::byte{3});
}

TEST(Storage, GivesItsMemoryAwayWhenMoved) {
  Storage first;
  *first.append(1) = std::byte{4};
  const std::byte* const data = first.data();
  Storage second(std::move(first));
  EXPECT_EQ(second.data(), data);
  Storage third;
  third.append(10);
  third = std::move(second);
  EXPECT_EQ(third.data(), data);
  EXPECT_EQ(third.size(), 1u);
}

}  // namespace
}  // namespace ophion
