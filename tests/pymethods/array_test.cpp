/// Memory in both directions: lent to Python without a copy, and results taken from it.
#include "pymethods/support.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <vector>

#include <ophion/error.h>

#include "pymethods/array.h"
#include "pymethods/columns.h"
#include "pymethods/loan.h"
#include "pymethods/scores.h"
#include "pymethods/value.h"

namespace ophion {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::call_function;

Value facts_of(const PyRef& array) { return to_value(call_function("arrays", "facts", {array.get()}).get(), "facts"); }

class Arrays : public testing_support::PythonTest {
 protected:
  Gil gil_;
  std::vector<float> numbers_{0, 1, 2, 3, 4, 5};
};

TEST_F(Arrays, LieOverTheProgramsMemory) {
  Loan loan;
  const PyRef array = loan.lend(MatrixView(numbers_.data(), 2, 3));
  EXPECT_EQ(PyArray_DATA(as_array(array)), numbers_.data());
  EXPECT_EQ(facts_of(array), read_json(R"({"shape": [2, 3], "dtype": "float32", "values": [[0, 1, 2], [3, 4, 5]],
                                           "writeable": false, "c": true, "aligned": true})", "expected"));
}

TEST_F(Arrays, HaveAnyStrides) {
  Loan loan;
  const PyRef transposed = loan.lend(MatrixView(numbers_.data(), 3, 2, 1, 3));
  EXPECT_EQ(facts_of(transposed).at("values"), read_json("[[0, 3], [1, 4], [2, 5]]", "expected"));
  const PyRef backwards = loan.lend(MatrixView(numbers_.data() + 5, 2, 3, -3, -1));
  EXPECT_EQ(facts_of(backwards).at("values"), read_json("[[5, 4, 3], [2, 1, 0]]", "expected"));
  const PyRef repeated = loan.lend(MatrixView(numbers_.data(), 2, 3, 0, 1));
  EXPECT_EQ(facts_of(repeated).at("values"), read_json("[[0, 1, 2], [0, 1, 2]]", "expected"));
  const std::vector<double> doubles{0.1, 0.2};
  EXPECT_EQ(facts_of(loan.lend(MatrixView(doubles.data(), 1, 2))).at("dtype"), Value("float64"));
}

template <class T>
void expect_column(const char* dtype, const char* values, std::initializer_list<T> given) {
  Loan loan;
  const std::vector<T> numbers(given);
  const Value facts = facts_of(loan.lend(std::span<const T>(numbers)));
  EXPECT_EQ(facts.at("dtype"), Value(dtype));
  EXPECT_EQ(facts.at("values"), read_json(values, "expected"));
}

TEST_F(Arrays, HaveEveryType) {
  expect_column<std::int8_t>("int8", "[-1, 2]", {-1, 2});
  expect_column<std::int16_t>("int16", "[-1, 2]", {-1, 2});
  expect_column<std::int32_t>("int32", "[-1, 2]", {-1, 2});
  expect_column<std::int64_t>("int64", "[9007199254740993]", {9007199254740993});
  expect_column<std::uint8_t>("uint8", "[255]", {255});
  expect_column<std::uint16_t>("uint16", "[65535]", {65535});
  expect_column<std::uint32_t>("uint32", "[4294967295]", {4294967295});
  expect_column<std::uint64_t>("uint64", "[1]", {1});
  expect_column<float>("float32", "[0.5]", {0.5f});
  expect_column<double>("float64", "[0.1]", {0.1});
  Loan loan;
  const bool truths[] = {true, false};
  EXPECT_EQ(facts_of(loan.lend(std::span<const bool>(truths))).at("dtype"), Value("bool"));
}

TEST_F(Arrays, MayBeEmpty) {
  Loan loan;
  EXPECT_EQ(facts_of(loan.lend(MatrixView(static_cast<const float*>(nullptr), 0, 3))).at("shape"), read_json("[0, 3]", "expected"));
}

TEST_F(Arrays, CantBeWritten) {
  Loan loan;
  const PyRef array = loan.lend(MatrixView(numbers_.data(), 2, 3));
  try {
    call_function("arrays", "write", {array.get()});
    FAIL();
  } catch (const PythonError& error) {
    EXPECT_EQ(error.type(), "ValueError");
    EXPECT_EQ(error.message(), "assignment destination is read-only");
  }
  EXPECT_EQ(numbers_[0], 0);
}

class Loans : public Arrays {
 protected:
  /// Lends to arrays.<function>, then asks for it back.
  void lend_to(const char* function) {
    Loan loan;
    call_function("arrays", function, {loan.lend(MatrixView(numbers_.data(), 2, 3)).get()});
    loan.demand_back("mlp.py", "predict");
  }
  void expect_kept(const char* function) {
    try {
      lend_to(function);
      FAIL() << function;
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "mlp.py: predict() kept the events it was lent: copy what must last");
    }
    call_function("arrays", "forget");
  }
};

TEST_F(Loans, AreBackWhenNobodyKeptThem) { EXPECT_NO_THROW(lend_to("facts")); }
TEST_F(Loans, NameWhoKeptTheArray) { expect_kept("keep"); }
TEST_F(Loans, NameWhoKeptAViewOfIt) { expect_kept("keep_part"); }
TEST_F(Loans, NameWhoKeptATensorOverIt) { expect_kept("keep_tensor"); }
TEST_F(Loans, AreBackWhenOnlyAReferenceCycleHeldThem) { EXPECT_NO_THROW(lend_to("keep_in_cycle")); }

class Scores : public Arrays {
 protected:
  std::vector<float> take(const char* name, std::size_t outputs = 1) {
    std::vector<float> out(3 * outputs, -1);
    const PyRef result = call_function("arrays", "result", {to_text(name).get()});
    take_scores(result.get(), MatrixView(features_.data(), 3, 2), out, "mlp.py");
    return out;
  }
  std::string refusal(const char* name, std::size_t outputs = 1) {
    try {
      take(name, outputs);
    } catch (const Error& error) {
      return error.what();
    }
    return "taken";
  }
  std::vector<float> features_{0, 0, 0, 0, 0, 0};
};

TEST_F(Scores, AreTakenFromEveryNumericTypeLayoutAndContainer) {
  for (const char* name : {"float32", "float64", "float16", "longdouble", "int8", "uint64", "big_endian", "reversed",
                           "every_second", "column", "list", "tensor", "with_gradient", "bfloat16"}) {
    EXPECT_THAT(take(name), ElementsAre(1, 2, 3)) << name;
  }
  EXPECT_THAT(take("bool"), ElementsAre(1, 0, 1));
  EXPECT_THAT(take("fortran", 4), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
}

TEST_F(Scores, OfAnotherShapeAreRefused) {
  const std::string start = "mlp.py: predict() returned the wrong scores: expected 3 rows";
  EXPECT_EQ(refusal("wide"), start + ", found (3, 2)");
  EXPECT_EQ(refusal("wide", 4), start + " and 4 columns, found (3, 2)");
  EXPECT_EQ(refusal("short"), start + ", found (2,)");
  EXPECT_EQ(refusal("scalar"), start + ", found one number");
  EXPECT_EQ(refusal("float32", 4), start + " and 4 columns, found (3,)");
}

TEST_F(Scores, ThatAreNoNumbersAreRefused) {
  EXPECT_THAT(refusal("none"), HasSubstr("found None"));
  EXPECT_THAT(refusal("complex"), HasSubstr("found an array of shape (3,) and type complex64"));
  EXPECT_THAT(refusal("text"), HasSubstr("found an array of shape (3,) and type <U1"));
  EXPECT_THAT(refusal("objects"), HasSubstr("found an array of shape (3,) and type object"));
  EXPECT_THAT(refusal("with_none"), HasSubstr("type object"));
  EXPECT_THAT(refusal("not_a_number"), HasSubstr("type object"));
  EXPECT_THAT(refusal("ragged"), HasSubstr("inhomogeneous"));
}

TEST_F(Scores, MayBeNaNOnlyWhereTheFeaturesAre) {
  EXPECT_EQ(refusal("nan"), "mlp.py: predict() gave NaN for row 1, whose features are all numbers");
  features_[2] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(take("nan")[1]));
}

TEST_F(Scores, OfOneRowMayBeSqueezed) {
  std::vector<float> out(1);
  take_scores(call_function("arrays", "result", {to_text("scalar").get()}).get(), MatrixView(features_.data(), 1, 2), out,
              "mlp.py");
  EXPECT_EQ(out[0], 0.5f);
}

class ColumnsFromPython : public Arrays {};

TEST_F(ColumnsFromPython, ShareTheArraysMemoryAndKeepItAlive) {
  Column column;
  const void* data = nullptr;
  {
    const PyRef array = call_function("arrays", "result", {to_text("every_second").get()});
    data = PyArray_DATA(as_array(array));
    column = take_column("x", array.get(), "a.root");
  }
  EXPECT_EQ(column.data, data);
  EXPECT_EQ(column.type, DType::float32);
  EXPECT_EQ(column.rows, 3u);
  EXPECT_EQ(column.row_stride, 8);
  EXPECT_EQ(column.at(2), 3);
}

TEST_F(ColumnsFromPython, HaveThisMachinesByteOrderAndWidths) {
  const auto take = [](const char* name) {
    return take_column("x", call_function("arrays", "result", {to_text(name).get()}).get(), "a.root");
  };
  EXPECT_EQ(take("big_endian").at(1), 2);
  EXPECT_EQ(take("float16").type, DType::float32);
  EXPECT_EQ(take("longdouble").type, DType::float64);
  EXPECT_EQ(take("uint64").type, DType::uint64);
  const Column wide = take("fortran");
  EXPECT_EQ(wide.width, 4u);
  EXPECT_EQ(wide.at(1, 2), 6);
  EXPECT_THAT([&] { take("text"); },
              testing::ThrowsMessage<DataError>("a.root: column 'x': expected numbers, found an array of type <U1"));
  EXPECT_THAT([&] { take("list"); }, testing::ThrowsMessage<DataError>(HasSubstr("found a value of type 'list'")));
}

TEST_F(ColumnsFromPython, OverLentMemoryAreCopies) {
  Loan loan;
  Column column;
  {
    const PyRef array = loan.lend(MatrixView(numbers_.data(), 2, 3));
    column = take_column("x", array.get(), "tool");
  }
  EXPECT_NE(column.data, numbers_.data());
  EXPECT_EQ(column.at(1, 2), 5);
  EXPECT_TRUE(loan.returned());
}

}  // namespace
}  // namespace ophion
