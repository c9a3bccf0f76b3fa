/// What is an expression, what is none, and what its refusal says.
#include "evaluated.h"
#include "expression.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace ophion::native {
namespace {

double value_of(const std::string& text) {
  double out = std::numeric_limits<double>::quiet_NaN();
  Expression::parse(text).evaluate({}, 1, &out);
  return out;
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(ExpressionParser, ReadsNumbers) {
  EXPECT_EQ(value_of("1"), 1);
  EXPECT_EQ(value_of(" 1.5 "), 1.5);
  EXPECT_EQ(value_of("1e-3"), 0.001);
  EXPECT_EQ(value_of(".5"), 0.5);
  EXPECT_EQ(value_of("2."), 2);
  EXPECT_EQ(value_of("0.1"), 0.1);
  EXPECT_EQ(value_of("123456789012345678"), 123456789012345678.0);
}

TEST(ExpressionParser, BindsAsCAndRootDo) {
  // Python: 2+3*4, -2**2, 2**3**2, 2**-1, 7-2-1, 16/4/2; C: the rest.
  EXPECT_EQ(value_of("2+3*4"), 14);
  EXPECT_EQ(value_of("-2^2"), -4);
  EXPECT_EQ(value_of("2^3^2"), 512);
  EXPECT_EQ(value_of("2**3**2"), 512);
  EXPECT_EQ(value_of("2^-1"), 0.5);
  EXPECT_EQ(value_of("7-2-1"), 4);
  EXPECT_EQ(value_of("16/4/2"), 2);
  EXPECT_EQ(value_of("7%4*2"), 6);
  EXPECT_EQ(value_of("(2+3)*4"), 20);
  EXPECT_EQ(value_of("1||0&&0"), 1);
  EXPECT_EQ(value_of("1+1==2"), 1);
  EXPECT_EQ(value_of("1<2==1"), 1);
  EXPECT_EQ(value_of("!0+1"), 2);
  EXPECT_EQ(value_of("!2^2"), 0);
  EXPECT_EQ(value_of("- -3"), 3);
  EXPECT_EQ(value_of("+3"), 3);
  EXPECT_EQ(value_of("0 ? 1 : 0 ? 2 : 3"), 3);
  EXPECT_EQ(value_of("1 ? 0 ? 4 : 5 : 6"), 5);
}

TEST(ExpressionParser, KnowsConstantsAndTheNamesOfRoot) {
  EXPECT_EQ(value_of("pi"), 3.141592653589793);
  EXPECT_EQ(value_of("TMath::Pi()"), 3.141592653589793);
  EXPECT_EQ(value_of("TMath::TwoPi()"), 6.283185307179586);
  EXPECT_EQ(value_of("TMath::E()"), 2.718281828459045);
  EXPECT_EQ(value_of("true + false"), 1);
  EXPECT_EQ(value_of("TMath::Power(2, 10)"), 1024);
  EXPECT_EQ(value_of("TMath::Max(1, TMath::Min(5, 3))"), 3);
  EXPECT_EQ(value_of("TMath::Sign(2, -0.5)"), -2);
  EXPECT_EQ(value_of("std::fabs(-1)"), 1);
  EXPECT_EQ(value_of("max(1, 4, 2, 3)"), 4);
}

TEST(ExpressionParser, NamesEachColumnOnce) {
  const Expression sum = Expression::parse("jet.pt + lepton_pt[0] + lepton_pt[12] + jet.pt + `2nd jet-pt` + _x");
  const std::vector<Input> expected = {{"jet.pt", -1}, {"lepton_pt", 0}, {"lepton_pt", 12}, {"2nd jet-pt", -1}, {"_x", -1}};
  EXPECT_EQ(sum.inputs(), expected);
  EXPECT_EQ(Expression::parse("abs > 3").inputs(), std::vector<Input>({{"abs", -1}}));
}

TEST(ExpressionParser, TellsAPlainColumnFromAnExpression) {
  EXPECT_EQ(Expression::parse(" (pt) ").plain_column(), "pt");
  EXPECT_EQ(Expression::parse("pt[0]").plain_column(), "");
  EXPECT_EQ(Expression::parse("pt + 1").plain_column(), "");
  EXPECT_EQ(Expression::parse("1").plain_column(), "");
}

TEST(ExpressionParser, FoldsConstantsThatAreFinite) {
  EXPECT_EQ(Expression::parse("x^(3 - 1)").nodes().size(), 3u);
  EXPECT_EQ(Expression::parse("1/0").nodes().size(), 3u);
  EXPECT_EQ(value_of("1/0"), std::numeric_limits<double>::infinity());
}

TEST(ExpressionParser, SaysWhatItExpectedAndFound) {
  EXPECT_EQ(parse_refusal(""), "expected a number, a column or '(', found end of text at 0");
  EXPECT_EQ(parse_refusal("pt >"), "expected a number, a column or '(', found end of text at 4");
  EXPECT_EQ(parse_refusal("pt > > 3"), "expected a number, a column or '(', found '>' at 5");
  EXPECT_EQ(parse_refusal("(pt + 1"), "expected ')', found end of text at 7");
  EXPECT_EQ(parse_refusal("pt + 1)"), "expected an operator or the end, found ')' at 6");
  EXPECT_EQ(parse_refusal("pt eta"), "expected an operator or the end, found 'eta' at 3");
  EXPECT_EQ(parse_refusal("3pt"), "expected an operator or the end, found 'pt' at 1");
  EXPECT_EQ(parse_refusal("pt ? 1"), "expected ':', found end of text at 6");
  EXPECT_EQ(parse_refusal("pt[i]"), "expected a whole number from 0 on, found 'i' at 3");
  EXPECT_EQ(parse_refusal("pt[-1]"), "expected a whole number from 0 on, found '-' at 3");
  EXPECT_EQ(parse_refusal("pt[99999999999]"), "expected a whole number from 0 on, found '9' at 3");
  EXPECT_EQ(parse_refusal("pt[1"), "expected ']', found end of text at 4");
  EXPECT_EQ(parse_refusal("a ; b"), "expected an operator or the end, found ';' at 2");
  EXPECT_EQ(parse_refusal("a + \xc3\xa9"), "expected a number, a column or '(', found byte 0xC3 at 4");
  EXPECT_EQ(parse_refusal(std::string("a\0b", 3)), "expected an operator or the end, found byte 0x00 at 1");
  EXPECT_EQ(parse_refusal("."), "expected a number, a column or '(', found '.' at 0");
  EXPECT_EQ(parse_refusal("a."), "expected an operator or the end, found '.' at 1");
  EXPECT_EQ(parse_refusal("1e999"), "the number '1e999' is beyond what a double can hold at 0");
  EXPECT_EQ(parse_refusal("`pt"), "expected a '`' that ends the column's name at 0");
  EXPECT_EQ(parse_refusal("``"), "expected a column's name between '`' and '`' at 0");
  EXPECT_EQ(parse_refusal("TMath::Pi + 1"), "expected '(' after 'TMath::Pi', found '+' at 10");
}

TEST(ExpressionParser, SaysWhatOtherLanguagesWordsAreHere) {
  EXPECT_EQ(parse_refusal("a > 1 and b"), "expected an operator or the end, found 'and' (write '&&') at 6");
  EXPECT_EQ(parse_refusal("a & b"), "expected an operator or the end, found '&' (write '&&') at 2");
  EXPECT_EQ(parse_refusal("a = 3"), "expected an operator or the end, found '=' (write '==') at 2");
  EXPECT_EQ(parse_refusal("not a"), "expected a number, a column or '(', found 'not' (write '!') at 0");
  EXPECT_EQ(parse_refusal("105 < m4l < 140"), "comparisons can't be chained; write 'a < b && b < c', or brackets at 10");
  EXPECT_EQ(value_of("(1 < 2) < 3"), 1);
}

TEST(ExpressionParser, NamesTheNearestFunction) {
  EXPECT_EQ(parse_refusal("1 + sqr(pt)"), "there is no function 'sqr'; did you mean 'sqrt'? at 4");
  EXPECT_EQ(parse_refusal("TMath::Sqr(pt)"), "there is no function 'TMath::Sqr'; did you mean 'TMath::Sqrt'? at 0");
  EXPECT_EQ(parse_refusal("arctan(pt)"), "there is no function 'arctan'; did you mean 'atan'? at 0");
  EXPECT_EQ(parse_refusal("frobnicate(pt)"), "there is no function 'frobnicate' at 0");
  EXPECT_EQ(parse_refusal("neg(pt)"), "there is no function 'neg' at 0");
}

TEST(ExpressionParser, CountsArguments) {
  EXPECT_EQ(parse_refusal("sqrt(a, b)"), "'sqrt' takes 1 argument, found 2 at 0");
  EXPECT_EQ(parse_refusal("pow(a)"), "'pow' takes 2 arguments, found 1 at 0");
  EXPECT_EQ(parse_refusal("max(a)"), "'max' takes 2 or more arguments, found 1 at 0");
  EXPECT_EQ(parse_refusal("sqrt()"), "'sqrt' takes 1 argument, found 0 at 0");
  EXPECT_EQ(parse_refusal("sqrt(a,)"), "expected a number, a column or '(', found ')' at 7");
}

TEST(ExpressionParser, RefusesWhatIsTooLongTooLargeOrTooDeep) {
  EXPECT_EQ(parse_refusal(std::string(4097, ' ')), "an expression has at most 4096 bytes, found 4097 at 4096");
  EXPECT_EQ(Expression::parse("a" + repeated("+a", 511)).nodes().size(), 1023u);
  EXPECT_EQ(parse_refusal("a" + repeated("+a", 512)), "the expression has more than 1024 numbers, columns and operators at 1025");
  EXPECT_EQ(value_of(repeated("(", 64) + "1" + repeated(")", 64)), 1);
  const std::string nested = "brackets, signs and choices are nested more than 64 deep at ";
  EXPECT_EQ(parse_refusal(repeated("(", 65) + "1" + repeated(")", 65)), nested + "64");
  for (const char* opening : {"(", "-", "!", "2^", "abs(", "1?", "1?1:"}) {
    EXPECT_EQ(parse_refusal(repeated(opening, 4000 / static_cast<int>(std::string(opening).size()))).substr(0, nested.size()), nested)
        << opening;
  }
  EXPECT_EQ(parse_refusal("a" + repeated("-a+a", 30)), "the expression's operators are nested more than 56 deep at 0");
}

TEST(ExpressionParser, DoesNotHangOnTowersOfPowers) {
  const auto start = std::chrono::steady_clock::now();
  const Expression tower = Expression::parse("9**9**9**9*a");
  const double a = 2;
  const double* column = &a;
  double out = 0;
  tower.evaluate({&column, 1}, 1, &out);
  EXPECT_EQ(out, std::numeric_limits<double>::infinity());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

}  // namespace
}  // namespace ophion::native
