/// What scripts print reaches the host: whole, line by line, in order.
#include "pymethods/support.h"

#include <gmock/gmock.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "pymethods/value.h"

namespace ophion {
namespace {

using testing::ElementsAre;
using testing::Pair;
using testing_support::call_function;

class Output : public testing_support::PythonTest {
 protected:
  using Lines = std::vector<std::pair<LogLevel, std::string>>;

  ~Output() override { configure({}); }

  void listen() {
    RuntimeOptions options;
    options.log_sink = [this](LogLevel level, std::string_view text) {
      EXPECT_FALSE(PyGILState_Check());
      lines_.emplace_back(level, text);
    };
    configure(options);
  }

  static void print(const char* function) {
    const PythonScope scope;
    call_function("printing", function);
  }

  Lines lines_;
};

TEST_F(Output, GoesToTheSinkLineByLine) {
  listen();
  print("line");
  print("to_stderr");
  EXPECT_THAT(lines_, ElementsAre(Pair(LogLevel::script_output, "hello"), Pair(LogLevel::script_error, "trouble")));
}

TEST_F(Output, OfLoggingAndWarningsArrives) {
  listen();
  print("log");
  print("warn");
  ASSERT_GE(lines_.size(), 2u);
  EXPECT_EQ(lines_[0], std::pair(LogLevel::script_error, std::string("logged")));
  EXPECT_THAT(lines_[1].second, testing::HasSubstr("UserWarning: careful"));
}

TEST_F(Output, WithoutALineEndArrivesWithTheEndOfTheCall) {
  listen();
  print("unfinished");
  EXPECT_THAT(lines_, ElementsAre(Pair(LogLevel::script_output, "no end")));
}

TEST_F(Output, OfAProgressBarIsItsLastState) {
  listen();
  print("bar");
  EXPECT_THAT(lines_, ElementsAre(Pair(LogLevel::script_output, "3/3")));
}

TEST_F(Output, TakesBytesAndWhatIsNoText) {
  listen();
  print("odd");
  EXPECT_THAT(lines_, ElementsAre(Pair(testing::_, "é \\udcff"), Pair(testing::_, "bytes"), Pair(testing::_, "one"),
                                  Pair(testing::_, "two")));
}

TEST_F(Output, RefusesWhatIsNeitherTextNorBytes) {
  const PythonScope scope;
  EXPECT_THAT([] { call_function("printing", "wrong"); },
              testing::ThrowsMessage<PythonError>(testing::HasSubstr("write() argument must be str, not int")));
}

TEST_F(Output, ComesWholeAndInOrderHoweverMuch) {
  listen();
  {
    const PythonScope scope;
    const PyRef count = check(PyLong_FromLong(100000), "counting");
    call_function("printing", "many", {count.get()});
  }
  ASSERT_EQ(lines_.size(), 100000u);
  for (std::size_t i = 0; i < lines_.size(); ++i) ASSERT_EQ(lines_[i].second, "line " + std::to_string(i));
}

TEST_F(Output, WithoutASinkIsInOrderWithTheHostsOwn) {
  testing::internal::CaptureStdout();
  std::printf("host 1\n");
  print("line");
  std::printf("host 2\n");
  print("unfinished");
  std::printf("\nhost 3\n");
  std::fflush(stdout);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "host 1\nhello\nhost 2\nno end\nhost 3\n");
}

TEST_F(Output, OfASinkThatThrowsDoesNotReachTheScript) {
  RuntimeOptions options;
  options.log_sink = [](LogLevel, std::string_view) { throw std::runtime_error("full"); };
  configure(options);
  EXPECT_NO_THROW(print("line"));
}

TEST_F(Output, StreamsLookLikePythonsOwn) {
  listen();
  const PythonScope scope;
  const Value facts = to_value(call_function("printing", "facts").get(), "facts");
  EXPECT_EQ(facts, read_json(R"(["utf-8", "backslashreplace", false, false, 1, true, true])", "expected"));
}

}  // namespace
}  // namespace ophion
