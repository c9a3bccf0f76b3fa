/// Expressions between text, JSON and typed columns.
#include "features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ophion/error.h>
#include <ophion/value.h>

#include "core/error_of.h"

namespace ophion {
namespace {

std::vector<double> evaluated(const std::string& text, const Columns& columns, std::size_t first, std::size_t rows) {
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.name);
  std::vector<double> out(rows, -1);
  BoundExpression(parse_expression(text, "feature"), names, "feature 'f'").evaluate(columns, first, rows, out.data());
  return out;
}

template <class T>
double first_of(const std::vector<T>& values) {
  return evaluated("x", {Column("x", std::span<const T>(values))}, 0, 1)[0];
}

TEST(Features, NameTheTextAndThePlaceOfASyntaxError) {
  EXPECT_EQ(error_of<DataError>([] { parse_expression("pt >", "selection"); }),
            "selection 'pt >': expected a number, a column or '(', found end of text at column 5");
  const std::string text = std::string(300, 'a') + " ) " + std::string(300, 'b');
  EXPECT_EQ(error_of<DataError>([&] { parse_expression(text, "weight"); }),
            "weight '…" + std::string(99, 'a') + " ) " + std::string(98, 'b') +
                "…': expected an operator or the end, found ')' at column 302");
}

TEST(Features, AreKeptAsNestedLists) {
  const auto json = [](const std::string& text) { return write_json(to_value(parse_expression(text, "feature")), 0); };
  const auto same = [&](const std::string& text, const std::string& tree) {
    EXPECT_EQ(to_value(parse_expression(text, "feature")), read_json(tree, "tree")) << json(text);
  };
  same("pt + 1", R"(["+", ["column", "pt"], ["number", 1.0]])");
  same("a + b - c - d + e", R"(["+", ["-", ["+", ["column", "a"], ["column", "b"]], ["column", "c"], ["column", "d"]], ["column", "e"]])");
  same("a - (b - c)", R"(["-", ["column", "a"], ["-", ["column", "b"], ["column", "c"]]])");
  same("x[2] > 0 ? -y : !y", R"(["?:", [">", ["column", "x", 2], ["number", 0]], ["neg", ["column", "y"]], ["!", ["column", "y"]]])");
  same("min(a, b, 3)", R"(["min", ["column", "a"], ["column", "b"], ["number", 3]])");
}

TEST(Features, ComeBackFromJsonAsTheyWere) {
  std::string sum = "a";
  for (int i = 0; i < 500; ++i) sum += " + a";
  for (const std::string& text : {std::string("a*b/c%d - 0.1*a^2 >= 3 && !(b < 2 || c != 1e-300) ? max(a, b, c) : TMath::Pi()*d[3]"),
                                  sum, std::string("1/0 + a"), std::string("`odd \"name\"` * -2.5")}) {
    const native::Expression before = parse_expression(text, "feature");
    const native::Expression after = expression_from_value(read_json(write_json(to_value(before), 0), "tree"));
    EXPECT_EQ(after.inputs(), before.inputs());
    ASSERT_EQ(after.nodes().size(), before.nodes().size());
    for (std::size_t i = 0; i < before.nodes().size(); ++i) {
      EXPECT_EQ(after.nodes()[i].op, before.nodes()[i].op);
      EXPECT_EQ(after.nodes()[i].number, before.nodes()[i].number);
      EXPECT_EQ(after.nodes()[i].index, before.nodes()[i].index);
    }
  }
}

TEST(Features, TheDeepestExpressionFitsIntoAModelFile) {
  std::string text = "a";
  for (int i = 0; i < 55; ++i) text = (i % 2 == 0 ? "abs(" : "sqrt(") + text + ")";
  const native::Expression deepest = parse_expression(text, "feature");
  Value manifest = Value::object();
  manifest.set("features", Value::array()).push_back(Value::object());
  manifest.find("features")->as_array()[0].set("tree", to_value(deepest));
  const Value read = read_json(write_json(manifest), "manifest.json");
  EXPECT_EQ(expression_from_value(read.at("features").at(0).at("tree")).nodes().size(), 56u);
  EXPECT_THAT(error_of<DataError>([&] { parse_expression("abs(" + text + ")", "feature"); }),
              testing::HasSubstr("operators are nested more than 56 deep"));
}

TEST(Features, AreRefusedWhenTheFileIsDamaged) {
  const auto reading = [](const std::string& tree) {
    const std::string problem = error_of<ModelError>([&] { expression_from_value(read_json(tree, "tree")); });
    const std::string opening = "the model file holds a damaged expression: ";
    return problem.starts_with(opening) ? problem.substr(opening.size()) : problem;
  };
  EXPECT_EQ(reading(R"("pt")"), "expected a list that starts with an operator's name, found text");
  EXPECT_EQ(reading("null"), "expected a list that starts with an operator's name, found null");
  EXPECT_EQ(reading("[]"), "expected a list that starts with an operator's name, found another list");
  EXPECT_EQ(reading("[1, 2]"), "expected a list that starts with an operator's name, found another list");
  EXPECT_EQ(reading(R"(["system", ["column", "pt"]])"), "an expression has no operator 'system'");
  EXPECT_EQ(reading(R"(["+", ["column", "pt"]])"), "'+' takes 2 operands, found 1");
  EXPECT_EQ(reading(R"(["!", ["column", "pt"], ["column", "pt"]])"), "'!' takes 1 operands, found 2");
  EXPECT_EQ(reading(R"(["?:", ["column", "pt"], ["column", "pt"]])"), "'?:' takes 3 operands, found 2");
  EXPECT_EQ(reading(R"(["number", "1"])"), "'number' takes one number");
  EXPECT_EQ(reading(R"(["number"])"), "'number' takes one number");
  EXPECT_EQ(reading(R"(["column"])"), "'column' takes a name and at most an index");
  EXPECT_EQ(reading(R"(["column", "pt", 0.5])"), "'column' takes a name and at most an index");
  EXPECT_EQ(reading(R"(["column", "pt", -1])"), "column 'pt' has the index -1");
  EXPECT_EQ(reading(R"(["column", "pt", 4294967296])"), "column 'pt' has the index 4294967296");
  EXPECT_EQ(reading(R"(["column", ""])"), "an input of the expression has no name");
  EXPECT_EQ(error_of<ModelError>([] { expression_from_value(Value(Value::Array{"number", NAN})); }),
            "the model file holds a damaged expression: a number of the expression is not finite");
}

TEST(Features, AreRefusedWhenTheTreeIsABomb) {
  Value deep(Value::Array{"number", 1});
  for (int i = 0; i < 1000; ++i) {
    Value around(Value::Array{"neg"});
    around.push_back(std::move(deep));
    deep = std::move(around);
  }
  EXPECT_EQ(error_of<ModelError>([&] { expression_from_value(deep); }),
            "the model file holds a damaged expression: it is nested more than 56 deep");
  Value wide(Value::Array{"+"});
  for (int i = 0; i < 2000; ++i) wide.push_back(Value(Value::Array{"number", 1}));
  EXPECT_EQ(error_of<ModelError>([&] { expression_from_value(wide); }),
            "the model file holds a damaged expression: it has more than 1024 numbers, columns and operators");
}

TEST(Features, ReadColumnsOfEveryType) {
  EXPECT_EQ(first_of<std::int8_t>({-7}), -7);
  EXPECT_EQ(first_of<std::int16_t>({-300}), -300);
  EXPECT_EQ(first_of<std::int32_t>({-70000}), -70000);
  EXPECT_EQ(first_of<std::int64_t>({-9007199254740991}), -9007199254740991.0);
  EXPECT_EQ(first_of<std::uint8_t>({200}), 200);
  EXPECT_EQ(first_of<std::uint16_t>({60000}), 60000);
  EXPECT_EQ(first_of<std::uint32_t>({4000000000u}), 4000000000.0);
  EXPECT_EQ(first_of<std::uint64_t>({1ull << 63}), 9223372036854775808.0);
  EXPECT_EQ(first_of<float>({0.1f}), 0.10000000149011612);
  EXPECT_EQ(first_of<double>({0.1}), 0.1);
  const std::array<bool, 2> truths = {true, false};
  EXPECT_EQ(evaluated("x ? 5 : 6", {Column("x", std::span<const bool>(truths))}, 0, 2), (std::vector<double>{5, 6}));
}

TEST(Features, ReadAnyPartOfStridedColumnsInBlocks) {
  constexpr std::size_t rows = 5000;
  std::vector<float> matrix(rows * 3);
  std::vector<std::int64_t> event(rows);
  std::vector<double> weight(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < 3; ++k) matrix[i * 3 + k] = static_cast<float>(10 * i + k);
    event[i] = static_cast<std::int64_t>(i);
    weight[i] = 0.5;
  }
  Column pt("pt", std::span<const float>(matrix));
  pt.rows = rows;
  pt.width = 3;
  pt.row_stride = 3 * sizeof(float);
  const Columns columns = {Column("event", std::span<const std::int64_t>(event)), pt,
                           Column("weight", std::span<const double>(weight))};
  const std::vector<double> found = evaluated("event % 5 + pt[2] * weight", columns, 7, 4990);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::size_t row = i + 7;
    ASSERT_EQ(found[i], static_cast<double>(row % 5) + static_cast<double>(10 * row + 2) * 0.5) << "row " << row;
  }
}

TEST(Features, FindAnElementUnderItsOwnNameFirst) {
  const std::vector<double> pair = {1, 2};
  const std::vector<double> single = {8};
  Column array("pt", std::span<const double>(pair));
  array.rows = 1;
  array.width = 2;
  array.row_stride = 2 * sizeof(double);
  const Column element("pt[1]", std::span<const double>(single));
  EXPECT_EQ(evaluated("pt[1]", {array}, 0, 1)[0], 2);
  EXPECT_EQ(evaluated("pt[1]", {array, element}, 0, 1)[0], 8);
  EXPECT_EQ(evaluated("pt[1]", {element}, 0, 1)[0], 8);
}

TEST(Features, NameTheColumnThatIsMissingAndTheNearest) {
  EXPECT_EQ(error_of<DataError>([] { BoundExpression(parse_expression("mZl + 1", ""), {"mZ1", "eta"}, "feature 'm'"); }),
            "feature 'm': there is no column 'mZl'" + nearest_names("mZl", {"mZ1", "eta"}));
  EXPECT_THAT(nearest_names("mZl", {"mZ1", "eta"}), testing::HasSubstr("'mZ1'"));
}

TEST(Features, TellNumbersFromArrays) {
  const std::vector<double> numbers = {1, 2, 3};
  Column array("x", std::span<const double>(numbers));
  array.rows = 1;
  array.width = 3;
  const Column plain("y", std::span<const double>(numbers));
  const auto reading = [&](const std::string& text, std::size_t rows) {
    return error_of<DataError>([&] { evaluated(text, {array, plain}, 0, rows); });
  };
  EXPECT_EQ(reading("x + 1", 1), "feature 'f': column 'x' holds 3 numbers an event: write x[0]");
  EXPECT_EQ(reading("x[3]", 1), "feature 'f': column 'x' holds 3 numbers an event: there is no x[3]");
  EXPECT_EQ(reading("y[1]", 1), "feature 'f': column 'y' holds 1 number an event: there is no y[1]");
  EXPECT_EQ(reading("y", 4), "feature 'f': column 'y' has 3 rows, expected 4");
}

}  // namespace
}  // namespace ophion
