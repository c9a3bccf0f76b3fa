/// Trust: whose code is run, and the store that remembers it. The store is one of the test's own.
#include <ophion/trust.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include <gmock/gmock.h>

#include <ophion/error.h>
#include <ophion/model.h>
#include <ophion/runtime.h>

#include "core/cpp_plugins.h"
#include "core/error_of.h"
#include "core/small_model.h"
#include "core/temporary_folder.h"
#include "demand_trust.h"
#include "trust_store.h"

using namespace ophion;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

namespace {

/// Sets a variable, or removes it, for as long as it lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void set(const char* value) { value ? ::setenv(name_, value, 1) : ::unsetenv(name_); }
  const char* name_;
  std::optional<std::string> before_;
};

mode_t mode_of(const fs::path& file) {
  struct stat status {};
  EXPECT_EQ(::stat(file.c_str(), &status), 0) << file;
  return status.st_mode & 07777;
}

class TrustTest : public testing::Test {
 protected:
  std::string refusal(const LoadOptions& with = linear_options()) {
    return error_of<TrustError>([&] { Model::load(file_, with); });
  }
  fs::path store() const { return folder_.path() / "data" / "ophion" / "trusted"; }

  TemporaryFolder folder_;
  Variable data_{"XDG_DATA_HOME", (folder_.path() / "data").c_str()};
  fs::path file_ = folder_.path() / "m.ophion";
};

TEST_F(TrustTest, RefusesAModelThatCarriesCodeAndNamesFileCodeAndCommand) {
  small_model_with_code(true)->write(file_);
  EXPECT_EQ(refusal(), file_.string() + ": to load it is to run code (script/linear.txt, script/code.txt) from it, and you have neither trained "
                                        "nor accepted it. If you trust whoever made it: ophion trust " + file_.string());
  EXPECT_FALSE(fs::exists(store()));  // asking leaves nothing
}

TEST_F(TrustTest, QuotesTheFileAsAShellTakesIt) {
  file_ = folder_.path() / "my model's.ophion";
  small_model_with_code(true)->write(file_);
  EXPECT_THAT(refusal(), EndsWith("ophion trust '" + folder_.path().string() + "/my model'\\''s.ophion'"));
}

TEST_F(TrustTest, LoadsWhatCarriesNoneWithoutAsking) {
  small_model()->write(file_);
  EXPECT_EQ(Model::load(file_, linear_options()).bind({"x", "y"})({1, -4}), 21.0f);
  EXPECT_FALSE(fs::exists(store()));
}

TEST_F(TrustTest, LetsTheMethodDecideWhenTheManifestLies) {
  small_model_with_code(false)->write(file_);
  EXPECT_THAT(refusal(), AllOf(HasSubstr("run code (script/linear.txt, script/code.txt)"), HasSubstr("; its manifest denies that it carries code.")));
}

TEST_F(TrustTest, RunsWhatWasAccepted) {
  small_model_with_code(true)->write(file_);
  trust_model(facts_of(file_));
  EXPECT_EQ(Model::load(file_, linear_options()).bind({"x", "y"})({1, 4}), 21.0f);
  fs::rename(file_, folder_.path() / "moved.ophion");  // it is the content that is trusted
  EXPECT_EQ(Model::load(folder_.path() / "moved.ophion", linear_options()).outputs(), 1u);
}

TEST_F(TrustTest, AsksAgainWhenAByteOfTheCodeIsAnother) {
  small_model_with_code(true)->write(file_);
  trust_model(facts_of(file_));
  const auto file = ModelFile::read(file_);
  auto members = file->members();
  members["script/code.txt"] = "run you\n";
  ModelFile::make(file->manifest(), members)->write(file_);
  EXPECT_THAT(refusal(), HasSubstr("neither trained nor accepted"));
}

TEST_F(TrustTest, RunsWhatTheProgramAllows) {
  small_model_with_code(true)->write(file_);
  LoadOptions all = linear_options();
  all.trust = Trust::all;
  EXPECT_EQ(Model::load(file_, all).outputs(), 1u);
  LoadOptions listed = linear_options();
  listed.trusted_hashes = {facts_of(file_).hash};
  EXPECT_EQ(Model::load(file_, listed).outputs(), 1u);
  listed.trusted_hashes = {std::string(64, '0')};
  EXPECT_THAT(refusal(listed), HasSubstr("neither trained nor accepted"));
}

TEST_F(TrustTest, RunsInEveryProgramOfTheUserWhatWasTrained) {
  const auto file = small_model_with_code(true);
  remember_trained(*file, file_);
  file->write(file_);
  EXPECT_EQ(Model::load(file_, linear_options()).outputs(), 1u);
  ASSERT_THAT(trusted_models(), testing::SizeIs(1));
  EXPECT_EQ(trusted_models()[0].how, "trained");
  EXPECT_EQ(trusted_models()[0].name, "sum");
  EXPECT_EQ(trusted_models()[0].type, "linear");
  EXPECT_EQ(trusted_models()[0].file, file_.string());
  EXPECT_EQ(trusted_models()[0].hash, file->hash());
  // Another process has only the store.
  const pid_t child = ::fork();
  if (child == 0) ::_exit(TrustStore().holds(file->hash()) ? 0 : 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  distrust_model(file->hash());  // the other tests have the same file
  EXPECT_THAT(refusal(), HasSubstr("neither trained nor accepted"));
}

TEST_F(TrustTest, RunsWhatThisProcessTrainedWithoutAStoreAndSaysWhyOthersWillAsk) {
  const Variable no_data("XDG_DATA_HOME", nullptr);
  const Variable no_home("HOME", nullptr);
  std::vector<std::string> lines;
  RuntimeOptions runtime;
  runtime.log_sink = [&](LogLevel, std::string_view line) { lines.emplace_back(line); };
  configure(runtime);
  auto members = small_model_with_code(true)->members();
  members["script/code.txt"] = "trained where there is no store\n";
  const auto file = ModelFile::make(small_model_with_code(true)->manifest(), members);
  remember_trained(*file, file_);
  configure({});
  ASSERT_THAT(lines, testing::SizeIs(1));
  EXPECT_THAT(lines[0], AllOf(HasSubstr("m.ophion is not recorded as trained by you"), HasSubstr("neither XDG_DATA_HOME nor HOME names a folder")));
  file->write(file_);
  EXPECT_EQ(Model::load(file_, linear_options()).outputs(), 1u);
}

TEST_F(TrustTest, SaysThatThereIsNoStoreWhereHomeIsUnset) {
  small_model_with_code(true)->write(file_);
  const Variable no_data("XDG_DATA_HOME", "relative/is/as/good/as/none");
  const Variable no_home("HOME", nullptr);
  EXPECT_THAT(refusal(), HasSubstr("(there is no store of trusted models: neither XDG_DATA_HOME nor HOME names a folder)"));
  EXPECT_THAT(error_of<TrustError>([&] { trust_model(facts_of(file_)); }), HasSubstr("there is no store"));
}

TEST_F(TrustTest, KeepsItsStoreBelowHomeWhereNothingElseIsSaid) {
  const Variable no_data("XDG_DATA_HOME", nullptr);
  const Variable home("HOME", folder_.path().c_str());
  small_model_with_code(true)->write(file_);
  trust_model(facts_of(file_));
  EXPECT_TRUE(fs::exists(folder_.path() / ".local/share/ophion/trusted" / facts_of(file_).hash));
}

TEST_F(TrustTest, KeepsItsStoreForTheUserAlone) {
  const mode_t before = ::umask(0);
  small_model_with_code(true)->write(file_);
  trust_model(facts_of(file_));
  ::umask(before);
  EXPECT_EQ(mode_of(store()), 0700u);
  EXPECT_EQ(mode_of(store().parent_path()), 0700u);
  EXPECT_EQ(mode_of(store() / facts_of(file_).hash), 0600u);
}

TEST_F(TrustTest, UsesNoStoreThatOthersMayWriteTo) {
  small_model_with_code(true)->write(file_);
  trust_model(facts_of(file_));
  for (const mode_t mode : {0720u, 0702u, 01777u}) {
    ASSERT_EQ(::chmod(store().c_str(), mode), 0);
    EXPECT_THAT(refusal(), AllOf(HasSubstr("the store of trusted models, " + store().string() + ", is not used: others may write to it (mode "),
                                 HasSubstr("chmod 700")));
    EXPECT_THAT(error_of<TrustError>([] { trusted_models(); }), HasSubstr("others may write to it"));
    EXPECT_THAT(error_of<TrustError>([&] { trust_model(facts_of(file_)); }), HasSubstr("others may write to it"));
  }
}

TEST_F(TrustTest, UsesNoStoreAndNoRecordOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make files of another user";
  small_model_with_code(true)->write(file_);
  trust_model(facts_of(file_));
  constexpr uid_t nobody = 65534;
  ASSERT_EQ(::chown((store() / facts_of(file_).hash).c_str(), nobody, nobody), 0);
  EXPECT_THAT(refusal(), HasSubstr("neither trained nor accepted"));
  ASSERT_EQ(::chown(store().c_str(), nobody, nobody), 0);
  EXPECT_THAT(refusal(), HasSubstr("is not used: it belongs to another user"));
}

TEST_F(TrustTest, FollowsNoLinkToARecord) {
  small_model_with_code(true)->write(file_);
  fs::create_directories(store());
  ASSERT_EQ(::chmod(store().c_str(), 0700), 0);
  fs::create_symlink(file_, store() / facts_of(file_).hash);
  EXPECT_THAT(refusal(), HasSubstr("neither trained nor accepted"));
}

TEST_F(TrustTest, TakesTrustBack) {
  small_model_with_code(true)->write(file_);
  const ModelFacts facts = facts_of(file_);
  trust_model(facts);
  EXPECT_TRUE(distrust_model(facts.hash));
  EXPECT_FALSE(distrust_model(facts.hash));
  EXPECT_FALSE(distrust_model("../../m.ophion"));
  EXPECT_THAT(trusted_models(), IsEmpty());
  EXPECT_THAT(refusal(), HasSubstr("neither trained nor accepted"));
}

TEST_F(TrustTest, ListsWhatCanNotBeReadByItsHash) {
  TrustStore().add({std::string(64, 'a'), "accepted", "net", "pytorch", "/a/net.ophion", "2026-07-04T12:00:00Z"});
  write_text(store() / std::string(64, 'b'), "no JSON");
  write_text(store() / "README", "not a hash");
  const auto models = trusted_models();
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].hash, std::string(64, 'b'));
  EXPECT_EQ(models[0].how, "");
  EXPECT_EQ(models[1].name, "net");
  EXPECT_EQ(models[1].when, "2026-07-04T12:00:00Z");
}

TEST_F(TrustTest, ServesSeveralProcessesAtOnce) {
  constexpr int processes = 4, each = 15;
  std::vector<pid_t> children;
  for (int p = 0; p < processes; ++p) {
    const pid_t child = ::fork();
    if (child == 0) {
      int wrong = 0;
      for (int i = 0; i < each; ++i) {
        const char digit = "0123456789abcdef"[p];
        const std::string own(64, digit), shared = std::string(62, 'e') + "0123456789abcdef"[i] + "f";
        for (const std::string& hash : {own, shared}) TrustStore().add({hash, "accepted", "m", "t", "/f", "now"});
        wrong += TrustStore().holds(own) && TrustStore().holds(shared) ? 0 : 1;
        wrong += TrustStore().remove(own) ? 0 : 1;
        TrustStore().all();
      }
      ::_exit(wrong);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(trusted_models().size(), static_cast<std::size_t>(each));
}

}  // namespace
