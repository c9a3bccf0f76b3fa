/// The archive: what is written comes back, what was changed by anybody is refused.
#include "durable_file.h"
#include "model_file.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>

#include <gmock/gmock.h>

#include <ophion/error.h>

#include "core/error_of.h"
#include "core/temporary_folder.h"

using namespace ophion;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
namespace fs = std::filesystem;

namespace {

std::shared_ptr<const ModelFile> small_file() {
  Value manifest = Value::object();
  manifest.set("name", "mlp");
  return ModelFile::make(std::move(manifest), {{"payload/0/weights", std::string("\0\1\2", 3)}, {"script/mlp.py", "import torch\n"}, {"empty", ""}});
}

class ModelFileTest : public testing::Test {
 protected:
  const fs::path file_() const { return folder_.path() / "m.ophion"; }
  std::string refusal() {
    return error_of<ModelError>([&] { ModelFile::read(file_()); });
  }
  /// Changes the file by means of libzip and says how it is refused.
  std::string refusal_after(const std::function<void(zip_t*)>& change) {
    small_file()->write(file_());
    zip_t* archive = zip_open(file_().c_str(), 0, nullptr);
    change(archive);
    EXPECT_EQ(zip_close(archive), 0) << zip_strerror(archive);
    return refusal();
  }
  /// Another manifest in the file, with the right hash beside it.
  std::string refusal_with_manifest(const std::string& manifest) {
    const std::string hash = sha256(manifest) + "  manifest.json\n";
    return refusal_after([&](zip_t* archive) {
      replace(archive, "manifest.json", manifest);
      replace(archive, "manifest.sha256", hash);
    });
  }
  static void replace(zip_t* archive, const char* name, const std::string& content, int compression = ZIP_CM_STORE) {
    void* const copy = std::malloc(content.size() + 1);  // libzip reads it when the archive is closed, and frees it
    std::memcpy(copy, content.data(), content.size());
    const zip_int64_t index = zip_file_add(archive, name, zip_source_buffer(archive, copy, content.size(), 1), ZIP_FL_OVERWRITE);
    ASSERT_GE(index, 0);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), compression, 0);
  }
  TemporaryFolder folder_;
};

TEST_F(ModelFileTest, GivesBackWhatWasPutIn) {
  small_file()->write(file_());
  const auto again = ModelFile::read(file_());
  EXPECT_EQ(again->manifest().at("name").as_text(), "mlp");
  EXPECT_EQ(again->member("payload/0/weights"), std::string("\0\1\2", 3));
  EXPECT_EQ(again->members(), small_file()->members());
  EXPECT_EQ(again->origin(), file_().string());
  EXPECT_EQ(small_file()->origin(), "a model in memory");
  EXPECT_EQ(again->manifest(), small_file()->manifest());
}

TEST_F(ModelFileTest, WritesTheSameBytesInEveryTimeZoneAndAfterReading) {
  small_file()->write(file_());
  const std::string first = read_text(file_());
  ::setenv("TZ", "Pacific/Kiritimati", 1);
  small_file()->write(file_());
  ::unsetenv("TZ");
  EXPECT_EQ(read_text(file_()), first);
  ModelFile::read(file_())->write(folder_.path() / "copy.ophion");
  EXPECT_EQ(read_text(folder_.path() / "copy.ophion"), first);
}

TEST_F(ModelFileTest, IsAPlainZipWithTheManifestFirst) {
  small_file()->write(file_());
  const std::string bytes = read_text(file_());
  EXPECT_THAT(bytes, StartsWith("PK\x03\x04"));
  EXPECT_EQ(bytes.substr(30, 13), "manifest.json");
  EXPECT_THAT(bytes, HasSubstr("import torch\n"));  // stored, not compressed
}

TEST_F(ModelFileTest, ListsSizesAndHashesOfMembers) {
  const auto file = small_file();
  const Value& listed = file->manifest().at("members");
  EXPECT_EQ(listed.at("empty").at("size").as_integer(), 0);
  // From FIPS 180-4's test of the empty message.
  EXPECT_EQ(listed.at("empty").at("sha256").as_text(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(file->manifest().at("format").at("major").as_integer(), 1);
}

TEST_F(ModelFileTest, NamesTheNearestMember) {
  EXPECT_THAT(error_of<ModelError>([] { small_file()->member("script/mpl.py"); }),
              HasSubstr("a model in memory: has no member 'script/mpl.py'; did you mean 'script/mlp.py'?"));
}

TEST_F(ModelFileTest, RefusesNamesThatLeaveTheArchive) {
  for (const char* name : {"/etc/passwd", "../x", "a/../../x", "a//b", "a\\b", "", "a/", "./a", "manifest.json", "manifest.sha256", "a\nb"}) {
    EXPECT_THAT(error_of<ModelError>([&] { ModelFile::make(Value::object(), {{name, "x"}}); }), HasSubstr("of a model has")) << name;
  }
  EXPECT_THAT(refusal_after([](zip_t* archive) { replace(archive, "../../evil", "x"); }),
              AllOf(HasSubstr("m.ophion: member '../../evil' has a name that could leave")));
}

TEST_F(ModelFileTest, RefusesWhatIsNoArchive) {
  EXPECT_THAT(refusal(), HasSubstr("m.ophion: there is no such file"));
  write_text(file_(), "");
  EXPECT_THAT(refusal(), HasSubstr("m.ophion: has no member 'manifest.json': not a model file"));
  write_text(file_(), "a text of some length that is no archive, whatever its name says about it");
  EXPECT_THAT(refusal(), HasSubstr("is no archive, or a damaged one"));
  EXPECT_THAT(error_of<ModelError>([&] { ModelFile::read(folder_.path()); }), HasSubstr("is no plain file"));
  EXPECT_THAT(error_of<ModelError>([&] { ModelFile::read("/dev/zero"); }), HasSubstr("is no plain file"));
}

TEST_F(ModelFileTest, RefusesAnotherContentOrAnotherList) {
  EXPECT_THAT(refusal_after([](zip_t* archive) { replace(archive, "script/mlp.py", "import  evil\n"); }),
              HasSubstr("member 'script/mlp.py' is damaged: its SHA-256 is not the one in the manifest"));
  EXPECT_THAT(refusal_after([](zip_t* archive) { replace(archive, "script/mlp.py", "import"); }), HasSubstr("has another size"));
  EXPECT_THAT(refusal_after([](zip_t* archive) { replace(archive, "script/more.py", "x"); }),
              HasSubstr("holds a member 'script/more.py' that its manifest doesn't list"));
  EXPECT_THAT(refusal_after([](zip_t* archive) { zip_delete(archive, static_cast<zip_uint64_t>(zip_name_locate(archive, "empty", 0))); }),
              HasSubstr("lacks its member 'empty'"));
  EXPECT_THAT(refusal_after([](zip_t* archive) { zip_delete(archive, 0); }), HasSubstr("has no member 'manifest.json': not a model file"));
  EXPECT_THAT(refusal_after([](zip_t* archive) { replace(archive, "manifest.json", "{}"); }), HasSubstr("its manifest is damaged"));
}

TEST_F(ModelFileTest, RefusesCompressedMembersAndComments) {
  EXPECT_THAT(refusal_after([](zip_t* archive) { replace(archive, "empty", std::string(5000, 'a'), ZIP_CM_DEFLATE); }),
              HasSubstr("member 'empty' is compressed or encrypted"));
  EXPECT_THAT(refusal_after([](zip_t* archive) { zip_set_archive_comment(archive, "hello", 5); }), HasSubstr("archive comment"));
}

TEST_F(ModelFileTest, RefusesANewerFormatAndReadsANewerMinorOne) {
  EXPECT_THAT(refusal_with_manifest(R"({"format": {"major": 2, "minor": 0}, "members": {}})"),
              HasSubstr("is of format 2; this Ophion (0.1.0) reads format 1: a newer Ophion wrote it"));
  EXPECT_THAT(refusal_with_manifest(R"({"members": {}})"), HasSubstr("format"));
  EXPECT_THAT(refusal_with_manifest("[1, 2"), HasSubstr("m.ophion: manifest.json"));
  std::string newer = write_json(small_file()->manifest());
  newer.replace(newer.find("\"minor\": 0"), 10, "\"minor\": 9");
  EXPECT_EQ(refusal_with_manifest(newer), "nothing was thrown");
}

TEST_F(ModelFileTest, RefusesWhatFollowsTheArchive) {
  small_file()->write(file_());
  write_text(file_(), read_text(file_()) + "more");
  EXPECT_THAT(refusal(), HasSubstr("is no archive, or a damaged one"));
}

TEST_F(ModelFileTest, RefusesAnArchiveCutOffAnywhere) {
  small_file()->write(file_());
  const std::string bytes = read_text(file_());
  for (std::size_t size = 0; size < bytes.size(); size += 7) {
    write_text(file_(), bytes.substr(0, size));
    EXPECT_THAT(refusal(), HasSubstr("m.ophion: ")) << size;
  }
}

TEST_F(ModelFileTest, EitherRefusesAChangedByteOrGivesTheSameContent) {
  small_file()->write(file_());
  const std::string bytes = read_text(file_());
  const auto good = small_file();
  std::size_t refused = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      write_text(file_(), changed);
      try {
        const auto file = ModelFile::read(file_());
        EXPECT_EQ(file->members(), good->members()) << i;
        EXPECT_EQ(file->manifest(), good->manifest()) << i;
      } catch (const ModelError&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 2 * bytes.size());
}

TEST_F(ModelFileTest, IsNotMadeOfMoreMembersThanAreRead) {
  std::map<std::string, std::string> members;
  for (int i = 0; i < 9'998; ++i) members["member" + std::to_string(i)];
  ModelFile::make(Value::object(), members)->write(file_());
  EXPECT_EQ(ModelFile::read(file_())->members().size(), 9'998u);
  members["one more"];
  EXPECT_EQ(error_of<ModelError>([&] { ModelFile::make(Value::object(), members); }),
            "a model of 9999 members, of which at most 9998 could be read again");
}

TEST_F(ModelFileTest, ReplacesAFileAndFollowsALink) {
  write_text(file_(), "old");
  fs::create_symlink(file_(), folder_.path() / "link.ophion");
  small_file()->write(folder_.path() / "link.ophion");
  EXPECT_TRUE(fs::is_symlink(folder_.path() / "link.ophion"));
  EXPECT_EQ(ModelFile::read(file_())->members().size(), 3u);
}

TEST(WriteAtomically, HonoursTheUmaskAndLeavesNothingElse) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  write_atomically(folder.path() / "x", "content");
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat((folder.path() / "x").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(WriteAtomically, LeavesTheOldFileWhenThereIsNoRoom) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "x";
  write_text(file, "old");
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string text = error_of<Error>([&] { write_atomically(file, std::string(5000, 'x')); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(text, "cannot write " + file.string() + ": File too large");
  EXPECT_EQ(read_text(file), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(WriteAtomically, NamesTheFolderThatIsNotThere) {
  EXPECT_EQ(error_of<Error>([] { write_atomically("/no/such/folder/x", "y"); }), "cannot write /no/such/folder/x: No such file or directory");
}

TEST(Sha256, IsThatOfTheStandard) {
  const TemporaryFolder folder;
  write_text(folder.path() / "abc", "abc");
  // FIPS 180-4, message "abc".
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of_file(folder.path() / "abc"), sha256("abc"));
  EXPECT_THAT(error_of<Error>([&] { sha256_of_file(folder.path() / "none"); }), HasSubstr("none: No such file"));
}

}  // namespace
