/// Readers in worker processes: what they read lies in memory that both see; what they do ends as an error.
#include "isolation/isolated_reader.h"

#include <unistd.h>

#include <gmock/gmock.h>

#include <ophion/error.h>

#include "core/temporary_folder.h"

using namespace ophion;
using testing::ElementsAre;
namespace fs = std::filesystem;

namespace {

std::shared_ptr<const Reader> reader_for(const std::string& file, WorkerSettings settings = {}, double time_limit = 0) {
  static const Registry registry({fs::path(OPHION_BINARY_DIR) / "tests" / "guests"});
  return IsolatedReaders(registry, std::move(settings), time_limit).reader_for(file);
}

/// What the second chunk of a file fails with.
template <class Thrown>
std::string text_of_second_chunk(const Reader& reader, const std::string& file) {
  const auto stream = reader.open(file, "one", {});
  stream->next();
  try {
    stream->next();
  } catch (const Thrown& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing of that kind was thrown";
  return "";
}

std::vector<double> numbers(const Column& column, std::size_t element = 0) {
  std::vector<double> all;
  for (std::size_t i = 0; i < column.rows; ++i) all.push_back(column.at(i, element));
  return all;
}

}  // namespace

TEST(IsolatedReader, DescribesFilesAsTheReaderDoes) {
  const auto reader = reader_for("a.guest");
  EXPECT_THAT(reader->trees("a.guest"), ElementsAre("one", "two"));
  const FileInfo info = reader->describe("a.guest", "two");
  EXPECT_EQ(info.tree, "two");
  ASSERT_EQ(info.columns.size(), 2u);
  EXPECT_EQ(info.columns[1].type, "string");
  EXPECT_FALSE(info.columns[1].numeric);
  EXPECT_EQ(info.rows, 15u);
}

TEST(IsolatedReader, GivesEveryChunkWithItsTypesAndWidths) {
  const auto stream = reader_for("a.guest")->open("a.guest", "one", {"strided", "pair", "dense"});
  for (const double first : {0.0, 100.0, 200.0}) {
    const auto chunk = stream->next();
    ASSERT_TRUE(chunk);
    ASSERT_EQ(chunk->size(), 3u);
    EXPECT_THAT(numbers((*chunk)[0]), ElementsAre(first, first + 3, first + 6, first + 9, first + 12));
    EXPECT_THAT(numbers((*chunk)[1], 1), ElementsAre(first + 2, first + 5, first + 8, first + 11, first + 14));
    EXPECT_EQ((*chunk)[2].type, DType::int64);
    const auto* events = static_cast<const std::int64_t*>((*chunk)[2].data);
    EXPECT_EQ(events[0], std::int64_t{1} << 60);
    EXPECT_NE(events[4], getpid());
  }
  EXPECT_FALSE(stream->next());
}

TEST(IsolatedReader, LeavesAChunkAloneThatSomebodyKeeps) {
  const auto stream = reader_for("a.guest")->open("a.guest", "one", {});
  const auto first = stream->next();
  const auto second = stream->next();
  EXPECT_EQ((*first)[0].at(0), 0.0);
  EXPECT_EQ((*second)[0].at(0), 100.0);
}

TEST(IsolatedReader, UsesTheMemoryOfAChunkThatNobodyKeeps) {
  const auto stream = reader_for("a.guest")->open("a.guest", "one", {});
  const void* const first = stream->next()->front().data;
  EXPECT_EQ(stream->next()->front().data, first);
}

TEST(IsolatedReader, MakesItsMemoryLargerForALargeChunk) {
  const auto stream = reader_for("large.guest")->open("large.guest", "one", {});
  const auto chunk = stream->next();
  EXPECT_EQ((*chunk)[2].rows, std::size_t{1} << 20);
  EXPECT_EQ((*chunk)[2].at((1 << 20) - 1), 7.0);
}

TEST(IsolatedReader, BringsItsErrorsBack) {
  EXPECT_EQ(text_of_second_chunk<DataError>(*reader_for("damaged.guest"), "damaged.guest"), "damaged.guest: damaged");
}

TEST(IsolatedReader, NamesTheFileAtWhichItEnded) {
  const auto reader = reader_for("exit.guest");
  EXPECT_EQ(text_of_second_chunk<WorkerError>(*reader, "exit.guest"), "reading exit.guest: the worker process ended with exit status 9");
  EXPECT_TRUE(reader->open("a.guest", "one", {})->next());
}

TEST(IsolatedReader, EndsAStepAtItsTimeLimit) {
  const auto reader = reader_for("loop.guest", {}, 0.2);
  EXPECT_EQ(text_of_second_chunk<TimeLimit>(*reader, "loop.guest"),
            "reading loop.guest took longer than its time_limit of 0.2 s; its worker process was ended");
  EXPECT_TRUE(reader->open("a.guest", "one", {})->next());
}

TEST(IsolatedReader, LimitsMemory) {
#ifdef OPHION_SANITIZE
  GTEST_SKIP() << "sanitizers take terabytes of addresses";
#endif
  WorkerSettings settings;
  settings.memory_limit = std::size_t{1} << 30;
  EXPECT_EQ(text_of_second_chunk<WorkerError>(*reader_for("bomb.guest", settings), "bomb.guest"),
            "reading bomb.guest: the worker process ran out of memory (its memory_limit is 1073741824 bytes)");
}

TEST(IsolatedReader, WritesNothingWithoutRights) {
  const TemporaryFolder folder;
  const std::string file = (folder.path() / "write.guest").string();
  WorkerSettings settings;
  settings.drop_rights = true;
  EXPECT_EQ(text_of_second_chunk<DataError>(*reader_for(file, settings), file), "writing: Permission denied");
  EXPECT_TRUE(fs::is_empty(folder.path()));
}
