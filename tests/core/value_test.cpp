/// Value, and the texts of errors.
#include <ophion/value.h>

#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include <ophion/error.h>

#include "core/error_of.h"

using ophion::Value;

namespace {

TEST(Value, KnowsWhatItHolds) {
  EXPECT_TRUE(Value().is_null());
  EXPECT_TRUE(Value(true).as_boolean());
  EXPECT_EQ(Value(7).as_integer(), 7);
  EXPECT_EQ(Value(7).as_number(), 7.0);
  EXPECT_EQ(Value(7.0).as_integer(), 7);
  EXPECT_EQ(Value("x").as_text(), "x");
  EXPECT_EQ(Value(std::vector<std::string>{"a", "b"}).as_texts(), (std::vector<std::string>{"a", "b"}));
}

TEST(Value, FindsWhatLiesDeeper) {
  const Value metrics = ophion::read_json(R"({"test": {"auc": 0.8, "efficiency": {"0.1": {"value": 0.4}}, "list": [1]}})", "text");
  ASSERT_TRUE(metrics.find_path("test/auc"));
  EXPECT_EQ(*metrics.find_path("test/auc"), Value(0.8));
  EXPECT_EQ(*metrics.find_path("test/efficiency/0.1/value"), Value(0.4));
  for (const char* nothing : {"auc", "test/auc/value", "test/list/0", "test/", "", "/test", "test/efficiency/0"}) EXPECT_FALSE(metrics.find_path(nothing)) << nothing;
}

TEST(Value, SaysWhatItExpectedAndFound) {
  EXPECT_EQ(error_of<ophion::Error>([] { Value::array().as_text(); }), "expected text, found a list");
  EXPECT_EQ(error_of<ophion::Error>([] { Value("5").as_integer(); }), "expected a whole number, found text");
  EXPECT_EQ(error_of<ophion::Error>([] { Value(2.5).as_integer(); }), "expected a whole number of 64 bits, found 2.5");
  EXPECT_EQ(error_of<ophion::Error>([] { Value(1e300).as_integer(); }), "expected a whole number of 64 bits, found 1e+300");
  EXPECT_EQ(error_of<ophion::Error>([] { Value(std::nan("")).as_integer(); }), "expected a whole number of 64 bits, found null");
  EXPECT_EQ(error_of<ophion::Error>([] { Value(1).as_boolean(); }), "expected true or false, found a whole number");
  EXPECT_EQ(error_of<ophion::Error>([] { Value(1).as_object(); }), "expected an object, found a whole number");
  EXPECT_EQ(error_of<ophion::Error>([] { Value().as_number(); }), "expected a number, found null");
}

TEST(Value, KeepsMembersInTheirOrderAndReplacesByName) {
  Value value;
  value.set("b", 1);
  value.set("a", 2);
  value.set("b", 3);
  ASSERT_EQ(value.size(), 2u);
  EXPECT_EQ(value.as_object()[0].first, "b");
  EXPECT_EQ(value.at("b").as_integer(), 3);
  EXPECT_EQ(value.find("c"), nullptr);
  EXPECT_EQ(Value(1).find("c"), nullptr);
}

TEST(Value, NamesTheKeysThereAre) {
  Value value;
  value.set("epochs", 1);
  value.set("batch", 2);
  EXPECT_EQ(error_of<ophion::Error>([&] { value.at("epoch"); }), "no key 'epoch' among epochs, batch; did you mean 'epochs'?");
  EXPECT_EQ(error_of<ophion::Error>([] { Value::object().at("x"); }), "no key 'x' in an empty object");
  EXPECT_EQ(error_of<ophion::Error>([] { Value::array().at(2); }), "no item 2 in a list of 0");
}

TEST(Value, EqualsAsJsonDoes) {
  EXPECT_EQ(Value(1), Value(1.0));
  EXPECT_FALSE(Value(1) == Value(true));
  EXPECT_FALSE(Value(0) == Value());
  EXPECT_FALSE(Value(std::nan("")) == Value(std::nan("")));
  // 2^53 + 1 is no double: comparing as doubles would call these equal.
  EXPECT_FALSE(Value(9007199254740993) == Value(9007199254740992.0));
  EXPECT_FALSE(Value(std::numeric_limits<std::int64_t>::max()) == Value(9223372036854775808.0));
  Value one, other;
  one.set("a", 1);
  one.set("b", 2);
  other.set("b", 2.0);
  other.set("a", 1);
  EXPECT_EQ(one, other);
  other.set("c", 3);
  EXPECT_FALSE(one == other);
}

TEST(Error, TellsFilePointerAndProblem) {
  const ophion::ConfigError error("train.json", "/methods/0/training/epochs", "expected at least 1, found -3");
  EXPECT_STREQ(error.what(), "train.json /methods/0/training/epochs: expected at least 1, found -3");
  EXPECT_EQ(error.file(), "train.json");
  EXPECT_EQ(error.pointer(), "/methods/0/training/epochs");
  EXPECT_EQ(error.problem(), "expected at least 1, found -3");
  EXPECT_EQ(error.code(), ophion::ErrorCode::config);
  EXPECT_STREQ(ophion::ConfigError("", "/name", "x").what(), "/name: x");
  EXPECT_STREQ(ophion::ConfigError("a.json", "", "x").what(), "a.json: x");
  EXPECT_STREQ(ophion::ConfigError("", "", "x").what(), "x");
}

TEST(Error, ShowsPythonsTraceback) {
  const ophion::PythonError error("training 'mlp'", "ValueError", "bad shape", "Traceback (most recent call last):\n…",
                                  {{"KeyError", "'x'"}});
  EXPECT_STREQ(error.what(), "training 'mlp': ValueError: bad shape\nTraceback (most recent call last):\n…");
  EXPECT_EQ(error.causes().at(0).type, "KeyError");
  EXPECT_STREQ(ophion::PythonError("loading", "MemoryError", "", "", {}).what(), "loading: MemoryError");
}

TEST(NearestNames, FindsTyposAndExchangedLetters) {
  const std::vector<std::string> known = {"mZ1", "mZ2", "eta4l", "epochs", "batch_size"};
  EXPECT_EQ(ophion::nearest_names("epoch", known), "; did you mean 'epochs'?");
  EXPECT_EQ(ophion::nearest_names("epohcs", known), "; did you mean 'epochs'?");
  EXPECT_EQ(ophion::nearest_names("mZ", known), "; did you mean 'mZ1' or 'mZ2'?");
  EXPECT_EQ(ophion::nearest_names("batchsize", known), "; did you mean 'batch_size'?");
  EXPECT_EQ(ophion::nearest_names("something_else", known), "");
  EXPECT_EQ(ophion::nearest_names("", known), "");
}

TEST(NearestNames, PutsAnotherCaseFirst) {
  EXPECT_EQ(ophion::nearest_names("PT1", {"pt2", "pt3", "pt1"}), "; did you mean 'pt1', 'pt2' or 'pt3'?");
}

TEST(NearestNames, GivesThreeAtMostAndNoneThatSharesNothing) {
  EXPECT_EQ(ophion::nearest_names("pt0", {"pt4", "pt3", "pt2", "pt1"}), "; did you mean 'pt1', 'pt2' or 'pt3'?");
  EXPECT_EQ(ophion::nearest_names("x", {"y", "z"}), "");
}

}  // namespace
