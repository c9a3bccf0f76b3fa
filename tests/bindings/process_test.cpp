/// What holds for the process: options, messages, interruption.
#include <mutex>

#include "bindings/support.h"

using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

namespace {

struct Lines {
  std::mutex mutex;
  std::vector<std::pair<std::int32_t, std::string>> heard;

  static void hear(std::int32_t level, const char* line, void* user) {
    auto& lines = *static_cast<Lines*>(user);
    const std::lock_guard lock(lines.mutex);
    lines.heard.emplace_back(level, line);
  }
};

}  // namespace

TEST(Process, RefusesOptionsThatCantBe) {
  EXPECT_EQ(ophion_configure(R"({"thread": 2})"), OPHION_CONFIG);
  EXPECT_THAT(ophion_error_text(), testing::StrEq("options of ophion_configure: unknown key 'thread'; did you mean 'threads'?"));
  EXPECT_EQ(ophion_configure(R"({"threads": "two"})"), OPHION_CONFIG);
  EXPECT_THAT(ophion_error_text(), HasSubstr("/threads: expected a whole number, found text"));
}

TEST(Process, KeepsOptionsThatAreNotNamed) {
  ASSERT_EQ(ophion_configure(R"({"python": "/no/such/python"})"), OPHION_OK) << ophion_error_text();
  ASSERT_EQ(ophion_configure(R"({"ignore_sigpipe": false})"), OPHION_OK);
  ASSERT_EQ(ophion_configure(nullptr), OPHION_OK);
  const auto report = [] {
    return text_from([](char* text, std::size_t size, std::size_t* needed) { return ophion_python_report(text, size, needed); });
  };
  EXPECT_THAT(report(), HasSubstr("/no/such/python"));
  ASSERT_EQ(ophion_configure(R"({"python": "", "ignore_sigpipe": true})"), OPHION_OK);
  EXPECT_THAT(report(), testing::Not(HasSubstr("/no/such/python")));
}

TEST(Process, HandsMessagesToTheCallbackUntilItIsTakenBack) {
  const TemporaryFolder folder;
  const auto events = no_events();
  const std::vector<float> x{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const ophion_column column = column_of("x", OPHION_FLOAT32, x);
  for (const char* name : {"signal", "background"}) {
    ASSERT_EQ(ophion_events_add(events.get(), name, &column, 1, nullptr, nullptr, 0), OPHION_OK) << ophion_error_text();
  }
  // Fails after the events were read, which is said.
  const auto config = config_from(R"({"version": 1, "name": "run", "task": "classification", "output": "/dev/null/runs",
      "data": {"features": ["x"], "split": {"by": "x", "validation": [2], "test": [3]}},
      "methods": [{"name": "sum", "type": "linear", "weights": [1]}]})");
  Lines lines;
  ASSERT_EQ(ophion_set_log(&Lines::hear, &lines), OPHION_OK);
  ophion_run* run = nullptr;
  EXPECT_EQ(ophion_train(config.get(), events.get(), nullptr, nullptr, nullptr, &run), OPHION_FAILED);
  EXPECT_THAT(ophion_error_text(), HasSubstr("/dev/null/runs"));
  EXPECT_THAT(lines.heard, Contains(Pair(OPHION_LOG_INFO, HasSubstr("sample 0 ('signal'): 10 events read"))));
  ASSERT_EQ(ophion_set_log(nullptr, nullptr), OPHION_OK);
  const std::size_t heard = lines.heard.size();
  EXPECT_EQ(ophion_train(config.get(), events.get(), nullptr, nullptr, nullptr, &run), OPHION_FAILED);
  EXPECT_EQ(lines.heard.size(), heard);
}

TEST(Process, TheWishToStopStaysUntilItIsCleared) {
  EXPECT_EQ(ophion_interrupted(), 0);
  ophion_interrupt();
  EXPECT_EQ(ophion_interrupted(), 1);
  ophion_clear_interrupt();
  EXPECT_EQ(ophion_interrupted(), 0);
}
