/// The part of a row: the same everywhere, binomial, by value.
#include "split.h"

#include <array>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace ophion {
namespace {

constexpr std::uint64_t entries = 100'000;

std::array<double, 3> shares(const SplitConfig& config, std::uint64_t seed, std::uint64_t sample, std::uint64_t file) {
  const Split split(config, seed);
  std::array<double, 3> counts{};
  for (std::uint64_t entry = 0; entry < entries; ++entry)
    counts[static_cast<std::size_t>(split.part_of(split.key(sample, file), entry))] += 1.0 / entries;
  return counts;
}

/// Rows that two ways of splitting put into the test part both, as a fraction.
double both_test(const Split& a, std::uint64_t key_a, const Split& b, std::uint64_t key_b) {
  double both = 0;
  for (std::uint64_t entry = 0; entry < entries; ++entry)
    if (a.part_of(key_a, entry) == PartName::test && b.part_of(key_b, entry) == PartName::test) both += 1.0 / entries;
  return both;
}

TEST(Split, IsSplitMix64) {
  // The first numbers of the reference implementation (https://prng.di.unimi.it/splitmix64.c) from the state 1234567.
  EXPECT_EQ(split_mix(1234567, 0), 6457827717110365317u);
  EXPECT_EQ(split_mix(1234567, 1), 3203168211198807973u);
  EXPECT_EQ(split_mix(1234567, 2), 9817491932198370423u);
  EXPECT_EQ(split_mix(1234567, 3), 4593380528125082431u);
  EXPECT_EQ(split_mix(1234567, 4), 16408922859458223821u);
}

TEST(Split, GivesNumbersFromZeroToBelowOne) {
  double sum = 0, squares = 0;
  for (std::uint64_t i = 0; i < entries; ++i) {
    const double u = uniform(99, i);
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    squares += u * u;
  }
  // Mean 1/2 and variance 1/12, within five standard errors.
  EXPECT_NEAR(sum / entries, 0.5, 5 * std::sqrt(1.0 / 12 / entries));
  EXPECT_NEAR(squares / entries, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / entries));
}

TEST(Split, SharesFollowTheFractions) {
  SplitConfig config;
  config.validation = 0.2;
  config.test = 0.3;
  for (std::uint64_t file = 0; file < 5; ++file) {
    const auto found = shares(config, 42, 1, file);
    const auto error = [](double p) { return 5 * std::sqrt(p * (1 - p) / entries); };
    EXPECT_NEAR(found[0], 0.5, error(0.5));
    EXPECT_NEAR(found[1], 0.2, error(0.2));
    EXPECT_NEAR(found[2], 0.3, error(0.3));
  }
}

TEST(Split, PutsNothingIntoAPartOfNoShare) {
  SplitConfig config;
  config.validation = 0;
  config.test = 0.25;
  const auto found = shares(config, 1, 0, 0);
  EXPECT_EQ(found[1], 0.0);
  EXPECT_TRUE(Split(config, 1).wants(PartName::test));
  EXPECT_FALSE(Split(config, 1).wants(PartName::validation));
}

TEST(Split, IsIndependentBetweenSeedsSamplesAndFiles) {
  SplitConfig config;
  config.test = 0.5;
  const Split split(config, 7), other(config, 8);
  const double error = 5 * std::sqrt(0.25 * 0.75 / entries);  // both with probability 1/4
  EXPECT_NEAR(both_test(split, split.key(0, 0), other, other.key(0, 0)), 0.25, error);
  EXPECT_NEAR(both_test(split, split.key(0, 0), split, split.key(1, 0)), 0.25, error);
  EXPECT_NEAR(both_test(split, split.key(0, 0), split, split.key(0, 1)), 0.25, error);
  EXPECT_NEAR(both_test(split, split.key(0, 1), split, split.key(1, 0)), 0.25, error);
}

TEST(Split, KeepsTheTestEventsWhenTheValidationFractionChanges) {
  SplitConfig small, large;
  small.validation = 0.05;
  large.validation = 0.5;
  const Split a(small, 3), b(large, 3);
  for (std::uint64_t entry = 0; entry < 10'000; ++entry)
    ASSERT_EQ(a.part_of(a.key(0, 0), entry) == PartName::test, b.part_of(b.key(0, 0), entry) == PartName::test);
}

TEST(Split, ByValueKnowsOnlyWholeNumbers) {
  SplitConfig config;
  config.by = "event % 5";
  config.validation_values = {3};
  config.test_values = {4, -1};
  const Split split(config, 0);
  EXPECT_EQ(split.part_of(0.0), PartName::train);
  EXPECT_EQ(split.part_of(3.0), PartName::validation);
  EXPECT_EQ(split.part_of(4.0), PartName::test);
  EXPECT_EQ(split.part_of(-1.0), PartName::test);
  EXPECT_EQ(split.part_of(3.5), std::nullopt);
  EXPECT_EQ(split.part_of(std::nan("")), std::nullopt);
  EXPECT_EQ(split.part_of(std::numeric_limits<double>::infinity()), std::nullopt);
}

}  // namespace
}  // namespace ophion
