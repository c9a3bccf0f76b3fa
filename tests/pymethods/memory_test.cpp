/// Calls leave nothing behind: not in the process, not in Python's allocator.
#include "pymethods/support.h"

#include <unistd.h>

#include <fstream>
#include <vector>

#include <ophion/error.h>
#include <ophion/py_method_base.h>

#include "pymethods/py_backend.h"
#include "pymethods/value.h"
#include "slow_tests.h"

namespace ophion {
namespace {

long resident_bytes() {
  std::ifstream file("/proc/self/statm");
  long total = 0, resident = 0;
  file >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

std::int64_t python_blocks() {
  const Gil gil;
  PyGC_Collect();
  return to_value(testing_support::call_function("sys", "getallocatedblocks").get(), "blocks").as_integer();
}

class Memory : public testing_support::PythonTest {
 protected:
#ifdef OPHION_SANITIZE
  void SetUp() override { GTEST_SKIP() << "sanitizers keep what was freed"; }
#endif

  std::unique_ptr<Backend> make(const char* behaviour) {
    Value options = Value::object();
    options.set("predict", behaviour);
    Payload payload;
    payload.members.emplace("model.bin", std::string(8, '\0'));
    const Spec spec{"regression", {"a", "b", "c"}, {}, {"a", "b", "c"}};
    return testing_support::ProbeMethod().load(payload, spec, options, {});
  }

  /// Growth over `calls` calls, after some to warm up. One reference lost a call would be `calls` blocks.
  template <class Call>
  void expect_flat(int calls, std::int64_t most_blocks, Call call) {
    for (int i = 0; i < calls / 5; ++i) call();
    const long bytes = resident_bytes();
    const std::int64_t blocks = python_blocks();
    for (int i = 0; i < calls; ++i) call();
    EXPECT_LT(resident_bytes() - bytes, 1 << 20);
    EXPECT_LT(python_blocks() - blocks, most_blocks);
  }

  std::vector<float> features_{1, 2, 3};
  std::vector<float> scores_{0, 0, 0};
};

TEST_F(Memory, IsFlatOver200000Calls) {
  const auto backend = make("identity");
  expect_flat(200000, 50, [&] { backend->predict(MatrixView(features_.data(), 1, 3), scores_); });
  EXPECT_EQ(scores_, features_);
}

TEST_F(Memory, IsFlatWhenCallsFail) {
  const auto backend = make("fail");
  expect_flat(10000, 20, [&] {
    EXPECT_THROW(backend->predict(MatrixView(features_.data(), 1, 3), scores_), PythonError);
  });
}

TEST_F(Memory, IsFlatAsModelsComeAndGo) {
  expect_flat(slow_tests() ? 1000 : 100, 30, [&] { make("identity")->predict(MatrixView(features_.data(), 1, 3), scores_); });
}

}  // namespace
}  // namespace ophion
