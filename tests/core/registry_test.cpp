/// From names to plug-ins: search order, what is refused, what is opened once.
#include <ophion/registry.h>

#include <cstdlib>
#include <thread>

#include <gmock/gmock.h>

#include <ophion/error.h>
#include <ophion/plugin.h>

#include "core/cpp_plugins.h"
#include "core/elf_file.h"
#include "core/error_of.h"
#include "core/temporary_folder.h"

using namespace ophion;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
namespace fs = std::filesystem;

namespace {

class RegistryTest : public testing::Test {
 protected:
  void TearDown() override { ::unsetenv("OPHION_PLUGIN_PATH"); }

  /// A copy of the test's method, with one text in its note replaced by another of the same length.
  fs::path changed_copy(const std::string& from, const std::string& to) {
    std::string bytes = read_text(cpp_plugins / "linear_method.so");
    const std::size_t note = bytes.find(std::string("Ophion\0\0method\0", 15));
    const std::size_t at = bytes.find(from, note);
    if (note == std::string::npos || at == std::string::npos || at > note + sizeof(PluginNote)) throw std::runtime_error("no note");
    bytes.replace(at, from.size(), to);
    write_text(folder_.path() / "linear_method.so", bytes);
    return folder_.path();
  }
  TemporaryFolder folder_;
};

TEST_F(RegistryTest, OpensAMethodOnceForTheWholeProcess) {
  const Registry registry({cpp_plugins});
  const auto method = registry.method("linear");
  EXPECT_EQ(method->traits().name, "linear");
  EXPECT_EQ(registry.method("linear"), method);
  EXPECT_EQ(Registry({cpp_plugins / "linear_method.so"}).method("linear"), method);
}

TEST_F(RegistryTest, OpensFromSeveralThreadsAtOnce) {
  const fs::path copy = changed_copy("linear", "linear");
  std::vector<std::shared_ptr<const Method>> methods(8);
  std::vector<std::thread> threads;
  for (auto& method : methods) threads.emplace_back([&] { method = Registry({copy}).method("linear"); });
  for (auto& thread : threads) thread.join();
  for (const auto& method : methods) EXPECT_EQ(method, methods.front());
}

TEST_F(RegistryTest, LooksInTheGivenFolderThenInTheEnvironment) {
  ::setenv("OPHION_PLUGIN_PATH", ("/no/such/folder::" + cpp_plugins.string()).c_str(), 1);
  EXPECT_EQ(Registry().info("method", "linear").file, cpp_plugins / "linear_method.so");
  const fs::path copy = changed_copy("linear", "linear");
  EXPECT_EQ(Registry({copy}).info("method", "linear").file, copy / "linear_method.so");
}

TEST_F(RegistryTest, NamesTheNearestAndWhereItLooked) {
  const Registry registry({cpp_plugins});
  EXPECT_THAT(error_of<PluginError>([&] { registry.info("method", "linaer"); }),
              AllOf(HasSubstr("no method 'linaer'; did you mean 'linear'?"), HasSubstr("found: linear"), HasSubstr(cpp_plugins.string())));
  EXPECT_THAT(error_of<PluginError>([&] { registry.tool("linear"); }), HasSubstr("no tool 'linear'"));
}

TEST_F(RegistryTest, RefusesWhatWasBuiltForAnother) {
  const auto refusal = [](const fs::path& folder) { return error_of<PluginError>([&] { Registry({folder}).method("linear"); }); };
  EXPECT_THAT(refusal(changed_copy("0.1.0", "0.2.0")), HasSubstr("linear_method.so) was built for Ophion 0.2, this is 0.1"));
  EXPECT_THAT(refusal(changed_copy("-itanium-cxx11", "-itanium-cxx98")), ContainsRegex("another family of compilers \\((gcc|clang)-itanium-cxx98\\)"));
  EXPECT_EQ(Registry({changed_copy("0.1.0", "0.1.9")}).info("method", "linear").problem, "");
}

TEST_F(RegistryTest, SaysWhyAFileDidNotOpen) {
  write_text(folder_.path() / "linear_method.so", elf_with(bytes_of(detail::make_note("method", "linear", NeedsPython::no, ""))));
  const Registry registry({folder_.path()});
  ASSERT_EQ(registry.info("method", "linear").problem, "");
  EXPECT_THAT(error_of<PluginError>([&] { registry.method("linear"); }), AllOf(HasSubstr("plug-in linear ("), HasSubstr("linear_method.so) could not be opened: "), HasSubstr("object file has no")));
}

TEST_F(RegistryTest, ChoosesTheReaderByTheLongestEnding) {
  const Registry registry({cpp_plugins});
  EXPECT_EQ(registry.reader_for("a.TXT")->describe("", "").tree, "text");
  EXPECT_EQ(registry.reader_for("/data/a.txt.gz"), registry.reader_for("b.txt"));
  EXPECT_THAT(error_of<DataError>([&] { registry.reader_for("dir.txt/events.dat"); }),
              AllOf(HasSubstr("dir.txt/events.dat: no reader"), HasSubstr(".txt, .txt.gz")));
}

TEST_F(RegistryTest, GivesTheSchemaBesideTheFile) {
  EXPECT_EQ(Registry({cpp_plugins}).schema("linear").at("$id").as_text(), "urn:ophion:method:linear:1");
  const fs::path copy = changed_copy("linear", "linear");
  EXPECT_THAT(error_of<PluginError>([&] { Registry({copy}).schema("linear"); }),
              HasSubstr("method 'linear' has no schema: expected " + (copy / "linear_method.schema.json").string()));
}

}  // namespace
