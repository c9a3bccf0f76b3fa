/// Functions that an expression has from elsewhere.
#include "evaluated.h"
#include "expression.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace ophion::native {
namespace {

/// a - 10 b + 100 c: no two of its arguments can be exchanged.
void tell_apart(const double* const* arguments, std::size_t rows, double* out) {
  for (std::size_t i = 0; i < rows; ++i) out[i] = arguments[0][i] - 10 * arguments[1][i] + 100 * arguments[2][i];
}
void twice(const double* const* arguments, std::size_t rows, double* out) {
  for (std::size_t i = 0; i < rows; ++i) out[i] = 2 * arguments[0][i];
}
void refuse_negative(const double* const* arguments, std::size_t rows, double* out) {
  for (std::size_t i = 0; i < rows; ++i) {
    if (arguments[0][i] < 0) throw std::domain_error("pt is below 0");
    out[i] = arguments[0][i];
  }
}
void throw_a_number(const double* const*, std::size_t, double*) { throw 3; }

const std::vector<Function> table = {{"tell_apart", {{"a", -1}, {"b", -1}, {"jet", 2}}, tell_apart},
                                     {"twice", {{"a", -1}}, twice},
                                     {"refuse_negative", {{"a", -1}}, refuse_negative},
                                     {"throw_a_number", {{"a", -1}}, throw_a_number},
                                     {"unknown", {{"a", -1}}, nullptr}};

std::vector<double> with_table(const std::string& text, const std::vector<std::vector<double>>& columns) {
  return evaluated(Expression::parse(text, table), columns);
}

TEST(ExpressionFunctions, AreCalledWithColumnsNumbersAndExpressions) {
  EXPECT_EQ(with_table("tell_apart(x, y, z)", {{1, 2}, {3, 4}, {5, 6}}), (std::vector<double>{471, 562}));
  EXPECT_EQ(with_table("tell_apart(1, x, 2) + 1", {{3, 4}}), (std::vector<double>{172, 162}));
  EXPECT_EQ(with_table("tell_apart(x + 1, twice(y), x > 1 ? 0 : 1)", {{1, 2}, {3, 4}}), (std::vector<double>{42, -77}));
  EXPECT_EQ(with_table("twice(x) + twice(twice(x))", {{1, 2}}), (std::vector<double>{6, 12}));
  EXPECT_EQ(with_table("twice(3)", {}), (std::vector<double>{6}));
  EXPECT_EQ(with_table("tell_apart(1, 2, 3)*x", {{1, 2}}), (std::vector<double>{281, 562}));
  EXPECT_EQ(with_table("tell_apart(1/0, x, 0)", {{1, 2}}), (std::vector<double>{INFINITY, INFINITY}));
}

TEST(ExpressionFunctions, ComputeEveryRowOfManyBlocks) {
  std::vector<double> x, y, expected;
  for (int i = 0; i < 2000; ++i) {
    x.push_back(i);
    y.push_back(3 * i);
    expected.push_back(2 * (i - 10 * 7 + 100 * (3 * i + 1)));
  }
  EXPECT_EQ(with_table("twice(tell_apart(x, 7, y + 1))", {x, y}), expected);
}

TEST(ExpressionFunctions, TakeTheirOwnColumnsWhereTheyAreNamedAlone) {
  const Expression alone = Expression::parse("tell_apart > 0", table);
  EXPECT_EQ(alone.inputs(), (std::vector<Input>{{"a", -1}, {"b", -1}, {"jet", 2}}));
  EXPECT_EQ(evaluated(alone, {{1, 1}, {2, 11}, {1, 1}}), (std::vector<double>{1, 0}));
  EXPECT_EQ(Expression::parse("tell_apart", table).plain_column(), "");
  EXPECT_EQ(Expression::parse("`tell_apart`", table).plain_column(), "tell_apart");
  EXPECT_EQ(Expression::parse("tell_apart[1]", table).inputs(), (std::vector<Input>{{"tell_apart", 1}}));
  EXPECT_EQ(Expression::parse("tell_apart").plain_column(), "tell_apart");
}

TEST(ExpressionFunctions, AreKeptEachOnceByTheExpression) {
  const Expression expression = Expression::parse("twice(x) + tell_apart(twice(y), 1, 2)", table);
  ASSERT_EQ(expression.functions().size(), 2u);
  EXPECT_EQ(expression.functions()[0].name, "twice");
  EXPECT_EQ(expression.functions()[1].name, "tell_apart");
  const Expression again = Expression::from_nodes(expression.nodes(), expression.inputs(), expression.functions());
  EXPECT_EQ(evaluated(again, {{1}, {2}}), (std::vector<double>{2 + 4 - 10 + 200}));
}

TEST(ExpressionFunctions, NeverHideTheLanguagesOwn) {
  EXPECT_TRUE(Expression::is_reserved("abs"));
  EXPECT_TRUE(Expression::is_reserved("pow"));
  EXPECT_TRUE(Expression::is_reserved("pi"));
  EXPECT_TRUE(Expression::is_reserved("and"));
  EXPECT_FALSE(Expression::is_reserved("twice"));
  EXPECT_FALSE(Expression::is_reserved("neg"));
}

TEST(ExpressionFunctions, CountTheirArgumentsAndAreNearToWhatWasMeant) {
  EXPECT_EQ(parse_refusal("1 + tell_apart(a, b)", table), "'tell_apart' takes 3 arguments (a, b, jet[2]), found 2 at 4");
  EXPECT_EQ(parse_refusal("twice()", table), "'twice' takes 1 argument (a), found 0 at 0");
  EXPECT_EQ(parse_refusal("twise(a)", table), "there is no function 'twise'; did you mean 'twice'? at 0");
  try {
    Expression::parse("twise(a)", table);
    FAIL() << "there is no function twise";
  } catch (const UnknownFunction& problem) {
    EXPECT_EQ(problem.name(), "twise");
  }
}

TEST(ExpressionFunctions, AreNamedWhenTheyFail) {
  const auto failure = [](const std::string& text) {
    try {
      with_table(text, {{1, -1}});
    } catch (const FunctionError& problem) {
      return std::string(problem.what());
    }
    return std::string("nothing failed");
  };
  EXPECT_EQ(failure("refuse_negative(x)"), "the function 'refuse_negative' failed: pt is below 0");
  EXPECT_EQ(failure("refuse_negative(x > 0)"), "nothing failed");
  EXPECT_EQ(failure("throw_a_number(x)"), "the function 'throw_a_number' failed with an exception of an unknown type");
  EXPECT_THROW(with_table("unknown(x)", {{1}}), std::logic_error);
}

TEST(ExpressionFunctions, OfADamagedTreeAreRefused) {
  using Node = Expression::Node;
  const Node x{Expression::column_op(), 0, 0};
  const auto from = [](std::vector<Node> nodes, std::vector<Function> functions) {
    try {
      Expression::from_nodes(std::move(nodes), {{"x", -1}}, std::move(functions));
    } catch (const std::invalid_argument& problem) {
      return std::string(problem.what());
    }
    return std::string("nothing was refused");
  };
  const std::vector<Function> twice_alone = {table[1]};
  EXPECT_EQ(from({x, {Expression::call_op(), 0, 0}}, twice_alone), "nothing was refused");
  EXPECT_EQ(from({x, {Expression::call_op(), 0, 1}}, twice_alone), "the expression calls a function that it does not have");
  EXPECT_EQ(from({x, {Expression::call_op(), 0, -1}}, twice_alone), "the expression calls a function that it does not have");
  EXPECT_EQ(from({x, {Expression::call_op(), 0, 0}}, {table[0]}), "the expression lacks an operand");
  EXPECT_EQ(from({x}, twice_alone), "the expression does not call its function 'twice'");
  EXPECT_EQ(from({x, {Expression::call_op(), 0, 0}, {Expression::call_op(), 0, 1}},
                 {table[1], {"wide", std::vector<Input>(17, Input{"x", -1}), twice}}),
            "the expression lacks an operand");
  std::vector<Node> many(17, x);
  many.push_back({Expression::call_op(), 0, 0});
  EXPECT_EQ(from(many, {{"wide", std::vector<Input>(17, Input{"x", -1}), twice}}), "the function 'wide' has 17 arguments, not 1 to 16");
}

TEST(ExpressionFunctions, OfManyArgumentsMayBeNested) {
  const std::vector<Function> sum = {{"sum16", std::vector<Input>(16, Input{"x", -1}), [](const double* const* arguments, std::size_t rows, double* out) {
                                        for (std::size_t i = 0; i < rows; ++i) {
                                          double all = 0;
                                          for (int k = 0; k < 16; ++k) all += arguments[k][i];
                                          out[i] = all;
                                        }
                                      }}};
  std::string text = "x";
  for (int depth = 0; depth < 20; ++depth) text = "sum16(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1," + text + ")";
  const std::vector<double> x(600, 0.5);
  std::vector<double> out(x.size());
  const double* column = x.data();
  Expression::parse(text, sum).evaluate({&column, 1}, out.size(), out.data());
  EXPECT_EQ(out, std::vector<double>(600, 20 * 15 + 0.5));
}

}  // namespace
}  // namespace ophion::native
