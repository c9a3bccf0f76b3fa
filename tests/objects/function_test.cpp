/// Python functions as std::function, as C functions with a void*, and on whole arrays.
#include "pymethods/support.h"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <numeric>
#include <thread>
#include <vector>

#include <ophion/error.h>
#include <ophion/function.h>
#include <ophion/runtime.h>

#include "core/error_of.h"
#include "core/temporary_folder.h"
#include "pymethods/value.h"

namespace ophion {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;
using Curve = PyFunction<double(double)>;

const std::string bends = OPHION_SOURCE_DIR "/tests/pymethods/modules/bends.py";

/// What a C library does with a callback: ∑ f(i) for i in [0, n).
double sum_in_c(double (*function)(double, void*), void* data, int n) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += function(i, data);
  return sum;
}

class Functions : public testing_support::PythonTest {
 protected:
  TemporaryFolder folder_;
};

TEST_F(Functions, AreNamedInEveryWay) {
  EXPECT_EQ(Curve("math.exp")(1.0), std::exp(1.0));
  EXPECT_EQ(Curve("bends.square")(3.0), 9);
  EXPECT_EQ(Curve("bends.triple")(3.0), 9);  // an object with __call__
  EXPECT_EQ(Curve(bends + ":square")(3.0), 9);
  EXPECT_EQ(Curve("bends.py:square", OPHION_SOURCE_DIR "/tests/pymethods/modules")(3.0), 9);
  EXPECT_EQ(Curve::from_file(bends, "square")(3.0), 9);
  EXPECT_EQ(Curve(Object::import("math.floor"))(2.5), 2);
  Value entry = read_json(R"({"file": "bends.py", "name": "bend", "params": {"angle": 2, "offset": 0.5}})", "entry");
  EXPECT_EQ(Curve(entry, OPHION_SOURCE_DIR "/tests/pymethods/modules")(3.0), 6.5);
  EXPECT_EQ(Curve(read_json(R"({"function": "math.sqrt"})", "entry"))(9.0), 3);
  EXPECT_EQ((PyFunction<double(double, float)>("math.pow")(2.0, 3.0f)), 8);
}

TEST_F(Functions, AreCheckedWhenTheyAreMade) {
  EXPECT_THAT([] { Curve("bends.number"); }, ThrowsMessage<Error>("bends.number is not callable, it is int"));
  EXPECT_THAT([] { Curve("bends.bend"); },
              ThrowsMessage<Error>("bends.bend(x, angle, *, offset=0.0) can't be called with 1 argument: missing a required argument: 'angle'"));
  EXPECT_THAT([] { PyFunction<double(double, double)>("bends.square"); },
              ThrowsMessage<Error>("bends.square(x) can't be called with 2 arguments: too many positional arguments"));
  EXPECT_THAT([] { PyFunction<double()>(bends + ":square"); },
              ThrowsMessage<Error>("bends.py: square(x) can't be called with 0 arguments: missing a required argument: 'x'"));
  EXPECT_THAT([] { Curve(Object::import("bends.number")); }, ThrowsMessage<Error>("int is not callable, it is int"));
  EXPECT_THAT([] { Curve{Object()}; }, ThrowsMessage<Error>("expected a callable, found an empty Object"));
  EXPECT_THAT([] { Curve::from_file(bends, "sqare"); }, ThrowsMessage<Error>(bends + " has no 'sqare', did you mean 'square'?"));
  EXPECT_THAT([] { Curve("nowhere.py:f", "/no/folder"); }, ThrowsMessage<Error>(HasSubstr("there is no file /no/folder/nowhere.py")));
  EXPECT_EQ((PyFunction<Object(Object)>("builtins.iter")(to_python(std::vector<int>())).get() != nullptr), true);  // has no signature
}

TEST_F(Functions, OfAConfigAreRefusedWithTheKey) {
  const auto problem = [](const char* entry) { return error_of<ConfigError>([&] { Curve(read_json(entry, "entry"), "/no/folder"); }); };
  EXPECT_EQ(problem(R"({"function": "math.exq"})"), "/function: 'math.exq': math has no 'exq', did you mean 'exp'?");
  EXPECT_EQ(problem(R"({"function": "math.exp", "parms": {}})"), "/parms: unknown key, did you mean 'params'?");
  EXPECT_EQ(problem(R"({"function": 3})"), "/function: expected str, found int");
  EXPECT_THAT(problem(R"({"file": "f.py", "name": "f"})"), HasSubstr("/file: there is no file /no/folder/f.py"));
  EXPECT_EQ(problem((R"({"file": ")" + bends + R"(", "name": "bnd"})").c_str()), "/name: " + bends + " has no 'bnd', did you mean 'bend'?");
  EXPECT_EQ(problem(R"({"function": "bends.bend", "params": {"angel": 1}})"),
            "/params/angel: bends.bend(x, angle, *, offset=0.0) has no argument 'angel', did you mean 'angle'?");
  EXPECT_THAT([] { Curve(read_json(R"({"name": "f"})", "entry")); },
              ThrowsMessage<Error>("expected \"function\", or \"file\" and \"name\", found 'name'"));
}

TEST_F(Functions, TakeAndGiveWhatConvertersKnow) {
  using Joined = std::map<std::string, Value>;
  const PyFunction<Joined(std::vector<std::string>, int)> join("bends.joined");
  const Joined result = join({"a", "b"}, 3);
  EXPECT_EQ(result.at("joined"), Value("a-b"));
  EXPECT_EQ(result.at("each"), read_json("[3, 3]", "expected"));
  EXPECT_EQ(PyFunction<float(float)>("bends.half_precision")(0.1f), 0.1f);
  EXPECT_EQ(PyFunction<int(double)>("bends.int_of")(2.5), 2);
  EXPECT_EQ(Curve("bends.int_of")(2.5), 2.0);
  const PyFunction<void(const std::string&)> remember("bends.remember");
  remember("this");
  EXPECT_EQ(from_python<std::vector<std::string>>(Object::import("bends.kept")).back(), "this");
  EXPECT_EQ((PyFunction<double(double, double, double, double, double, double, double, double)>("math.hypot")(1, 1, 1, 1, 1, 1, 1, 3)), 4);
}

TEST_F(Functions, SayWhatIsWrongWithAResult) {
  EXPECT_THAT([] { Curve("bends.text")(1); }, ThrowsMessage<Error>("bends.text(): expected float, found str"));
  EXPECT_THAT([] { Curve(bends + ":nothing")(1); }, ThrowsMessage<Error>("bends.py: nothing(): expected float, found None"));
  using Wrong = std::map<std::string, std::vector<int>>;
  EXPECT_THAT([] { (PyFunction<Wrong(std::vector<std::string>, std::string)>("bends.joined")({"a"}, "x")); },
              ThrowsMessage<Error>("bends.joined()[\"joined\"]: expected list, found str"));
}

TEST_F(Functions, GiveOnWhatPythonRaises) {
  const Curve f(bends + ":fail_above_two");
  try {
    f(3);
    FAIL() << "nothing was thrown";
  } catch (const PythonError& error) {
    EXPECT_EQ(error.type(), "ValueError");
    EXPECT_EQ(error.message(), "3.0 is above two");
    EXPECT_THAT(error.what(), HasSubstr("bends.py: fail_above_two(): ValueError: 3.0 is above two"));
    EXPECT_THAT(error.traceback(), HasSubstr("bends.py\", line"));
  }
  EXPECT_EQ(f(1), 1);  // and it goes on
}

TEST_F(Functions, AreStdFunctions) {
  std::function<double(double)> f = Curve("math.sqrt");
  const auto g = f;
  f = nullptr;
  EXPECT_EQ(g(16), 4);
}

TEST_F(Functions, AreCFunctionsWithTheirData) {
  const auto call = Curve("bends.square").callback();  // the callback keeps the function
  EXPECT_EQ(sum_in_c(call.function(), call.data(), 5), 30);
  auto moved = Curve("math.sqrt").callback();
  void* data = moved.data();
  const auto here = std::move(moved);
  EXPECT_EQ(here.function()(9.0, data), 3);
}

TEST_F(Functions, KeepTheFirstExceptionWhileCRuns) {
  const Curve calls_so_far = Curve("bends.fail_above_two");
  const PyFunction<int()> count("bends.calls_so_far");
  auto call = calls_so_far.callback();
  const int before = count();
  EXPECT_TRUE(std::isnan(sum_in_c(call.function(), call.data(), 100)));
  EXPECT_EQ(count() - before, 4);  // 0, 1, 2 and 3; the other 96 were not asked
  EXPECT_THAT([&] { call.rethrow(); }, testing::Throws<PythonError>(testing::Property(&PythonError::message, "3.0 is above two")));
  EXPECT_NO_THROW(call.rethrow());  // it was thrown
  EXPECT_EQ(sum_in_c(call.function(), call.data(), 3), 3);  // and the callback is as new
  EXPECT_NO_THROW(call.rethrow());
}

TEST_F(Functions, GiveNothingWhereThereIsNoNaN) {
  auto call = PyFunction<int(double)>("bends.text").callback();
  EXPECT_EQ(call.function()(1.0, call.data()), 0);
  EXPECT_THAT([&] { call.rethrow(); }, ThrowsMessage<Error>("bends.text(): expected int, found str"));
  auto silent = PyFunction<void(double)>("bends.fail_above_two").callback();
  silent.function()(5.0, silent.data());
  EXPECT_THROW(silent.rethrow(), PythonError);
}

TEST_F(Functions, SayInTheLogWhatNobodyAskedFor) {
  std::vector<std::string> lines;
  RuntimeOptions options = runtime_options();
  RuntimeOptions listening = options;
  listening.log_sink = [&](LogLevel, std::string_view line) { lines.emplace_back(line); };
  configure(listening);
  {
    const auto call = Curve("bends.fail_above_two").callback();
    call.function()(7.0, call.data());
  }
  configure(options);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], HasSubstr("an exception in a callback that nobody asked for: bends.fail_above_two(): ValueError: 7.0 is above two"));
}

TEST_F(Functions, MapArraysInOneCall) {
  const std::vector<double> x{3, 5}, y{4, 12};
  std::vector<double> out(2);
  Curve("bends.square").map(x, out);
  EXPECT_THAT(out, ElementsAre(9, 25));
  PyFunction<double(double, double)>("bends.norm").map(x, y, out);
  EXPECT_THAT(out, ElementsAre(5, 13));
  Curve("bends.itself").map(x, out);
  EXPECT_THAT(out, ElementsAre(3, 5));
  Curve("bends.as_list").map(x, out);
  EXPECT_THAT(out, ElementsAre(6, 10));
  std::vector<float> floats{2.0f, 3.0f}, squares(2);
  PyFunction<float(float)>("bends.square").map(floats, squares);
  EXPECT_THAT(squares, ElementsAre(4.0f, 9.0f));
  std::vector<int> counts{2, 3}, doubled(2);
  PyFunction<int(int)>("bends.as_list").map(counts, doubled);
  EXPECT_THAT(doubled, ElementsAre(4, 6));
  Curve("bends.square").map({}, {});
}

TEST_F(Functions, DontMapWhatDoesNotFit) {
  const std::vector<double> x{1, 2, 3};
  std::vector<double> out(3), two(2);
  std::vector<int> whole(3);
  EXPECT_THAT([&] { Curve("bends.square").map(x, two); },
              ThrowsMessage<Error>("bends.square(): expected arrays of one length, found 3 numbers to put in and 2 to come out"));
  EXPECT_THAT([&] { Curve("bends.wrong_shape").map(x, out); },
              ThrowsMessage<Error>("bends.wrong_shape(): expected an array of 3 numbers, found numpy.ndarray of shape (3, 1)"));
  EXPECT_THAT([&] { Curve("bends.nothing").map(x, out); },
              ThrowsMessage<Error>("bends.nothing(): expected an array of 3 numbers, found NoneType of shape ()"));
  EXPECT_THAT([&] { Curve("bends.of_text").map(x, out); },
              ThrowsMessage<Error>("bends.of_text(): expected an array of 3 numbers of type float64, found <U1"));
  EXPECT_THAT([&] { PyFunction<int(double)>("bends.square").map(x, whole); },
              ThrowsMessage<Error>("bends.square(): expected an array of 3 numbers of type int32, found float64"));
  EXPECT_THAT([&] { Curve("math.exp").map(x, out); }, testing::Throws<PythonError>());
}

TEST_F(Functions, CanNeitherChangeNorKeepWhatTheyMap) {
  std::vector<double> x{1, 2, 3}, out(3);
  EXPECT_THAT([&] { Curve("bends.add_one_in_place").map(x, out); },
              testing::Throws<PythonError>(testing::Property(&PythonError::message, HasSubstr("read-only"))));
  EXPECT_THAT(x, ElementsAre(1, 2, 3));
  EXPECT_THAT([&] { Curve(bends + ":keep_array").map(x, out); },
              ThrowsMessage<Error>("bends.py: keep_array() kept the events it was lent: copy what must last"));
}

TEST_F(Functions, AreCalledFromManyThreads) {
  const Curve f("bends.slow");
  auto call = Curve("bends.square").callback();
  std::vector<double> sums(4);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const Curve mine = f;
      for (int k = 0; k < 20; ++k) sums[static_cast<std::size_t>(i)] += mine(k) + call.function()(2.0, call.data());
    });
  }
  for (std::thread& one : threads) one.join();
  EXPECT_THAT(sums, ElementsAre(270, 270, 270, 270));
}

TEST_F(Functions, AreCalledWithPythonHeldToo) {
  const Curve f("bends.square");
  const PythonLock python;
  double sum = 0;
  for (int i = 0; i < 5; ++i) {
    const PythonLock again;
    sum += f(i);
  }
  EXPECT_EQ(sum, 30);
}

TEST_F(Functions, TakeTheirScriptWithThem) {
  write_text(folder_.path() / "helper_of_mine.py", "answer = 42.0\n");
  write_text(folder_.path() / "late.py", "def late(x):\n    import helper_of_mine\n    return helper_of_mine.answer + x\n");
  const auto modules = [] {
    const PyFunction<std::vector<std::string>(Object)> list("builtins.list");
    int count = 0;
    for (const std::string& name : list(Object::import("sys.modules"))) count += name.ends_with(".late") ? 1 : 0;
    return count;
  };
  {
    const Curve late = Curve::from_file(folder_.path() / "late.py", "late");
    EXPECT_EQ(late(1), 43);  // a sibling that is imported in the call
    EXPECT_EQ(modules(), 1);
  }
  EXPECT_EQ(modules(), 0);
}

TEST_F(Functions, LeaveNothingBehind) {
  const Curve f("bends.square");
  const PyFunction<std::vector<std::string>(std::vector<std::string>)> sorted("builtins.sorted");
  const PyFunction<long()> blocks("sys.getallocatedblocks");
  auto failing = Curve("bends.text").callback();
  const std::vector<double> x(10);
  std::vector<double> out(10);
  const auto work = [&] {
    for (int i = 0; i < 300; ++i) {
      f(i);
      f.map(x, out);
      sorted({"b", "a"});
      failing.function()(1.0, failing.data());
      EXPECT_THROW(failing.rethrow(), Error);
    }
  };
  work();
  const long before = blocks();
  work();
  EXPECT_LT(blocks() - before, 100);
}

}  // namespace
}  // namespace ophion
