/// Guests in worker processes: whatever they do, the host gets an error that says what, and goes on.
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <numeric>
#include <thread>

#include <gmock/gmock.h>

#include <ophion/error.h>
#include <ophion/isolation.h>
#include <ophion/runtime.h>

#include "core/error_of.h"
#include "core/guests.h"
#include "core/temporary_folder.h"

using namespace ophion;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

TEST(Isolation, ScoresInAnotherProcess) {
  const auto backend = loaded(R"({"predict": "sum"})");
  EXPECT_EQ(backend->name(), "guest");
  EXPECT_NE(backend->versions().at("process").as_integer(), getpid());
  EXPECT_EQ(score(*backend, 1, 2), 3.0f);
  std::vector<float> x(300'000);
  std::iota(x.begin(), x.end(), 0.0f);
  std::vector<float> out(150'000);
  backend->predict(MatrixView(x.data(), 150'000, 2), out);
  EXPECT_EQ(out[0], 1.0f);
  EXPECT_EQ(out[149'999], x[299'998] + x[299'999]);
}

TEST(Isolation, KeepsTheOrderInWhichRowsLie) {
  const auto backend = isolated_method(guest_registry(), "guest", {})->load({}, {"regression", {"x", "y"}, {}, {"a"}}, options_of(R"({"predict": "strides"})"), {});
  std::vector<float> x(12), out(6);
  backend->predict(MatrixView(x.data(), 6, 2), out);
  EXPECT_THAT(std::vector(out.begin(), out.begin() + 2), ElementsAre(2.0f, 1.0f));
  backend->predict(MatrixView(x.data(), 6, 2, 1, 6), out);
  EXPECT_THAT(std::vector(out.begin(), out.begin() + 2), ElementsAre(1.0f, 6.0f));
}

TEST(Isolation, LendsSharedMemoryWithoutACopyAndForReadingOnly) {
  const auto x = shared_floats(20'000);
  std::fill_n(x.get(), 20'000, 1.0f);
  std::vector<float> out(10'000);
  loaded(R"({"predict": "sum"})")->predict(MatrixView(x.get(), 10'000, 2), out);
  EXPECT_EQ(out[9'999], 2.0f);
  const auto writer = loaded(R"({"predict": "write"})");
  EXPECT_THAT(error_of<WorkerError>([&] { writer->predict(MatrixView(x.get(), 10'000, 2), out); }), HasSubstr("signal 11"));
  EXPECT_EQ(x[0], 1.0f);
}

TEST(Isolation, ForgetsSharedMemoryHoweverMuchGoesAtOnce) {
  const auto backend = loaded(R"({"predict": "sum"})");
  std::vector<float> out(1024);
  const auto score_all = [&](std::size_t count) {
    std::vector<std::shared_ptr<float[]>> blocks;
    for (std::size_t i = 0; i < count; ++i) {
      blocks.push_back(shared_floats(2048));
      std::fill_n(blocks.back().get(), 2048, static_cast<float>(i));
      backend->predict(MatrixView(blocks.back().get(), 1024, 2), out);
      ASSERT_EQ(out[1023], static_cast<float>(2 * i));
    }
  };
  for (int i = 0; i < 3; ++i) ASSERT_NO_FATAL_FAILURE(score_all(600));
}

TEST(Isolation, NamesHowAWorkerEndedAndGoesOn) {
  const struct {
    const char* behaviour;
    const char* ending;
  } cases[] = {{"exit", "ended with exit status 7"}, {"exit by C", "ended with exit status 3"},
               {"segfault", "was ended by signal 11 (Segmentation fault)"}, {"abort", "was ended by signal 6 (Aborted)"}};
  for (const auto& one : cases) {
    const auto backend = loaded(std::string(R"({"name": "net", "predict": ")") + one.behaviour + "\"}");
    const auto other = loaded(R"({"predict": "sum"})");
    EXPECT_EQ(score(*backend, 1, 1), 2.0f);
    EXPECT_EQ(error_of<WorkerError>([&] { score(*backend, -1, 1); }),
              std::string("method 'net': predict(): the worker process ") + one.ending);
    EXPECT_EQ(score(*other, 2, 2), 4.0f);
    EXPECT_EQ(score(*backend, 3, 1), 4.0f);
  }
}

TEST(Isolation, EndsACallAtItsTimeLimit) {
  CallOptions call;
  call.time_limit = 0.2;
  const auto backend = loaded(R"({"name": "net", "predict": "loop"})", {}, call);
  EXPECT_EQ(error_of<TimeLimit>([&] { score(*backend, -1, 1); }),
            "method 'net': predict() took longer than its time_limit of 0.2 s; its worker process was ended");
  EXPECT_EQ(score(*backend, 1, 1), 2.0f);
}

TEST(Isolation, LimitsMemory) {
#ifdef OPHION_SANITIZE
  GTEST_SKIP() << "sanitizers take terabytes of addresses";
#endif
  WorkerSettings settings;
  settings.memory_limit = std::size_t{1} << 30;
  const auto backend = loaded(R"({"name": "net", "predict": "bomb"})", settings);
  EXPECT_EQ(error_of<WorkerError>([&] { score(*backend, -1, 1); }),
            "method 'net': predict(): the worker process ran out of memory (its memory_limit is 1073741824 bytes)");
  EXPECT_EQ(score(*backend, 1, 1), 2.0f);
}

TEST(Isolation, BringsEveryKindOfErrorBack) {
  const auto with = [](const char* behaviour) { return std::string(R"({"predict": ")") + behaviour + "\"}"; };
  const auto backend = loaded(with("throw"));
  EXPECT_EQ(error_of<Error>([&] { score(*backend, -1, 1); }), "no luck");
  EXPECT_EQ(score(*backend, 1, 1), 2.0f);
  EXPECT_EQ(error_of<DataError>([&] { score(*loaded(with("data")), -1, 1); }), "bad row");
  EXPECT_EQ(error_of<TimeLimit>([&] { score(*loaded(with("time")), -1, 1); }), "too long");
  try {
    score(*loaded(with("config")), -1, 1);
    ADD_FAILURE();
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.pointer(), "/methods/0");
    EXPECT_STREQ(error.what(), "a.json /methods/0: bad");
  }
  try {
    score(*loaded(with("python")), -1, 1);
    ADD_FAILURE();
  } catch (const PythonError& error) {
    EXPECT_STREQ(error.what(), "predict(): ValueError: two\nlines\n  File \"x.py\", line 3");
    EXPECT_EQ(error.type(), "ValueError");
    EXPECT_EQ(error.traceback(), "  File \"x.py\", line 3");
    ASSERT_EQ(error.causes().size(), 1u);
    EXPECT_EQ(error.causes()[0].message, "'k'");
  }
}

TEST(Isolation, FailsToLoadAsInThisProcess) {
  EXPECT_EQ(error_of<Error>([] { loaded(R"({"load": "throw"})"); }), "no luck");
  EXPECT_EQ(error_of<WorkerError>([] { loaded(R"({"load": "exit"})"); }), "method 'guest': load(): the worker process ended with exit status 7");
}

TEST(Isolation, HandsOnEveryLineInOrder) {
  std::vector<std::string> lines;
  RuntimeOptions options;
  options.log_sink = [&](LogLevel level, std::string_view line) {
    EXPECT_EQ(level, LogLevel::script_output);
    lines.emplace_back(line);
  };
  configure(options);
  const auto backend = loaded(R"({"predict": "log"})");
  EXPECT_EQ(score(*backend, -1, 1), 0.0f);
  configure({});
  ASSERT_EQ(lines.size(), 1000u);
  EXPECT_EQ(lines[0], "line 0\xff");
  EXPECT_EQ(lines[999], "line 999\xff");
}

TEST(Isolation, HandsOnLinesBetweenCallsWithTheNext) {
  std::vector<std::string> lines;
  RuntimeOptions options;
  options.log_sink = [&](LogLevel, std::string_view line) { lines.emplace_back(line); };
  configure(options);
  const auto backend = loaded(R"({"predict": "late"})");
  score(*backend, -1, 1);
  EXPECT_TRUE(lines.empty());
  EXPECT_TRUE(comes_true([&] {
    score(*backend, 1, 1);
    return !lines.empty();
  }));
  configure({});
  EXPECT_THAT(lines, ElementsAre("late"));
}

TEST(Isolation, TrainsOnEventsOfThisProcess) {
  const TemporaryFolder folder;
  TrainContext context = context_of(R"({"train": "epochs"})");
  context.checkpoints = folder.path();
  std::vector<double> losses;
  context.progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.method, "one");
    EXPECT_EQ(progress.metrics[1].first, "nothing");
    EXPECT_TRUE(std::isnan(progress.metrics[1].second));
    losses.push_back(progress.metrics[0].second);
    return progress.epoch < 3;
  };
  const ThreeEvents events;
  const Payload payload = isolated_method(guest_registry(), "guest", {})->train(events.data(), context);
  EXPECT_THAT(losses, ElementsAre(1.0, 0.5, 1.0 / 3));
  EXPECT_EQ(payload.info.at("epochs").as_integer(), 3);
  EXPECT_NE(payload.info.at("process").as_integer(), getpid());
  EXPECT_EQ(payload.members.at("sums"), "21.000000 2 3.500000 0 0");
  EXPECT_EQ(payload.members.at("bytes"), std::string("\0\xff\n", 3));
  EXPECT_TRUE(fs::exists(folder.path() / "checkpoint"));
}

TEST(Isolation, LetsTheHostsOwnExceptionEndATraining) {
  TrainContext context = context_of(R"({"train": "until stopped"})");
  context.progress = [](const Progress& progress) -> bool {
    if (progress.epoch == 2) throw std::domain_error("enough");
    return true;
  };
  const auto method = isolated_method(guest_registry(), "guest", {});
  const ThreeEvents events;
  EXPECT_EQ(error_of<std::domain_error>([&] { method->train(events.data(), context); }), "enough");
  EXPECT_NO_THROW(method->check(context_of("{}")));
}

TEST(Isolation, PassesInterruptOn) {
  TrainContext context = context_of(R"({"train": "wait for interrupt"})");
  const auto method = isolated_method(guest_registry(), "guest", {});
  method->check(context);  // a worker waits
  std::thread later([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    interrupt();
  });
  const ThreeEvents events;
  EXPECT_EQ(method->train(events.data(), context).members.at("sums"), "21.000000 2 3.500000 0 0");
  later.join();
  clear_interrupt();
  TrainContext next = context_of(R"({"train": "until stopped"})");
  next.progress = [](const Progress& progress) { return progress.epoch < 3; };
  EXPECT_EQ(method->train(events.data(), next).info.at("epochs").as_integer(), 3);
}

TEST(Isolation, ScoresInSeveralWorkersAtOnce) {
  const TemporaryFolder folder;
  const auto backend = loaded(R"({"predict": "meet", "folder": ")" + folder.path().string() + "\"}", {}, {}, 4);
  std::vector<std::thread> threads;
  std::atomic<int> met = 0;
  for (int t = 0; t < 4; ++t) threads.emplace_back([&] { met += score(*backend, 1, 1) == 1.0f; });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(met, 4) << "each waits for the others in its call";
}

TEST(Isolation, GivesEveryThreadItsOwnScores) {
  const auto backend = loaded(R"({"predict": "sum"})", {}, {}, 2);
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 300; ++i) wrong += score(*backend, static_cast<float>(t), static_cast<float>(i)) != static_cast<float>(t + i);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}
