/// Who keeps memory alive, and who may drop it where. Run under sanitizers too.
#include "objects/support.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <mutex>
#include <thread>
#include <vector>

#include "pymethods/dlpack.h"

namespace ophion {
namespace {

using namespace testing_support;

class Lifetimes : public PythonTest {
 protected:
  static void keep(const std::string& borrower, const Object& object) {
    const Gil gil;
    call_function("borrowers", "keep", {to_text(borrower).get(), object.get()});
  }
  static double total_of_kept(const std::string& borrower) {
    const Gil gil;
    return PyFloat_AsDouble(call_function("borrowers", "total_of_kept", {to_text(borrower).get()}).get());
  }
  static void forget(const std::string& borrower) {
    const Gil gil;
    call_function("borrowers", "forget", {to_text(borrower).get()});
  }

  /// Keeps a borrower in Python, drops Buffer and object, then the borrower.
  static void expect_kept_by(const std::string& borrower, bool readable) {
    Tracked memory(3);
    keep(borrower, memory.buffer(3).object());
    EXPECT_FALSE(*memory.freed) << borrower;
    if (readable) {
      EXPECT_EQ(total_of_kept(borrower), 6) << borrower;
    }
    forget(borrower);
    EXPECT_TRUE(*memory.freed) << borrower;
    EXPECT_TRUE(*memory.without_gil) << borrower;
  }
};

TEST_F(Lifetimes, LastAsLongAsTheLastBorrower) {
  for (const char* borrower : {"np.asarray(b)", "np.asarray(b)[::-1]", "memoryview(b)", "memoryview(b)[0:3]", "np.from_dlpack(b)",
                               "np.frombuffer(b, np.float32)", "np.asarray(OnlyStruct(b))", "np.asarray(OnlyInterface(b))"}) {
    expect_kept_by(borrower, true);
  }
}

TEST_F(Lifetimes, LastAsLongAsACapsuleThatNobodyConsumed) {
  for (const char* capsule : {"b.__dlpack__()", "b.__dlpack__(max_version=(1, 0))", "b.__array_struct__", "b"}) expect_kept_by(capsule, false);
}

TEST_F(Lifetimes, LastAsLongAsATensorOrAnArrowBuffer) {
  if (!has_libraries()) GTEST_SKIP() << "PyTorch and pyarrow don't run under a sanitizer";
  for (const char* borrower : {"torch().from_dlpack(b)", "torch().from_dlpack(b).view(3, 1)[:, 0]",
                               "torch().from_numpy(np.asarray(b))", "torch().utils.dlpack.from_dlpack(b.__dlpack__())",
                               "pyarrow().py_buffer(b)", "pyarrow().Array.from_buffers(pyarrow().float32(), 3, [None, pyarrow().py_buffer(b)]).to_numpy()"}) {
    expect_kept_by(borrower, true);
  }
}

TEST_F(Lifetimes, OfACopyAreItsOwn) {
  Tracked memory(3);
  keep("np.from_dlpack(b, copy=True)", memory.buffer(3).object());
  EXPECT_TRUE(*memory.freed);
  EXPECT_EQ(total_of_kept("np.from_dlpack(b, copy=True)"), 6);
  forget("np.from_dlpack(b, copy=True)");
}

TEST_F(Lifetimes, OfBuffersOutlastTheirObjects) {
  Tracked memory(3);
  {
    const Buffer<float> buffer = memory.buffer(3);
    const Buffer<float> copy = buffer;
    buffer.object();
    copy.object();
    EXPECT_FALSE(*memory.freed);
    EXPECT_EQ(copy[2], 3);
  }
  EXPECT_TRUE(*memory.freed);
}

TEST_F(Lifetimes, MayEndOnAnyThread) {
  Tracked memory(3);
  Object object = memory.buffer(3).object();
  std::thread([taken = std::move(object)]() mutable { taken = Object(); }).join();
  EXPECT_TRUE(*memory.freed);

  Tracked held(3);
  Buffer<float> buffer = held.buffer(3);
  const Gil gil;  // who drops a Buffer waits for nobody
  std::thread([taken = std::move(buffer)]() mutable { const Buffer<float> last = std::move(taken); }).join();
  EXPECT_TRUE(*held.freed);
}

/// A tensor as a consumer has it.
template <class Managed>
Managed* consume(const Object& object, const char* expression) {
  const Gil gil;
  const PyRef capsule = PyRef::steal(call_function("borrowers", "take", {to_text(expression).get(), object.get()}).release());
  auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule.get(), Managed::name));
  check(PyCapsule_SetName(capsule.get(), Managed::used_name), "consuming a capsule");
  return managed;
}

template <class Managed>
void expect_deleted_without_gil(const char* expression) {
  Tracked memory(3);
  auto* managed = consume<Managed>(memory.buffer(3).object(), expression);
  EXPECT_EQ(static_cast<float*>(managed->tensor.data)[2], 3);
  EXPECT_EQ(managed->tensor.shape[0], 3);
  EXPECT_EQ(managed->tensor.strides[0], 1);
  EXPECT_FALSE(*memory.freed);
  const Gil gil;  // the deleter must not want it
  std::thread([managed] { managed->deleter(managed); }).join();
  EXPECT_TRUE(*memory.freed);
}

TEST_F(Lifetimes, OfTensorsMayEndWithoutTheGil) {
  expect_deleted_without_gil<dlpack::ManagedTensor>("b.__dlpack__()");
  expect_deleted_without_gil<dlpack::VersionedTensor>("b.__dlpack__(max_version=(1, 0))");
}

TEST_F(Lifetimes, AreNotPartOfTheGilsBusiness) {
  // The keeper wants a lock; whoever has the lock wants the GIL: freeing with the GIL held would never end.
  std::mutex lock;
  std::atomic<bool> locked = false;
  std::thread other;
  {
    auto memory = std::shared_ptr<float>(new float[3]{}, [&](const float* data) {
      other = std::thread([&] {
        const std::lock_guard held(lock);
        locked = true;
        const Gil gil;
      });
      while (!locked) std::this_thread::yield();
      const std::lock_guard held(lock);
      delete[] data;
    });
    Object object = Buffer<float>{std::span<float>(memory.get(), 3), std::move(memory)}.object();
    const Gil gil;
    object = Object();
  }
  other.join();
}

TEST_F(Lifetimes, OfViewsKeepTheirExporter) {
  for (const char* expression : {"np.arange(3, dtype=np.float32)", "memoryview(np.arange(3, dtype=np.float32))",
                                 "array.array('f', [0, 1, 2])",
                                 "OnlyStruct(np.arange(3, dtype=np.float32))", "OnlyInterface(np.arange(3, dtype=np.float32))"}) {
    const auto seen = view<float>(make(expression));
    EXPECT_EQ(seen[2], 2) << expression;
  }
}

TEST_F(Lifetimes, OfViewsEndWithTheLastCopy) {
  for (const char* borrower : {"np.asarray(b)", "memoryview(b)", "OnlyDlpack(b)", "OnlyStruct(b)", "b"}) {
    Tracked memory(3);
    {
      Object object = memory.buffer(3).object();
      const Gil gil;
      object = Object::steal(call_function("borrowers", "take", {to_text(borrower).get(), object.get()}).release());
      View<float> seen = view<float>(object);
      object = Object();
      const View<float> copy = seen;
      seen = copy;
      EXPECT_FALSE(*memory.freed) << borrower;
      EXPECT_EQ(copy[2], 3) << borrower;
    }
    EXPECT_TRUE(*memory.freed) << borrower;
  }
}

TEST_F(Lifetimes, OfRefusedViewsAreOver) {
  for (const char* borrower : {"np.asarray(b)", "memoryview(b)", "OnlyDlpack(b)", "OnlyStruct(b)"}) {
    Tracked memory(3);
    {
      const Object object = memory.buffer(3).object();
      const Gil gil;
      const Object taken = Object::steal(call_function("borrowers", "take", {to_text(borrower).get(), object.get()}).release());
      EXPECT_THROW(view<double>(taken), DataError) << borrower;
    }
    EXPECT_TRUE(*memory.freed) << borrower;
  }
}

TEST_F(Lifetimes, OfABufferOverAViewReachTheExporter) {
  Tracked memory(3);
  {
    const auto seen = std::make_shared<View<float>>(view<float>(memory.buffer(3).object()));
    const Object again = Buffer<float>(*seen, seen).object();
    EXPECT_EQ(say(again, "np.asarray(b).tolist()"), "[1.0, 2.0, 3.0]");
  }
  EXPECT_TRUE(*memory.freed);
}

TEST_F(Lifetimes, AreCountedRightlyByManyThreads) {
  constexpr int threads = 4, rounds = 100;
  Tracked memory(64);
  {
    const Buffer<float> buffer = memory.buffer(64);
    std::vector<std::thread> all;
    std::atomic<int> right = 0;
    for (int i = 0; i < threads; ++i) {
      all.emplace_back([&] {
        for (int round = 0; round < rounds; ++round) {
          const Object object = buffer.object();
          const View<const float> seen = view<const float>(object);
          auto* tensor = consume<dlpack::VersionedTensor>(object, "b.__dlpack__(max_version=(1, 0))");
          if (seen[63] == 64 && static_cast<float*>(tensor->tensor.data)[63] == 64) ++right;
          tensor->deleter(tensor);
        }
      });
    }
    for (std::thread& thread : all) thread.join();
    EXPECT_EQ(right, threads * rounds);
    EXPECT_FALSE(*memory.freed);
  }
  EXPECT_TRUE(*memory.freed);
}

/// A process of its own (tests/process/buffer_program.cpp).
std::pair<int, std::string> run_program(const std::string& what) {
  std::FILE* pipe = popen((std::string("timeout 60 '") + OPHION_BUFFER_PROGRAM + "' " + what + " 2>&1").c_str(), "r");
  std::string output;
  std::array<char, 4096> part{};
  while (const std::size_t size = std::fread(part.data(), 1, part.size(), pipe)) output.append(part.data(), size);
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), output};
}

TEST(Process, MayDropBuffersAfterPythonsEnd) {
  const auto [code, output] = run_program("after_the_end");
  EXPECT_EQ(code, 0) << output;
  EXPECT_EQ(output, "Python has ended\nfreed by the last Buffer\nfreed by the last tensor\n");
}

TEST(Process, SharesAGigabyteWithoutACopy) {
  if (!has_libraries()) GTEST_SKIP() << "a sanitizer's own memory is in the way";
  const auto [code, output] = run_program("gigabyte");
  if (code == 77) GTEST_SKIP() << output;
  EXPECT_EQ(code, 0) << output;
  EXPECT_EQ(output, "");
}

}  // namespace
}  // namespace ophion
