/// Messages between host and worker: values as bytes, and bytes that nobody packed.
#include "isolation/wire.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <ophion/error.h>

using namespace ophion;

TEST(Wire, KeepsEveryBit) {
  const Value value = Value::Object{{"nothing", Value()},
                                    {"yes", true},
                                    {"number", std::numeric_limits<std::int64_t>::min()},
                                    {"real", 1.0},
                                    {"bytes", std::string("\0\xff", 2)},
                                    {"list", Value::Array{1, "two", Value::object(), Value::array()}}};
  EXPECT_EQ(unpack(pack(value)), value);
  EXPECT_EQ(unpack(pack(value)).at("real").type(), Value::Type::real);
  EXPECT_TRUE(std::isnan(unpack(pack(Value(std::nan("")))).as_number()));
}

TEST(Wire, RefusesWhatItDidNotPack) {
  const std::string good = pack(Value::Array{1, "two", Value::Object{{"three", 3.0}}});
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_THROW(unpack(good.substr(0, size)), WorkerError) << size;
  }
  EXPECT_THROW(unpack(good + "x"), WorkerError);
  EXPECT_THROW(unpack("\x09"), WorkerError);
  std::string many = pack(Value::Array{1});
  many[8] = '\x7f';  // a list of so many items that memory would not hold them
  EXPECT_THROW(unpack(many), WorkerError);
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += pack(Value::Array{0}).substr(0, 9);
  EXPECT_THROW(unpack(deep), WorkerError);
}
