/// Python's iterators as C++ ranges and C++ ranges as Python's iterators: their ends, their errors, their owners.
#include "pymethods/support.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iterator>
#include <list>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <ophion/error.h>
#include <ophion/function.h>
#include <ophion/iterate.h>
#include <ophion/runtime.h>

namespace ophion {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Property;
using testing::Throws;
using testing::ThrowsMessage;
using Texts = std::vector<std::string>;

Object numbers(int n) { return PyFunction<Object(int)>("batches.numbers")(n); }
Object made_by(const std::string& name) { return PyFunction<Object()>("batches." + name)(); }
Texts taken() { return PyFunction<Texts()>("batches.taken")(); }
PyFunction<std::vector<double>(Object)> list() { return PyFunction<std::vector<double>(Object)>("builtins.list"); }

class Iterating : public testing_support::PythonTest {
 protected:
  void SetUp() override { taken(); }
};

TEST_F(Iterating, GivesTheItemsOfAGenerator) {
  std::vector<double> items;
  for (const double item : iterate<double>(numbers(4))) items.push_back(item);
  EXPECT_THAT(items, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(taken(), ElementsAre("closed after 4"));
}

TEST_F(Iterating, WorksOnAnyIterable) {
  std::vector<int> items;
  for (const int item : iterate<int>(to_python(std::vector<int>{3, 4}))) items.push_back(item);
  for (auto&& item : iterate(to_python(std::map<int, int>{{5, 6}}))) items.push_back(from_python<int>(item));
  for (const double item : iterate<double>(made_by("only_items"))) items.push_back(static_cast<int>(item));
  for (const int item : iterate<int>(to_python(std::vector<int>()))) items.push_back(item);
  EXPECT_THAT(items, ElementsAre(3, 4, 5, 0, 1, 2));
  EXPECT_THAT([] { iterate(to_python(2.5)); }, ThrowsMessage<Error>("iterate(): expected an iterable, found float"));
  EXPECT_THAT([] { iterate(Object()); }, ThrowsMessage<Error>("expected an iterable, found an empty Object"));
}

TEST_F(Iterating, IsARange) {
  static_assert(std::ranges::input_range<PyRange<double>>);
  auto range = iterate<double>(numbers(10));
  std::vector<double> items;
  std::ranges::copy_if(range, std::back_inserter(items), [](double item) { return item > 6; });
  EXPECT_THAT(items, ElementsAre(7, 8, 9));
}

TEST_F(Iterating, ClosesAGeneratorThatIsLeftEarly) {
  for (const double item : iterate<double>(numbers(100))) {
    if (item == 3) break;
  }
  EXPECT_THAT(taken(), ElementsAre("closed after 100"));
  const Object kept = numbers(7);  // somebody else holds it, and it is closed all the same
  EXPECT_THROW(
      {
        for (const double item : iterate<double>(kept)) {
          if (item == 1) throw std::runtime_error("enough");
        }
      },
      std::runtime_error);
  EXPECT_THAT(taken(), ElementsAre("closed after 7"));
  const auto again = [&] {
    for (const double item : iterate<double>(kept)) ADD_FAILURE() << item;
  };
  EXPECT_NO_THROW(again());
}

TEST_F(Iterating, LeavesOpenWhatIsNoGenerator) {
  for (const double item : iterate<double>(made_by("file"))) {
    if (item == 1) break;
  }
  EXPECT_FALSE(PyFunction<bool()>("batches.file_is_closed")());
}

TEST_F(Iterating, GivesOnWhatPythonRaises) {
  const auto go_through = [] {
    for (const double item : iterate<double>(made_by("failing"))) EXPECT_EQ(item, 1.0);
  };
  EXPECT_THAT(go_through, Throws<PythonError>(Property(&PythonError::message, "no more batches")));
}

TEST_F(Iterating, NamesTheItemThatIsWrong) {
  int good = 0;
  const auto go_through = [&] {
    for (const auto& item : iterate<std::map<std::string, double>>(made_by("mixed"))) good += static_cast<int>(item.size());
  };
  EXPECT_THAT(go_through, ThrowsMessage<Error>("item[2][\"x\"]: expected float, found str"));
  EXPECT_EQ(good, 2);
}

TEST_F(Iterating, SaysInTheLogWhatFailsAtTheEnd) {
  Texts lines;
  RuntimeOptions options = runtime_options();
  RuntimeOptions listening = options;
  listening.log_sink = [&](LogLevel, std::string_view line) { lines.emplace_back(line); };
  configure(listening);
  for (const double item : iterate<double>(made_by("stubborn"))) {
    if (item == 1) break;
  }
  configure(options);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], HasSubstr("closing a generator: RuntimeError: will not be closed"));
}

TEST_F(Iterating, HoldsPythonOnlyWhileItAsks) {
  for (const double item : iterate<double>(numbers(2))) {
    double elsewhere = -1;
    std::thread([&] { elsewhere = PyFunction<double(double)>("math.sqrt")(item * item); }).join();
    EXPECT_EQ(elsewhere, item);
  }
}

TEST_F(Iterating, GivesPythonTheItemsOfARange) {
  EXPECT_THAT(list()(as_iterator(std::vector<int>{1, 2, 3})), ElementsAre(1, 2, 3));
  EXPECT_THAT(list()(as_iterator(std::views::iota(0, 4) | std::views::transform([](int i) { return i * 0.5; }))), ElementsAre(0, 0.5, 1, 1.5));
  EXPECT_THAT(PyFunction<std::vector<bool>(Object)>("builtins.list")(as_iterator(std::vector<bool>{true, false})), ElementsAre(true, false));
  EXPECT_THAT(list()(as_iterator(std::list<double>())), IsEmpty());
  const std::vector<double> lent{7, 8};
  EXPECT_THAT(list()(as_iterator(std::views::all(lent))), ElementsAre(7, 8));
}

TEST_F(Iterating, GivesPythonWhatAFunctionGenerates) {
  int next = 0;
  const auto count = [&next]() -> std::optional<int> {
    if (next < 3) return next++;
    return std::nullopt;
  };
  const Object iterator = as_iterator(count);
  EXPECT_THAT(list()(iterator), ElementsAre(0, 1, 2));
  next = 0;
  EXPECT_THAT(list()(iterator), IsEmpty());  // it has ended for good
  next = 0;
  std::vector<int> back;
  for (const int item : iterate<int>(as_iterator(count))) back.push_back(item);
  EXPECT_THAT(back, ElementsAre(0, 1, 2));
}

/// A range that says when it is destroyed.
struct Watched {
  std::shared_ptr<int> life = std::make_shared<int>(0);
  std::optional<int> operator()() const { return *life; }
};

TEST_F(Iterating, OwnsTheRangeAsLongAsPythonHasTheIterator) {
  Watched watched;
  const std::weak_ptr<int> life = watched.life;
  Object iterator = as_iterator(std::move(watched));
  EXPECT_EQ(PyFunction<int(Object)>("batches.first")(iterator), 0);
  EXPECT_EQ(life.use_count(), 1);
  iterator = Object();
  EXPECT_TRUE(life.expired());
  Watched other;
  const std::weak_ptr<int> another = other.life;
  Object wrapped = PyFunction<Object(Object)>("batches.wrapped")(as_iterator(std::move(other)));
  EXPECT_FALSE(another.expired());
  std::thread([&] { wrapped = Object(); }).join();  // a generator over it goes, on a thread that never held Python
  EXPECT_TRUE(another.expired());
}

struct OwnError : std::logic_error {
  explicit OwnError(int given) : std::logic_error("own error"), number(given) {}
  int number;
};

Object failing_after(int n) {
  return as_iterator([n, next = 0]() mutable -> std::optional<int> {
    if (next == n) throw OwnError(42);
    return next++;
  });
}

TEST_F(Iterating, CarriesACppExceptionThroughPythonAndBack) {
  EXPECT_THAT([] { list()(failing_after(2)); }, Throws<OwnError>(testing::Field(&OwnError::number, 42)));
  const auto through_a_generator = [] {
    int sum = 0;
    for (const int item : iterate<int>(PyFunction<Object(Object)>("batches.wrapped")(failing_after(3)))) sum += item;
  };
  EXPECT_THAT(through_a_generator, Throws<OwnError>(testing::Field(&OwnError::number, 42)));
  const auto of_no_class = as_iterator([]() -> std::optional<int> { throw 7; });
  EXPECT_THAT([&] { list()(of_no_class); }, Throws<int>(7));
}

TEST_F(Iterating, RaisesInPythonWhatCppThrows) {
  const PyFunction<std::string(Object)> caught("batches.caught");
  EXPECT_EQ(caught(failing_after(2)), "ophion.errors.CppError: own error");
  EXPECT_EQ(caught(as_iterator(std::vector<std::string>{"\xc3\xa9"})), "['\xc3\xa9']");
  EXPECT_THAT([] { PyFunction<Object(Object)>("batches.wrapped_error")(failing_after(2)); },
              Throws<PythonError>(Property(&PythonError::causes, ElementsAre(testing::AllOf(
                                                                     testing::Field(&PythonError::Cause::type, "ophion.errors.CppError"),
                                                                     testing::Field(&PythonError::Cause::message, "own error"))))));
  EXPECT_THAT([] { made_by("raise_cpp_error"); }, Throws<PythonError>(Property(&PythonError::message, "made in Python")));
}

TEST_F(Iterating, ReleasesPythonWhileCppMakesAnItem) {
  const PyFunction<double(double)> square_root("math.sqrt");
  const Object roots = as_iterator([&, next = 0]() mutable -> std::optional<double> {
    double root = 0;
    std::thread([&] { root = square_root(next++); }).join();  // another thread needs Python meanwhile
    return next < 3 ? std::optional(root) : std::nullopt;
  });
  EXPECT_THAT(list()(roots), ElementsAre(0, 1));
}

TEST_F(Iterating, RefusesTwoThreadsAtOnce) {
  std::atomic<int> inside{0};
  const Object slow = as_iterator([&]() -> std::optional<int> {
    ++inside;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return 1;
  });
  EXPECT_THAT(PyFunction<Texts(Object)>("batches.twice_at_a_time")(slow),
              ElementsAre("1", "this iterator is being asked by another thread, or by itself"));
  EXPECT_EQ(inside, 1);
}

TEST_F(Iterating, LeavesNothingBehind) {
  const PyFunction<long()> count("sys.getallocatedblocks");
  const PyFunction<void()> collect("gc.collect");
  const auto blocks = [&] {
    collect();
    return count();
  };
  const PyFunction<Object(int)> generator("batches.numbers");
  const auto to_list = list();
  const auto work = [&] {
    for (int i = 0; i < 500; ++i) {
      for (const double item : iterate<double>(generator(5))) {
        if (item == 2) break;
      }
      to_list(as_iterator(std::views::iota(0, 5)));
      EXPECT_THROW(to_list(failing_after(1)), OwnError);
    }
    taken();
  };
  work();
  const long before = blocks();
  work();
  EXPECT_LT(blocks() - before, 250);  // half a block a call would be lost
}

}  // namespace
}  // namespace ophion
