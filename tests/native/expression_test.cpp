/// Expressions computed over rows, and trees that come from elsewhere.
#include "evaluated.h"
#include "expression.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace ophion::native {
namespace {

std::vector<double> evaluated(const std::string& text, const std::vector<std::vector<double>>& columns) {
  return evaluated(Expression::parse(text), columns);
}

double at(const std::string& text, double x) { return evaluated(text, {{x}})[0]; }

TEST(Expression, ComputesFunctionsAsNumpyDoes) {
  // python -c "import numpy as np; x = np.float64(0.7); print(np.sin(x), …)", scipy.special.erf and erfc
  const std::pair<const char*, double> known[] = {
      {"abs(-x)", 0.7}, {"sqrt(x)", 0.8366600265340756}, {"cbrt(x)", 0.8879040017426006},
      {"hypot(x, 2)", 2.118962010041709}, {"exp(x)", 2.0137527074704766}, {"expm1(x)", 1.0137527074704764},
      {"log(x)", -0.35667494393873245}, {"log2(x)", -0.5145731728297583}, {"log10(x)", -0.1549019599857432},
      {"log1p(x)", 0.5306282510621704}, {"pow(x, 2.5)", 0.4099634130016969}, {"min(x, 0.5)", 0.5},
      {"max(x, 0.5, 0.6)", 0.7}, {"sin(x)", 0.644217687237691}, {"cos(x)", 0.7648421872844885},
      {"tan(x)", 0.8422883804630794}, {"asin(x)", 0.775397496610753}, {"acos(x)", 0.7953988301841436},
      {"atan(x)", 0.6107259643892086}, {"atan2(x, -1)", 2.5308666892005847}, {"sinh(x)", 0.7585837018395335},
      {"cosh(x)", 1.255169005630943}, {"tanh(x)", 0.6043677771171634}, {"asinh(x)", 0.6526665660823557},
      {"acosh(x + 1)", 1.123230982587296}, {"atanh(x)", 0.8673005276940531}, {"erf(x)", 0.6778011938374183},
      {"erfc(x)", 0.3221988061625817}, {"fmod(x, 0.2)", 0.09999999999999992}, {"copysign(x, -2)", -0.7},
  };
  for (const auto& [text, value] : known) EXPECT_DOUBLE_EQ(at(text, 0.7), value) << text;
}

TEST(Expression, RoundsAsCDoes) {
  const std::vector<double> x = {-2.5, -1.5, -0.4, 0.5, 1.5, 2.6};
  EXPECT_EQ(evaluated("round(x)", {x}), (std::vector<double>{-3, -2, 0, 1, 2, 3}));
  EXPECT_EQ(evaluated("int(x)", {x}), (std::vector<double>{-2, -1, 0, 0, 1, 2}));
  EXPECT_EQ(evaluated("floor(x)", {x}), (std::vector<double>{-3, -2, -1, 0, 1, 2}));
  EXPECT_EQ(evaluated("ceil(x)", {x}), (std::vector<double>{-2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(evaluated("sign(x)", {x}), (std::vector<double>{-1, -1, -1, 1, 1, 1}));
}

TEST(Expression, DividesRealNumbersAndLeavesRemaindersAsCDoes) {
  EXPECT_EQ(evaluated("a / b", {{7, -7}, {2, 2}}), (std::vector<double>{3.5, -3.5}));
  EXPECT_EQ(evaluated("int(a / b)", {{7, -7}, {2, 2}}), (std::vector<double>{3, -3}));
  // python -c "import math; print([math.fmod(a, b) for a, b in …])"
  EXPECT_EQ(evaluated("a % b", {{7, -7, 7, -7, 5.5, 9007199254740992.0, 1e300}, {5, 5, -5, -5, 2, 5, 7}}),
            (std::vector<double>{2, -2, 2, -2, 1.5, 2, 1}));
  EXPECT_TRUE(std::isnan(at("x % 0", 3)));
  EXPECT_TRUE(std::signbit(at("x % 5", -5)));
  EXPECT_TRUE(std::isnan(at("x % 5", INFINITY)));
}

TEST(Expression, RaisesToPowers) {
  const std::vector<double> x = {-3, 0.5, 2, 10};
  EXPECT_EQ(evaluated("x^2", {x}), (std::vector<double>{9, 0.25, 4, 100}));
  EXPECT_EQ(evaluated("x**3", {x}), (std::vector<double>{-27, 0.125, 8, 1000}));
  EXPECT_EQ(evaluated("pow(x, 7)", {x}), (std::vector<double>{-2187, 0.0078125, 128, 1e7}));
  EXPECT_EQ(evaluated("x^8", {x}), (std::vector<double>{6561, 0.00390625, 256, 1e8}));
  EXPECT_EQ(evaluated("x^-1", {{2, 4, 8}}), (std::vector<double>{0.5, 0.25, 0.125}));
  EXPECT_EQ(evaluated("2^x", {{3, -1, 10}}), (std::vector<double>{8, 0.5, 1024}));
  EXPECT_EQ(evaluated("x^0", {{3, 0, NAN}}), (std::vector<double>{1, 1, 1}));
}

TEST(Expression, TreatsNanAsIeeeDoes) {
  for (const char* text : {"x < 1", "x <= 1", "x > 1", "x >= 1", "x == x", "!x", "isfinite(x)", "isinf(x)"}) {
    EXPECT_EQ(at(text, NAN), 0) << text;
  }
  for (const char* text : {"x != x", "x && 1", "x || 0", "isnan(x)", "x ? 1 : 2"}) EXPECT_EQ(at(text, NAN), 1) << text;
  for (const char* text : {"x + 1", "min(x, 1)", "min(1, x)", "max(x, 1)", "max(1, x)", "sign(x)", "-x", "round(x)"}) {
    EXPECT_TRUE(std::isnan(at(text, NAN))) << text;
  }
  EXPECT_EQ(at("isinf(x)", -INFINITY), 1);
  EXPECT_EQ(at("isfinite(x)", 1e308), 1);
}

TEST(Expression, CountsEverythingButZeroAsTrue) {
  const std::vector<double> a = {0, 0, 0.5, -2};
  const std::vector<double> b = {0, 3, 0, 1};
  EXPECT_EQ(evaluated("a && b", {a, b}), (std::vector<double>{0, 0, 0, 1}));
  EXPECT_EQ(evaluated("a || b", {a, b}), (std::vector<double>{0, 1, 1, 1}));
  EXPECT_EQ(evaluated("!a", {a}), (std::vector<double>{1, 1, 0, 0}));
}

TEST(Expression, ChoosesRowByRow) {
  const std::vector<double> c = {1, 0, -1};
  EXPECT_EQ(evaluated("c ? x : y", {c, {1, 2, 3}, {4, 5, 6}}), (std::vector<double>{1, 5, 3}));
  EXPECT_EQ(evaluated("c ? x : 9", {c, {1, 2, 3}}), (std::vector<double>{1, 9, 3}));
  EXPECT_EQ(evaluated("c ? 9 : x", {c, {1, 2, 3}}), (std::vector<double>{9, 2, 9}));
  EXPECT_EQ(evaluated("c ? 7 : 8", {c}), (std::vector<double>{7, 8, 7}));
  EXPECT_EQ(evaluated("1/0 ? x : y", {{1, 2, 3}, {4, 5, 6}}), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(evaluated("x > 2 ? 1/x : -1", {{1, 4}}), (std::vector<double>{-1, 0.25}));
}

TEST(Expression, MixesColumnsAndNumbersOnEitherSide) {
  EXPECT_EQ(evaluated("x - 1", {{3, 5}}), (std::vector<double>{2, 4}));
  EXPECT_EQ(evaluated("1 - x", {{3, 5}}), (std::vector<double>{-2, -4}));
  EXPECT_EQ(evaluated("x - x", {{3, 5}}), (std::vector<double>{0, 0}));
  EXPECT_EQ(evaluated("x", {{3, 5}}), (std::vector<double>{3, 5}));
  EXPECT_EQ(evaluated("(a - b) - (c - d)", {{9}, {1}, {5}, {2}}), (std::vector<double>{5}));
}

TEST(Expression, GivesTheSameInEveryBlock) {
  const Expression mass = Expression::parse("sqrt(2*pt1*pt2*(cosh(eta1 - eta2) - cos(phi1 - phi2))) > 80 ? pt1 : -pt2");
  constexpr std::size_t rows = 1500;  // two blocks and a part of one
  std::vector<std::vector<double>> columns(6, std::vector<double>(rows));
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < columns.size(); ++k) {
      columns[k][i] = k < 2 ? static_cast<double>(20 + (i * (k + 3)) % 61) : static_cast<double>((i * (k + 5)) % 50) / 20;
    }
  }
  const std::vector<double> together = evaluated(mass, columns);
  std::size_t heavy = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<std::vector<double>> row;
    for (const auto& column : columns) row.push_back({column[i]});
    EXPECT_EQ(evaluated(mass, row)[0], together[i]) << "row " << i;
    heavy += together[i] > 0 ? 1 : 0;
  }
  EXPECT_GT(heavy, rows / 10);
  EXPECT_LT(heavy, rows - rows / 10);
}

TEST(Expression, FillsAllRowsWithAConstantAndNoneWithNoRows) {
  std::vector<double> out(1100, 0);
  Expression::parse("1/0").evaluate({}, out.size(), out.data());
  EXPECT_EQ(out, std::vector<double>(1100, INFINITY));
  double untouched = 3;
  const double* nothing = nullptr;
  Expression::parse("x + 1").evaluate({&nothing, 1}, 0, &untouched);
  EXPECT_EQ(untouched, 3);
}

TEST(Expression, RefusesAnotherNumberOfColumns) {
  double out = 0;
  try {
    Expression::parse("x + y").evaluate({}, 1, &out);
    FAIL() << "evaluated without columns";
  } catch (const std::invalid_argument& problem) {
    EXPECT_STREQ(problem.what(), "the expression reads 2 columns, given 0");
  }
}

using Node = Expression::Node;

Node number(double value) { return {Expression::number_op(), value}; }
Node column(std::int32_t input) { return {Expression::column_op(), 0, input}; }
Node op(const char* name) { return {Expression::op_named(name)}; }

std::string nodes_refusal(std::vector<Node> nodes, std::vector<Input> inputs = {}) {
  try {
    Expression::from_nodes(std::move(nodes), std::move(inputs));
  } catch (const std::invalid_argument& problem) {
    return problem.what();
  }
  return "nothing was refused";
}

TEST(ExpressionNodes, GiveTheSameExpressionAgain) {
  const Expression first = Expression::parse("min(a, b[2], 3) > 0 ? -a : a^2 % 5");
  const Expression second = Expression::from_nodes(first.nodes(), first.inputs());
  const std::vector<std::vector<double>> columns = {{1, -2, 7}, {1, 2, 0}};
  EXPECT_EQ(evaluated(first, columns), (std::vector<double>{-1, 4, 4}));
  EXPECT_EQ(evaluated(second, columns), evaluated(first, columns));
}

TEST(ExpressionNodes, AreRefusedWhenDamaged) {
  EXPECT_EQ(nodes_refusal({}), "the expression is empty");
  EXPECT_EQ(nodes_refusal({{static_cast<Expression::Op>(200)}}), "the expression has an unknown operator");
  EXPECT_EQ(nodes_refusal({number(1), op("+")}), "the expression lacks an operand");
  EXPECT_EQ(nodes_refusal({op("!")}), "the expression lacks an operand");
  EXPECT_EQ(nodes_refusal({number(1), number(2)}), "the expression has an operand too many");
  EXPECT_EQ(nodes_refusal({number(1), number(2), op("!")}), "the expression has an operand too many");
  EXPECT_EQ(nodes_refusal({number(NAN)}), "a number of the expression is not finite");
  EXPECT_EQ(nodes_refusal({column(0)}), "the expression reads input 0 of 0");
  EXPECT_EQ(nodes_refusal({column(-1)}, {{"x", -1}}), "the expression reads input -1 of 1");
  EXPECT_EQ(nodes_refusal({column(0)}, {{"x", -2}}), "the expression reads 'x[-2]'");
  EXPECT_EQ(nodes_refusal({column(0)}, {{"", -1}}), "an input of the expression has no name");
  EXPECT_EQ(nodes_refusal({number(1)}, {{"x", -1}}), "the expression does not use its input 'x'");
  EXPECT_EQ(nodes_refusal({number(1)}, {{"x", -1}, {"y", -1}}), "the expression has more inputs than nodes");
  EXPECT_EQ(nodes_refusal({column(0), column(1), op("+")}, {{"x", -1}, {"x", -1}}), "the expression names its input 'x' twice");
}

TEST(ExpressionNodes, AreRefusedWhenTooManyOrTooDeep) {
  std::vector<Node> signs = {number(1)};
  for (int i = 0; i < 55; ++i) signs.push_back(op("neg"));
  EXPECT_EQ(nodes_refusal(signs), "nothing was refused");
  signs.push_back(op("neg"));
  EXPECT_EQ(nodes_refusal(signs), "the expression's operators are nested more than 56 deep");
  EXPECT_EQ(nodes_refusal(std::vector<Node>(1025, number(1))), "the expression has more than 1024 numbers, columns and operators");
}

TEST(ExpressionNodes, OfAnyKindNeverCrash) {
  // A good tree with one to three of its numbers replaced is refused or computes; the sanitizers look on.
  const Expression good = Expression::parse("x > 2 ? -x : sqrt(x + 1)");
  std::mt19937 random(1);
  const auto below = [&](int end) { return static_cast<std::int32_t>(random() % static_cast<unsigned>(end)); };
  int accepted = 0;
  int refused = 0;
  for (int trial = 0; trial < 20'000; ++trial) {
    std::vector<Node> nodes = good.nodes();
    for (std::int32_t changes = 1 + below(3); changes > 0; --changes) {
      Node& node = nodes[static_cast<std::size_t>(below(static_cast<int>(nodes.size())))];
      if (below(2) == 0) node.op = static_cast<Expression::Op>(below(70));
      else node.index = below(4) - 2;
    }
    try {
      evaluated(Expression::from_nodes(nodes, good.inputs(), good.functions()), {{2.5}});
      ++accepted;
    } catch (const std::invalid_argument&) {
      ++refused;
    }
  }
  EXPECT_GT(accepted, 100);
  EXPECT_GT(refused, 10'000);
}

TEST(ExpressionOps, HaveNamesAndOperands) {
  EXPECT_EQ(Expression::name_of(Expression::op_named("atan2")), "atan2");
  EXPECT_EQ(Expression::operands_of(Expression::op_named("?:")), 3);
  EXPECT_EQ(Expression::name_of(static_cast<Expression::Op>(255)), "");
  EXPECT_EQ(Expression::operands_of(static_cast<Expression::Op>(255)), 0);
  try {
    Expression::op_named("eval");
    FAIL() << "there is no operator eval";
  } catch (const std::invalid_argument& problem) {
    EXPECT_STREQ(problem.what(), "an expression has no operator 'eval'");
  }
}

}  // namespace
}  // namespace ophion::native
