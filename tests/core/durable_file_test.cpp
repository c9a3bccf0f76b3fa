/// Files that are there wholly or not at all, whenever their writer is killed.
#include "durable_file.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <string>

#include <gmock/gmock.h>

#include <ophion/error.h>

#include "core/error_of.h"
#include "core/temporary_folder.h"
#include "model_file.h"
#include "slow_tests.h"

using namespace ophion;
namespace fs = std::filesystem;

namespace {

/// A model file with a member of half a megabyte of one letter.
std::shared_ptr<const ModelFile> model_of(char letter) {
  return ModelFile::make(Value::object(), {{"payload/0/weights", std::string(500'000, letter)}});
}

}  // namespace

TEST(DurableFile, IsTheOldOneOrTheNewOneAfterAKillAtAnyMoment) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "m.ophion";
  const auto first = model_of('a'), second = model_of('b');
  first->write(file);
  std::minstd_rand random(7);
  const int kills = slow_tests() ? 500 : 25;
  int changed = 0;
  for (int i = 0; i < kills; ++i) {
    const std::string before = ModelFile::read(file)->hash();
    const pid_t child = ::fork();
    if (child == 0) {
      for (;;) {  // until it is killed
        second->write(file);
        first->write(file);
      }
    }
    ::usleep(std::uniform_int_distribution<unsigned>(0, 15'000)(random));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    const auto after = ModelFile::read(file);  // throws for anything but a whole file
    ASSERT_TRUE(after->hash() == first->hash() || after->hash() == second->hash());
    changed += after->hash() != before ? 1 : 0;
  }
  EXPECT_GT(changed, 0) << "the writer was always killed before it wrote anything";
}

TEST(DurableFile, LeavesWhatAKilledWriterBeganOnlyUntilItIsSwept) {
  const TemporaryFolder folder;
  write_text(folder.path() / ".m.ophion.4711.0.part", "half a mod");
  write_text(folder.path() / ".m.ophion", "a hidden file of somebody's");
  write_text(folder.path() / "m.ophion", "a whole one");
  sweep_unfinished(folder.path());
  EXPECT_FALSE(fs::exists(folder.path() / ".m.ophion.4711.0.part"));
  EXPECT_TRUE(fs::exists(folder.path() / ".m.ophion"));
  EXPECT_TRUE(fs::exists(folder.path() / "m.ophion"));
  sweep_unfinished(folder.path() / "nowhere");
}

TEST(DurableFile, TakesThePlaceOfAPlainFileOnly) {
  const TemporaryFolder folder;
  const fs::path pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(error_of<Error>([&] { write_atomically(pipe, "bytes"); }), "cannot write " + pipe.string() + ": is no plain file");
  EXPECT_TRUE(fs::is_fifo(pipe));
  EXPECT_EQ(error_of<Error>([&] { write_atomically(folder.path(), "bytes"); }), "cannot write " + folder.path().string() + ": is no plain file");
}

TEST(DurableFile, HasAFolderThatCanNotBeMadeAsAnErrorOfItsName) {
  const TemporaryFolder folder;
  write_text(folder.path() / "file", "");
  const fs::path inside = folder.path() / "file" / "folder";
  EXPECT_EQ(error_of<Error>([&] { make_folder(inside); }), "cannot make the folder " + inside.string() + ": Not a directory");
  make_folder(folder.path() / "a" / "b");
  make_folder(folder.path() / "a" / "b");
  EXPECT_TRUE(fs::is_directory(folder.path() / "a" / "b"));
}
