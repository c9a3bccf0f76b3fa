/// Dataset, Column and the types of numbers.
#include <ophion/dataset.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ophion/error.h>

#include "core/error_of.h"
#include "dtype.h"

namespace ophion {
namespace {

TEST(DType, HasTheNamesThatNumPyUses) {
  EXPECT_STREQ(name_of(dtype_of<bool>()), "bool");
  EXPECT_STREQ(name_of(dtype_of<std::int8_t>()), "int8");
  EXPECT_STREQ(name_of(dtype_of<std::uint16_t>()), "uint16");
  EXPECT_STREQ(name_of(dtype_of<std::int32_t>()), "int32");
  EXPECT_STREQ(name_of(dtype_of<std::uint64_t>()), "uint64");
  EXPECT_STREQ(name_of(dtype_of<float>()), "float32");
  EXPECT_STREQ(name_of(dtype_of<double>()), "float64");
}

TEST(DType, FindsTheSmallestTypeThatHoldsTwoOthersExactly) {
  EXPECT_EQ(common_type(DType::int32, DType::int32), DType::int32);
  EXPECT_EQ(common_type(DType::int32, DType::uint32), DType::int64);
  EXPECT_EQ(common_type(DType::boolean, DType::int8), DType::int8);
  EXPECT_EQ(common_type(DType::int16, DType::float32), DType::float32);
  EXPECT_EQ(common_type(DType::int32, DType::float32), DType::float64);
  EXPECT_EQ(common_type(DType::uint64, DType::uint8), DType::uint64);
  EXPECT_EQ(common_type(DType::int64, DType::float64), std::nullopt);
  EXPECT_EQ(common_type(DType::int64, DType::uint64), std::nullopt);
}

TEST(Column, ReadsNumbersOfEveryTypeAtItsStrides) {
  const std::vector<std::int16_t> numbers = {1, -2, 3, -4, 5, -6};
  Column column("n", std::span(numbers));
  EXPECT_EQ(column.at(3), -4.0);
  column.row_stride = 2 * sizeof(std::int16_t);  // every second
  EXPECT_EQ(column.at(2), 5.0);
  const std::array<bool, 2> truths = {true, false};
  const Column truth("b", std::span<const bool>(truths));
  EXPECT_EQ(truth.at(0), 1.0);
  EXPECT_EQ(truth.at(1), 0.0);
}

TEST(Column, SeesAMatrixAsItLies) {
  const std::vector<double> numbers = {1, 2, 3, 4, 5, 6};
  const Column by_rows("m", MatrixView(numbers.data(), 2, 3));
  EXPECT_EQ(by_rows.width, 3u);
  EXPECT_EQ(by_rows.at(1, 2), 6.0);
  const Column by_columns("m", MatrixView(numbers.data(), 2, 3, 1, 2));
  EXPECT_EQ(by_columns.at(1, 2), 6.0);
  EXPECT_EQ(by_columns.at(0, 1), 3.0);
}

TEST(Dataset, KeepsViewsAndTheirOwnersNotCopies) {
  auto owner = std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3, 4});
  Dataset data({"a", "b"});
  data.add("signal", MatrixView(owner->data(), 2, 2), {}, {}, owner);
  EXPECT_EQ(data.samples()[0].features.data(), owner->data());
  EXPECT_EQ(owner.use_count(), 2);
}

TEST(Dataset, RefusesColumnsWithoutANameOrOfOneName) {
  EXPECT_EQ(error_of<DataError>([] { Dataset({"pt", "eta", "pt"}); }), "Dataset: two columns of the name 'pt'");
  EXPECT_EQ(error_of<DataError>([] { Dataset({"pt", ""}); }), "Dataset: a column without a name");
}

TEST(Dataset, RefusesWhatDoesNotFitTogether) {
  const std::vector<float> numbers(6);
  const std::vector<double> weights(2);
  const std::vector<std::int64_t> events(4);
  Dataset data({"a", "b"});
  data.add("first", MatrixView(numbers.data(), 3, 2));
  EXPECT_EQ(error_of<DataError>([&] { data.add("signal", MatrixView(numbers.data(), 2, 3)); }),
            "Dataset::add: sample 1 ('signal'): expected a matrix of 2 columns, found 3");
  EXPECT_EQ(error_of<DataError>([&] { data.add("signal", MatrixView(numbers.data(), 3, 2), weights); }),
            "Dataset::add: sample 1 ('signal'): expected 3 weights, found 2");
  EXPECT_EQ(error_of<DataError>([&] {
              data.add("signal", MatrixView(numbers.data(), 3, 2), {}, {Column("event", std::span(events))});
            }),
            "Dataset::add: sample 1 ('signal'): expected 3 rows in column 'event', found 4");
  EXPECT_EQ(error_of<DataError>([&] {
              data.add("", MatrixView(numbers.data(), 3, 2), {}, {Column("b", std::span(events).first(3))});
            }),
            "Dataset::add: sample 1: two columns of the name 'b'");
  EXPECT_EQ(error_of<DataError>([&] { data.add("signal", MatrixView(static_cast<const float*>(nullptr), 3, 2)); }),
            "Dataset::add: sample 1 ('signal'): the matrix has 3 rows and no memory");
  EXPECT_EQ(data.samples().size(), 1u);
}

TEST(Dataset, TakesTargetsForTheEventsAddedLast) {
  const std::vector<float> numbers(6);
  Dataset data({"a", "b"});
  EXPECT_EQ(error_of<DataError>([&] { data.targets(MatrixView(numbers.data(), 3, 1)); }),
            "Dataset::targets: no events were added yet");
  data.add("", MatrixView(numbers.data(), 3, 2));
  EXPECT_EQ(error_of<DataError>([&] { data.targets(MatrixView(numbers.data(), 2, 1)); }),
            "Dataset::targets: sample 0: expected 3 rows, found 2");
  EXPECT_EQ(error_of<DataError>([&] { data.targets(MatrixView(numbers.data(), 3, 0)); }),
            "Dataset::targets: sample 0: expected a column for each target, found none");
  data.targets(MatrixView(numbers.data(), 3, 2));
  EXPECT_EQ(data.samples()[0].targets.columns(), 2u);
}

}  // namespace
}  // namespace ophion
