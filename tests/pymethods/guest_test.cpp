/// What scripts do to the process is undone when their call ends, and said.
#include "pymethods/support.h"

#include <gmock/gmock.h>
#include <sys/time.h>

#include <cfenv>
#include <clocale>
#include <cstdio>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <mutex>
#include <string>
#include <vector>

#include <ophion/error.h>
#include <ophion/py_method_base.h>
#include <ophion/runtime.h>

#include "pymethods/value.h"

namespace ophion {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// What a C++ host, and the next script, can see of the process.
std::vector<std::string> process_state() {
  struct sigaction action {};
  sigaction(SIGSEGV, nullptr, &action);
  itimerval timer{};
  getitimer(ITIMER_REAL, &timer);
  volatile float tiny = std::numeric_limits<float>::denorm_min() * 4;
  tiny = tiny / 2;
  const char* variable = std::getenv("OPHION_TEST_UNRULY");
  const char* kept = std::getenv("OPHION_TEST_KEPT");
  std::vector<std::string> state{std::filesystem::current_path().string(),
                                 std::string("unruly ") + (variable ? variable : "unset"),
                                 std::string("kept ") + (kept ? kept : "unset"),
                                 std::setlocale(LC_ALL, nullptr),
                                 "SIGSEGV " + std::to_string(reinterpret_cast<std::uintptr_t>(action.sa_handler)),
                                 timerisset(&timer.it_value) ? "alarm" : "no alarm",
                                 tiny > 0 ? "denormals" : "no denormals"};
  const Gil gil;
  const Value facts = to_value(testing_support::call_function("unruly_facts", "facts").get(), "facts");
  for (const Value& fact : facts.as_array()) state.push_back(fact.as_text());
  return state;
}

class Guests : public testing_support::PythonTest {
 protected:
  Guests() {
    context_.name = "mean";
    context_.spec = {"classification", {"a", "b"}, {"background", "signal"}, {}};
    context_.options.set("script", "/home/user/mlp.py");
    for (int i = 0; i < 100; ++i) labels_.push_back(i % 2);
    data_.train.features = MatrixView(features_.data(), 100, 2);
    data_.train.labels = labels_;
    data_.train.weights = weights_;
    {  // os.environ knows only what Python itself has set
      const Gil gil;
      testing_support::call_function("unruly_facts", "prepare");
    }
    RuntimeOptions options;
    options.log_sink = [this](LogLevel level, std::string_view line) {
      if (level == LogLevel::info || level == LogLevel::warning) log_ += std::string(line) + "\n";
    };
    configure(options);
  }
  ~Guests() override { configure({}); }

  void option(const char* key, const char* value) { context_.options.set(key, value); }
  Payload train() const { return method_.train(data_, context_); }
  std::unique_ptr<Backend> load(const char* predict) {
    option("predict", predict);
    Payload payload;
    payload.members.emplace("model.bin", std::string(8, '\0'));
    return method_.load(payload, context_.spec, context_.options, {});
  }
  void predict(const Backend& backend) {
    std::vector<float> scores(3);
    backend.predict(MatrixView(features_.data(), 3, 2), scores);
  }

  testing_support::ProbeMethod method_;
  TrainContext context_;
  TrainingData data_;
  std::vector<float> features_ = std::vector<float>(200, 1.0f);
  std::vector<std::int32_t> labels_;
  std::vector<double> weights_ = std::vector<double>(100, 1.0);
  std::string log_;
};

TEST_F(Guests, LeaveTheProcessAsItWasBeforeACheck) {
  const auto before = process_state();
  option("check", "unruly:everything");
  method_.check(context_);
  EXPECT_THAT(process_state(), ElementsAreArray(before));
  EXPECT_THAT(log_, HasSubstr("mlp.py: check() changed "));
  EXPECT_THAT(log_, HasSubstr("the current folder"));
  EXPECT_THAT(log_, HasSubstr("os.environ['OPHION_TEST_KEPT']"));
  EXPECT_THAT(log_, HasSubstr("handlers of signals, the alarm: put back"));
}

TEST_F(Guests, LeaveTheProcessAsItWasBeforeATraining) {
  const auto before = process_state();
  option("train", "unruly:everything");
  train();
  EXPECT_THAT(process_state(), ElementsAreArray(before));
  EXPECT_THAT(log_, HasSubstr("mlp.py: train() changed "));
}

TEST_F(Guests, LeaveTheProcessAsItWasWhenTheyFail) {
  const auto before = process_state();
  for (const char* deed : {"unruly:fall_apart", "unruly:recurse", "unruly:mute", "unruly:exit_loudly"}) {
    option("check", deed);
    EXPECT_THROW(method_.check(context_), PythonError) << deed;
    EXPECT_THAT(process_state(), ElementsAreArray(before)) << deed;
  }
}

TEST_F(Guests, LeaveTheRandomGeneratorsAsTheyWere) {
  const auto before = process_state();
  option("train", "unruly:draw");
  train();
  EXPECT_THAT(process_state(), ElementsAreArray(before));
  EXPECT_EQ(log_, "");
}

TEST_F(Guests, SayNothingWhenNothingWasChanged) {
  train();
  EXPECT_EQ(log_, "");
}

TEST_F(Guests, AreFollowedInEachCallOnceTheyWereCaught) {
  const auto backend = load("unruly:everything");
  const auto before = process_state();
  for (int i = 0; i < 7; ++i) {
    predict(*backend);
    ASSERT_THAT(process_state(), ElementsAreArray(before)) << "call " << i;
  }
  EXPECT_THAT(log_, HasSubstr("mlp.py: predict() changed "));
}

TEST_F(Guests, WhoseExceptionsHaveNoWordsAreErrors) {
  option("check", "unruly:mute");
  EXPECT_THAT([this] { method_.check(context_); }, ThrowsMessage<PythonError>(HasSubstr("Mute: <str() failed>")));
}

TEST_F(Guests, WhoRecurseForEverAreErrorsOfModestSize) {
  option("check", "unruly:recurse");
  try {
    method_.check(context_);
    FAIL();
  } catch (const PythonError& error) {
    EXPECT_EQ(error.type(), "RecursionError");
    EXPECT_LT(error.traceback().size(), 20000u);
  }
}

TEST_F(Guests, WhoPrintMegabytesLoseNothing) {
  std::size_t characters = 0;
  RuntimeOptions options;
  options.log_sink = [&](LogLevel level, std::string_view line) {
    if (level == LogLevel::script_output) characters += line.size();
  };
  configure(options);
  option("check", "unruly:print_megabytes");
  method_.check(context_);
  EXPECT_EQ(characters, std::size_t{8} << 20);
}

TEST_F(Guests, DivideByZeroInATrainingOfAHostThatTrapsIt) {
  feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
  option("train", "divide");
  EXPECT_NO_THROW(train());
  const auto backend = load("unruly:flush_to_zero");
  predict(*backend);
  const int traps = fedisableexcept(FE_ALL_EXCEPT);
  EXPECT_EQ(traps, FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
}

TEST_F(Guests, WhoFlushDenormalsInAnyPredictionDoNotDoSoInTheHost) {
  const auto backend = load("unruly:flush_to_zero");
  const auto before = process_state();
  for (int i = 0; i < 5; ++i) predict(*backend);  // the third and the fifth are not looked after otherwise
  EXPECT_THAT(process_state(), ElementsAreArray(before));
}

TEST_F(Guests, WhoseCCodePrintsAreHeardWhenThatIsAskedFor) {
  std::mutex mutex;  // two threads of Ophion's call the sink
  std::vector<std::string> out, err;
  RuntimeOptions options;
  options.capture_c_output = true;
  options.log_sink = [&](LogLevel level, std::string_view line) {
    const std::lock_guard lock(mutex);
    if (level == LogLevel::script_output) out.emplace_back(line);
    if (level == LogLevel::script_error) err.emplace_back(line);
  };
  configure(options);
  option("train", "c_output");
  for (int training = 0; training < 2; ++training) {
    out.clear();
    err.clear();
    testing::internal::CaptureStdout();
    train();
    std::printf("the host's\n");
    std::fflush(stdout);
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "the host's\n");
    ASSERT_EQ(out.size(), 1001u);
    for (std::size_t i = 0; i < 1000; ++i) ASSERT_EQ(out[i], "line " + std::to_string(i));
    EXPECT_EQ(out.back(), "from a process");
    EXPECT_EQ(err, std::vector<std::string>{"trouble without an end"});
  }
}

TEST_F(Guests, WhoWriteIntoWhatTheyWereLentAreFoundOutBeforeTheyReachTheEvents) {
  option("train", "write");
  const auto before = features_;
  EXPECT_THAT([this] { train(); },
              ThrowsMessage<DataError>("mlp.py: train() changed the events it was lent: it must work on a copy"));
  EXPECT_EQ(features_, before);  // it was the rehearsal's copies
}

TEST_F(Guests, WhoWriteIntoTheEventsLaterAreFoundOutToo) {
  option("train", "write_later");
  EXPECT_THAT([this] { train(); },
              ThrowsMessage<DataError>("mlp.py: train() changed the events it was lent: it must work on a copy"));
}

}  // namespace
}  // namespace ophion
