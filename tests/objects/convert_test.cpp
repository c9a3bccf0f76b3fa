/// Values both ways: what comes out equals what Python says went in, and what can't be converted is named with its place.
#include "pymethods/support.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include <ophion/convert.h>
#include <ophion/error.h>

namespace ophion {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::ThrowsMessage;
using testing::UnorderedElementsAre;

class Values : public testing_support::PythonTest {
 protected:
  static Object thing(const std::string& name) {
    const PythonLock python;
    return to_object(check(PyObject_GetItem(Object::import("things.THINGS").get(), to_text(name).get()), "a thing"));
  }
  template <class T>
  static T read(const std::string& name) {
    return from_python<T>(thing(name), name);
  }
  /// "int 42", as Python writes what C++ made.
  template <class T>
  static std::string shown(const T& value) {
    const Object object = to_python<T>(value);
    const PythonLock python;
    return from_text(testing_support::call_function("things", "shown", {object.get()}).get(), "shown");
  }
};

TEST_F(Values, OfEveryWidthOfIntegerAreRangeChecked) {
  EXPECT_EQ(read<int>("int"), 42);
  EXPECT_EQ(read<std::int8_t>("int8"), -5);
  EXPECT_EQ(read<std::uint64_t>("uint64"), 18446744073709551615u);
  EXPECT_EQ(read<long>("number"), 7);
  EXPECT_EQ(read<short>("level"), 3);
  EXPECT_THAT([] { read<std::int64_t>("uint64"); },
              ThrowsMessage<Error>("uint64: expected int from -9223372036854775808 to 9223372036854775807, found 18446744073709551615"));
  EXPECT_THAT([] { read<unsigned>("int8"); }, ThrowsMessage<Error>("int8: expected int from 0 to 4294967295, found -5"));
  EXPECT_THAT([] { read<std::uint8_t>("big"); }, ThrowsMessage<Error>("big: expected int from 0 to 255, found 1180591620717411303424"));
  EXPECT_THAT([] { read<int>("huge"); }, ThrowsMessage<Error>(HasSubstr("2147483647, found one of 16610 bits")));
  const Object number = to_python(128);
  EXPECT_EQ(from_python<std::uint8_t>(number), 128);
  EXPECT_THAT([&] { from_python<std::int8_t>(number); }, ThrowsMessage<Error>("result: expected int from -128 to 127, found 128"));
}

TEST_F(Values, ThatAreNoIntegersAreRefused) {
  for (const char* name : {"true", "np_true", "float", "str", "none", "ndarray", "fraction", "tensor"}) {
    EXPECT_THAT([&] { read<int>(name); }, ThrowsMessage<Error>(HasSubstr(std::string(name) + ": expected int, found "))) << name;
  }
  EXPECT_THAT([] { read<int>("float"); }, ThrowsMessage<Error>("float: expected int, found float"));
  EXPECT_THAT([] { read<int>("none"); }, ThrowsMessage<Error>("none: expected int, found None"));
}

TEST_F(Values, AreFloatsWhereverPythonHasAWayToOne) {
  EXPECT_EQ(read<double>("float"), 2.5);
  EXPECT_EQ(read<double>("int"), 42);
  EXPECT_EQ(read<double>("fraction"), 0.25);
  EXPECT_EQ(read<double>("decimal"), 0.5);
  EXPECT_EQ(read<float>("float32"), 0.1f);
  EXPECT_EQ(read<double>("scalar_array"), 2.5);
  EXPECT_EQ(read<float>("infinity"), std::numeric_limits<float>::infinity());
  EXPECT_THAT([] { read<float>("huge_float"); }, ThrowsMessage<Error>("huge_float: expected float of 32 bits, found 1e+300"));
  EXPECT_THAT([] { read<double>("huge"); }, ThrowsMessage<Error>("huge: expected float, found int (OverflowError: int too large to convert to float)"));
  EXPECT_THAT([] { read<double>("angle"); }, ThrowsMessage<Error>("angle: expected float, found Angle (ValueError: no angle without a unit)"));
  for (const char* name : {"true", "str", "none", "complex", "list", "ndarray"}) {
    EXPECT_THAT([&] { read<double>(name); }, ThrowsMessage<Error>(HasSubstr(std::string(name) + ": expected float, found "))) << name;
  }
}

TEST_F(Values, AreTruthsOnlyIfTheySaySo) {
  EXPECT_TRUE(read<bool>("true"));
  EXPECT_TRUE(read<bool>("np_true"));
  EXPECT_THAT([] { read<bool>("int"); }, ThrowsMessage<Error>("int: expected bool, found int"));
}

TEST_F(Values, OfTextKeepEveryByte) {
  EXPECT_EQ(read<std::string>("str"), "\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(read<std::string>("text"), "sub");
  EXPECT_EQ(read<std::string>("bad_bytes"), "a\xff");
  EXPECT_EQ(from_python<std::string>(to_python(std::string("a\xff\0b", 4))), std::string("a\xff\0b", 4));
  EXPECT_THAT([] { read<std::string>("lone_surrogate"); },
              ThrowsMessage<Error>(HasSubstr("lone_surrogate: expected str, found str (UnicodeEncodeError: 'utf-8' codec can't encode")));
  EXPECT_THAT([] { read<std::string>("bytes"); }, ThrowsMessage<Error>("bytes: expected str, found bytes"));
}

TEST_F(Values, OfBytesComeFromWhateverHasABlockOfThem) {
  using Bytes = std::vector<std::byte>;
  EXPECT_EQ(read<Bytes>("bytes"), (Bytes{std::byte{0}, std::byte{1}, std::byte{255}}));
  EXPECT_EQ(read<Bytes>("bytearray"), (Bytes{std::byte{'a'}, std::byte{'b'}}));
  EXPECT_EQ(read<Bytes>("memoryview"), (Bytes{std::byte{'b'}, std::byte{'c'}}));
  EXPECT_THAT([] { read<Bytes>("str"); }, ThrowsMessage<Error>("str: expected bytes, found str"));
  EXPECT_THAT([] { read<Bytes>("strided_bytes"); }, ThrowsMessage<Error>(HasSubstr("strided_bytes: expected bytes, found memoryview (BufferError")));
}

TEST_F(Values, AreListsIfTheyAreSequences) {
  for (const char* name : {"list", "tuple"}) EXPECT_THAT(read<std::vector<int>>(name), ElementsAre(1, 2, 3));
  EXPECT_THAT(read<std::vector<int>>("range"), ElementsAre(0, 1, 2));
  EXPECT_THAT(read<std::vector<int>>("deque"), ElementsAre(1, 2));
  EXPECT_THAT(read<std::vector<int>>("array"), ElementsAre(4, 5));
  EXPECT_THAT(read<std::vector<std::vector<int>>>("ndarray"), ElementsAre(ElementsAre(1, 2), ElementsAre(3, 4)));
  EXPECT_THAT(read<std::vector<float>>("float_array"), ElementsAre(0.5f, 1.5f));
  EXPECT_THAT(read<std::vector<double>>("tensor"), ElementsAre(1.0, 2.0));
  EXPECT_THAT(read<std::vector<std::optional<int>>>("optional"), ElementsAre(1, std::nullopt, 3));
  EXPECT_THAT((read<std::array<int, 3>>("list")), ElementsAre(1, 2, 3));
  EXPECT_THAT([] { (read<std::array<int, 2>>("list")); }, ThrowsMessage<Error>("list: expected list of 2, found list of 3"));
  for (const char* name : {"set", "generator", "str", "bytes", "dict", "scalar_array", "none"}) {
    EXPECT_THAT([&] { read<std::vector<Object>>(name); }, ThrowsMessage<Error>(HasSubstr(std::string(name) + ": expected list, found "))) << name;
  }
}

TEST_F(Values, AreTuplesAndDicts) {
  using Mixed = std::tuple<std::string, int, std::vector<double>>;
  EXPECT_EQ(read<Mixed>("mixed"), Mixed("a", 1, {0.5, 1.5}));
  EXPECT_THAT((read<std::map<std::string, int>>("dict")), ElementsAre(Pair("a", 1), Pair("b", 2)));
  EXPECT_THAT((read<std::unordered_map<std::string, int>>("counter")), UnorderedElementsAre(Pair("a", 2), Pair("b", 1)));
  EXPECT_THAT((read<std::map<std::string, int>>("names")), ElementsAre(Pair("x", 1)));
  EXPECT_THAT((read<std::map<int, std::string>>("int_keys")), ElementsAre(Pair(1, "one"), Pair(2, "two")));
  EXPECT_THAT([] { (read<std::map<std::string, std::string>>("int_keys")); }, ThrowsMessage<Error>("int_keys[1]: expected str, found int"));
  EXPECT_THAT([] { (read<std::map<std::string, int>>("list")); }, ThrowsMessage<Error>("list: expected dict, found list"));
  EXPECT_THAT([] { (read<std::pair<std::string, int>>("mixed")); }, ThrowsMessage<Error>("mixed: expected list of 2, found list of 3"));
}

TEST_F(Values, ThatAreWrongDeepInsideAreNamedByTheirPath) {
  using Fits = std::map<std::string, std::vector<std::map<std::string, double>>>;
  EXPECT_THAT([] { from_python<Fits>(thing("fits")); }, ThrowsMessage<Error>("result[\"fits\"][3][\"chi2\"]: expected float, found str"));
}

TEST_F(Values, WithoutATypeAreWhatPythonHas) {
  EXPECT_EQ(read<Value>("mixed"), read_json(R"(["a", 1, [0.5, 1.5]])", "expected"));
  EXPECT_EQ(read<Value>("ndarray"), read_json("[[1, 2], [3, 4]]", "expected"));
  EXPECT_EQ(read<Value>("float32").as_number(), double{0.1f});
  EXPECT_EQ(read<std::vector<Value>>("optional").at(1), Value());
  EXPECT_THAT([] { read<Value>("set"); }, ThrowsMessage<Error>("set: expected None, bool, int, float, str, list, tuple or dict, found set"));
  EXPECT_THAT([] { read<Value>("int_keys"); }, ThrowsMessage<Error>("int_keys[1]: expected a key of type str, found int"));
  EXPECT_THAT([] { read<Value>("datetime64"); }, ThrowsMessage<Error>(HasSubstr("found numpy.datetime64")));
  EXPECT_THAT([] { read<Value>("numpy_complex"); }, ThrowsMessage<Error>(HasSubstr("found numpy.complex128")));
}

TEST_F(Values, ThatHoldThemselvesEndAtADepth) {
  const auto made_by = [](const char* function, std::initializer_list<PyObject*> arguments = {}) {
    return to_object(testing_support::call_function("things", function, arguments));
  };
  const PythonLock python;
  const Object cycle = made_by("holds_itself");
  EXPECT_THAT([&] { from_python<Value>(cycle); }, ThrowsMessage<Error>(HasSubstr("[\"a\"][0][\"a\"][0]: nested deeper than 64")));
  const Object deepest = made_by("nested", {to_python(64).get()});
  EXPECT_EQ(from_python<Value>(deepest).size(), 1u);
  const Object deeper = made_by("nested", {to_python(65).get()});
  EXPECT_THAT([&] { from_python<Value>(deeper); }, ThrowsMessage<Error>(HasSubstr("[0][0]: nested deeper than 64")));
}

TEST_F(Values, OfAListThatChangesMeanwhileAreThoseItHad) {
  const PythonLock python;
  const Object list = to_object(testing_support::call_function("things", "shrinking_list"));
  EXPECT_THAT((from_python<std::array<double, 3>>(list)), ElementsAre(1.5, 2.0, 3.0));
}

TEST_F(Values, AreMadeForPython) {
  EXPECT_EQ(shown(std::int8_t{-1}), "int -1");
  EXPECT_EQ(shown(std::uint64_t{18446744073709551615u}), "int 18446744073709551615");
  EXPECT_EQ(shown(true), "bool True");
  EXPECT_EQ(shown(0.1), "float 0.1");
  EXPECT_EQ(shown(0.5f), "float 0.5");
  EXPECT_EQ(shown("caf\xc3\xa9"), "str 'caf\xc3\xa9'");
  EXPECT_EQ(shown(std::string("a\xff")), "str 'a\\udcff'");
  EXPECT_EQ(shown(std::vector<std::byte>{std::byte{1}, std::byte{255}}), "bytes b'\\x01\\xff'");
  EXPECT_EQ(shown(std::vector<std::string>{"a", "b"}), "list ['a', 'b']");
  EXPECT_EQ(shown(std::vector<bool>{true, false}), "list [True, False]");
  EXPECT_EQ(shown(std::array<int, 2>{1, 2}), "list [1, 2]");
  EXPECT_EQ(shown(std::pair(1, std::string("b"))), "tuple (1, 'b')");
  EXPECT_EQ(shown(std::tuple()), "tuple ()");
  EXPECT_EQ(shown(std::map<std::string, std::vector<int>>{{"a", {1}}, {"b", {}}}), "dict {'a': [1], 'b': []}");
  EXPECT_EQ(shown(std::optional<int>()), "NoneType None");
  EXPECT_EQ(shown(std::optional<int>(3)), "int 3");
  EXPECT_EQ(shown(Value()), "NoneType None");
  EXPECT_EQ(shown(read_json(R"({"a": [1, 2.5, null]})", "given")), "dict {'a': [1, 2.5, None]}");
  EXPECT_EQ(shown(thing("int")), "int 42");
}

// date -u -d @SECONDS says which moment SECONDS is.
TEST_F(Values, OfTimeAreTheSameMoment) {
  using std::chrono::system_clock;
  const auto at = [](std::int64_t seconds, int milliseconds = 0) {
    return system_clock::time_point(std::chrono::seconds(seconds) + std::chrono::milliseconds(milliseconds));
  };
  EXPECT_EQ(read<system_clock::time_point>("aware"), at(1709209815, 250));
  EXPECT_EQ(shown(at(1709209815, 250)), "datetime datetime.datetime(2024, 2, 29, 12, 30, 15, 250000, tzinfo=datetime.timezone.utc)");
  EXPECT_EQ(shown(at(-1, 999)), "datetime datetime.datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=datetime.timezone.utc)");
  const auto precise = system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(std::chrono::nanoseconds(1999)));
  EXPECT_EQ(from_python<system_clock::time_point>(to_python(precise)).time_since_epoch(), std::chrono::microseconds(1));
  EXPECT_THAT([] { read<system_clock::time_point>("early"); },
              ThrowsMessage<Error>("early: expected datetime of the years 1678 to 2261, found 1066-10-14 00:00:00+00:00"));
  EXPECT_THAT([] { read<system_clock::time_point>("date"); }, ThrowsMessage<Error>("date: expected datetime, found datetime.date"));
}

TEST_F(Values, OfTimeWithoutAZoneAreLocalTime) {
  using std::chrono::system_clock;
  const char* before = std::getenv("TZ");
  const std::string kept = before ? before : "";
  setenv("TZ", "Europe/Berlin", 1);  // two hours before UTC in July
  tzset();
  const auto moment = read<system_clock::time_point>("naive");
  before ? setenv("TZ", kept.c_str(), 1) : unsetenv("TZ");
  tzset();
  EXPECT_EQ(moment, system_clock::time_point(std::chrono::seconds(1719828000)));  // 2024-07-01 10:00:00 UTC
}

TEST_F(Values, OfAnEmptyObjectAreAnError) {
  EXPECT_THAT([] { from_python<int>(Object()); }, ThrowsMessage<Error>("result: expected an object, found an empty Object"));
  EXPECT_EQ(shown(Object()), "NoneType None");
}

}  // namespace

/// A type of the program's own.
struct Point {
  double x = 0, y = 0;
};

template <>
struct Converter<Point> {
  static Object to_python(const Point& point) { return Converter<std::pair<double, double>>::to_python({point.x, point.y}); }
  static Point from_python(_object* object, const Place& place) {
    const auto [x, y] = Converter<std::pair<double, double>>::from_python(object, place);
    return {x, y};
  }
};

namespace {

TEST_F(Values, OfTheProgramsOwnTypesAreConvertedByItsOwnConverter) {
  EXPECT_EQ(shown(std::vector<Point>{{1, 2}, {3, 4}}), "list [(1.0, 2.0), (3.0, 4.0)]");
  const auto points = from_python<std::vector<Point>>(to_python(std::vector<std::array<double, 2>>{{1, 2}, {3, 4}}));
  EXPECT_EQ(points.at(1).y, 4);
  EXPECT_THAT([] { from_python<std::vector<Point>>(to_python(std::vector<std::array<double, 1>>{{1}})); },
              ThrowsMessage<Error>("result[0]: expected list of 2, found list of 1"));
}

}  // namespace
}  // namespace ophion
