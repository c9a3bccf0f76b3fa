/// Objects of C++ programs: found by name, shared between threads, dropped anywhere.
#include "pymethods/support.h"

#include <gmock/gmock.h>

#include <thread>
#include <vector>

#include <ophion/error.h>
#include <ophion/object.h>

#include "core/temporary_folder.h"

namespace ophion {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class Objects : public testing_support::PythonTest {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    write_text(folder_.path() / name, text);
    return (folder_.path() / name).string();
  }

  TemporaryFolder folder_;
};

Py_ssize_t references(const Object& object) {
  const Gil gil;
  return Py_REFCNT(object.get());
}

TEST_F(Objects, AreFoundByTheirDottedNames) {
  const Object exp = Object::import("math.exp");
  const Object join = Object::import("os.path.join");
  const Object method = Object::import("collections.OrderedDict.fromkeys");
  const Object module = Object::import("xml.dom.minidom");  // two imports deep
  const Gil gil;
  EXPECT_TRUE(PyCFunction_Check(exp.get()));
  EXPECT_TRUE(PyFunction_Check(join.get()));
  EXPECT_TRUE(PyCallable_Check(method.get()));
  EXPECT_TRUE(PyModule_Check(module.get()));
}

TEST_F(Objects, ThatAreNotThereAreErrorsWithTheNearestNames) {
  EXPECT_THAT([] { Object::import("math.exq"); }, ThrowsMessage<Error>("'math.exq': math has no 'exq', did you mean 'exp'?"));
  EXPECT_THAT([] { Object::import("no_such_package.f"); },
              ThrowsMessage<Error>("'no_such_package.f': there is no package 'no_such_package' in this Python; install it there"));
  EXPECT_THAT([] { Object::import("math..exp"); }, ThrowsMessage<Error>("'math..exp' is no dotted name such as 'math.exp'"));
  EXPECT_THAT([] { Object::from_file("/nowhere/f.py", "g"); }, ThrowsMessage<Error>(HasSubstr("there is no file /nowhere/f.py")));
  const std::string script = write("bends.py", "def bend(x):\n    return x\n");
  EXPECT_THAT([&] { Object::from_file(script, "bent"); }, ThrowsMessage<Error>(script + " has no 'bent', did you mean 'bend'?"));
}

TEST_F(Objects, SayWhatAnImportRaises) {
  const std::string script = write("broken.py", "import no_such_thing\n");
  try {
    Object::from_file(script, "f");
    FAIL() << "it was imported";
  } catch (const PythonError& error) {
    EXPECT_EQ(error.type(), "ModuleNotFoundError");
    EXPECT_THAT(error.traceback(), HasSubstr("broken.py\", line 1"));
  }
}

TEST_F(Objects, OfScriptsMayImportSiblingsLater) {
  write("helpers.py", "answer = 42\n");
  const Object late = Object::from_file(write("late.py", "def late():\n    import helpers\n    return helpers.answer\n"), "late");
  const Gil gil;
  const PyRef result = call(late.get(), {}, "calling late");
  EXPECT_EQ(PyLong_AsLong(result.get()), 42);
}

TEST_F(Objects, ShareTheirReference) {
  Object first = [] {
    const Gil gil;
    return Object::steal(PyList_New(0));
  }();
  EXPECT_EQ(references(first), 1);
  {
    const Object second = first;
    EXPECT_EQ(second.get(), first.get());
    EXPECT_EQ(references(first), 2);
  }
  EXPECT_EQ(references(first), 1);
  const Object moved = std::move(first);
  EXPECT_FALSE(first);
  EXPECT_EQ(references(moved), 1);
  const Object borrowed = Object::borrow(moved.get());
  EXPECT_EQ(references(moved), 2);
}

TEST_F(Objects, AreCopiedAndDroppedByAnyThread) {
  const Object shared = [] {
    const Gil gil;
    return Object::steal(PyList_New(0));
  }();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&shared] {
      for (int k = 0; k < 1000; ++k) {
        const Object mine = shared;
        const Object again = mine;
      }
    });
  }
  for (std::thread& one : threads) one.join();
  EXPECT_EQ(references(shared), 1);
}

}  // namespace
}  // namespace ophion
