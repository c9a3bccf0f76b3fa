/// JSON text: what is read, what is refused and with which words, what is written.
#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include <ophion/error.h>
#include <ophion/value.h>

#include "core/german_locale.h"

using ophion::read_json;
using ophion::Value;
using ophion::write_json;
using testing::HasSubstr;
using namespace std::string_literals;

namespace {

ophion::ConfigError json_error(std::string_view text) {
  try {
    read_json(text, "a.json");
  } catch (const ophion::ConfigError& error) {
    return error;
  }
  return ophion::ConfigError("", "", "no error");
}

std::string json_problem(std::string_view text) { return json_error(text).problem(); }

TEST(ReadJson, ReadsEveryType) {
  const auto value = read_json(R"({"n": null, "t": true, "i": -3, "r": 1e-3, "s": "a\u00e9\n", "l": [1, [2]], "o": {}})", "a.json");
  EXPECT_TRUE(value.at("n").is_null());
  EXPECT_TRUE(value.at("t").as_boolean());
  EXPECT_EQ(value.at("i").type(), Value::Type::integer);
  EXPECT_EQ(value.at("i").as_integer(), -3);
  EXPECT_EQ(value.at("r").as_number(), 0.001);
  EXPECT_EQ(value.at("s").as_text(), "a\xC3\xA9\n");
  EXPECT_EQ(value.at("l").at(1).at(0).as_integer(), 2);
  EXPECT_EQ(value.at("o").size(), 0u);
  EXPECT_EQ(value.as_object()[0].first, "n");
}

TEST(ReadJson, AllowsCommentsAndAByteOrderMark) {
  EXPECT_EQ(read_json("\xEF\xBB\xBF// first\n{/* in */ \"a\": 1 // last\n}", "a.json").at("a").as_integer(), 1);
}

TEST(ReadJson, KeepsTheWholeRangeOf64Bits) {
  EXPECT_EQ(read_json("9223372036854775807", "").as_integer(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(read_json("-9223372036854775808", "").as_integer(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(json_problem("[9223372036854775808]"), "line 1, column 21: found a whole number beyond 64 bits");
  EXPECT_THAT(json_problem("123456789012345678901234567890"), HasSubstr("a whole number beyond 64 bits"));
  EXPECT_THAT(json_problem("-9223372036854775809"), HasSubstr("a whole number beyond 64 bits"));
}

TEST(ReadJson, RefusesNumbersBeyondDouble) {
  const auto error = json_error("{\"a\": {\"b\":\n [0, 1e999]}}");
  EXPECT_THAT(error.problem(), HasSubstr("line 2"));
  EXPECT_THAT(error.problem(), HasSubstr("found a number beyond double precision"));
  EXPECT_EQ(error.pointer(), "/a/b/1");
}

TEST(ReadJson, RefusesAKeyASecondTime) {
  const auto error = json_error("{\"data\": [{}, {\"x/y\": 1,\n  \"x/y\": 2}]}");
  EXPECT_STREQ(error.what(), "a.json /data/1/x~1y: line 2, column 7: found the key 'x/y' a second time");
  EXPECT_THAT(json_problem(R"({"a": 1, "\u0061": 2})"), HasSubstr("found the key 'a' a second time"));
}

TEST(ReadJson, TellsLineAndColumnOfWrongSyntax) {
  EXPECT_THAT(json_problem("{\n  \"a\": 1,\n  \"b\" 2\n}"), HasSubstr("line 3, column 8: syntax error"));
  EXPECT_THAT(json_problem("{\"a\": 1,}"), HasSubstr("line 1, column 9"));
  EXPECT_THAT(json_problem("{\"a\": nan}"), HasSubstr("line 1, column 8"));
  EXPECT_THAT(json_problem("[1"), HasSubstr("unexpected end of input"));
  EXPECT_THAT(json_problem("/* open"), HasSubstr("line 1"));
  EXPECT_THAT(json_problem(""), HasSubstr("unexpected end of input"));
  EXPECT_THAT(json_problem("\"" + std::string(100000, 'x')), testing::SizeIs(testing::Lt(350u)));
}

TEST(ReadJson, RefusesTextAfterTheEnd) {
  EXPECT_THAT(json_problem("{} {}"), HasSubstr("expected end of input"));
  EXPECT_THAT(json_problem("1 x"), HasSubstr("line 1, column 3"));
}

TEST(ReadJson, RefusesDeepNesting) {
  const std::string open(64, '['), close(64, ']');
  EXPECT_NO_THROW(read_json(open + close, ""));
  EXPECT_EQ(json_problem(open + "[" + close + "]"), "line 1, column 65: found lists and objects nested deeper than 64");
  EXPECT_THAT(json_problem(std::string(100000, '[')), HasSubstr("nested deeper than 64"));
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_THAT(json_problem(objects), HasSubstr("nested deeper than 64"));
}

TEST(ReadJson, RefusesWhatIsNotUtf8) {
  EXPECT_EQ(json_problem("{\n\"a\": \"\xE9\"}"), "line 2, column 7: expected text in UTF-8, found the byte 0xe9");
  EXPECT_THAT(json_problem("// \xFF\n1"), HasSubstr("line 1, column 4: expected text in UTF-8, found the byte 0xff"));
  EXPECT_THAT(json_problem("\"\xC0\xAF\""), HasSubstr("found the byte 0xc0"));          // a long form of "/"
  EXPECT_THAT(json_problem("\"\xED\xA0\x80\""), HasSubstr("found the byte 0xed"));      // half of a surrogate pair
  EXPECT_THAT(json_problem("\"\xF4\x90\x80\x80\""), HasSubstr("found the byte 0xf4"));  // beyond U+10FFFF
  EXPECT_THAT(json_problem("\"\xE2\x82"), HasSubstr("found the byte 0xe2"));            // cut off
  EXPECT_EQ(read_json("\"\xF0\x9F\x98\x80\"", "").as_text(), "\xF0\x9F\x98\x80");
  EXPECT_THAT(json_problem(R"(["\ud800"])"), HasSubstr("surrogate"));
}

TEST(ReadJson, NamesOtherEncodings) {
  const auto expected = "expected text in UTF-8, found UTF-16, UTF-32 or binary data";
  EXPECT_EQ(json_problem("\xFF\xFE{\0}\0"s), expected);
  EXPECT_EQ(json_problem("\xFE\xFF\0{\0}"s), expected);
  EXPECT_EQ(json_problem("{\0}\0"s), expected);
  EXPECT_EQ(json_problem("\0\0\0{"s), expected);
}

TEST(ReadJson, ReadsNumbersInEveryLocale) {
  const GermanLocale german;
  if (!german.made()) GTEST_SKIP() << "there is no localedef here, or no source of de_DE";
  const auto value = read_json("[0.5, 1234.0, -2.5e3, 12e1]", "a.json");
  EXPECT_EQ(value.at(0).as_number(), 0.5);
  EXPECT_EQ(value.at(1).as_number(), 1234.0);
  EXPECT_EQ(value.at(2).as_number(), -2500.0);
  EXPECT_EQ(value.at(3).type(), Value::Type::real);
  EXPECT_EQ(write_json(value, 0), "[0.5,1234.0,-2500.0,120.0]");
  EXPECT_THAT(json_problem("[123456789012345678901]"), HasSubstr("a whole number beyond 64 bits"));
}

TEST(WriteJson, GivesEveryDoubleBack) {
  const double smallest = std::numeric_limits<double>::denorm_min();
  for (const double number : {0.1, 1.0 / 3, 1e22, 1e-7, 5.0, -0.0, smallest, std::numeric_limits<double>::max(), 123456789.125}) {
    const auto back = read_json(write_json(number), "");
    EXPECT_EQ(back.type(), Value::Type::real) << write_json(number);
    EXPECT_EQ(back.as_number(), number);
    EXPECT_EQ(std::signbit(back.as_number()), std::signbit(number));
  }
  EXPECT_EQ(write_json(0.1), "0.1");
  EXPECT_EQ(write_json(5.0), "5.0");
}

TEST(WriteJson, WritesWhatIsNoNumberAsNull) {
  EXPECT_EQ(write_json(Value::Array{std::nan(""), HUGE_VAL, -HUGE_VAL}, 0), "[null,null,null]");
}

TEST(WriteJson, EscapesText) {
  EXPECT_EQ(write_json("a\"b\\\n\x01"), R"("a\"b\\\n\u0001")");
  EXPECT_EQ(write_json("\xC3\xA9"), "\"\xC3\xA9\"");
  EXPECT_EQ(write_json("\xFF"), "\"\xEF\xBF\xBD\"");  // what can't be UTF-8 shows as U+FFFD
}

TEST(WriteJson, KeepsShortListsOnOneLine) {
  const auto value = read_json(R"({"a": [1, 2], "b": {"c": [{"x": 1, "y": []}], "d": {}}})", "");
  EXPECT_EQ(write_json(value), "{\n  \"a\": [1, 2],\n  \"b\": {\n    \"c\": [\n      {\"x\": 1, \"y\": []}\n    ],\n    \"d\": {}\n  }\n}");
  EXPECT_EQ(write_json(value, 0), R"({"a":[1,2],"b":{"c":[{"x":1,"y":[]}],"d":{}}})");
}

TEST(WriteJson, BreaksLongLists) {
  const Value list(std::vector<std::string>(30, "column"));
  const auto text = write_json(list);
  EXPECT_THAT(text, testing::StartsWith("[\n  \"column\",\n  \"column\""));
  EXPECT_EQ(read_json(text, ""), list);
}

}  // namespace
