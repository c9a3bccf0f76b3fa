/// The note of a plug-in, read from good, damaged and hostile files.
#include "plugin_note.h"

#include <cstring>
#include <random>

#include <gmock/gmock.h>

#include <ophion/plugin.h>

#include "core/cpp_plugins.h"
#include "core/elf_file.h"
#include "core/temporary_folder.h"

using namespace ophion;
using testing::ElementsAre;
namespace fs = std::filesystem;

namespace {

class PluginNoteTest : public testing::Test {
 protected:
  std::optional<PluginInfo> read(const std::string& bytes) {
    write_text(folder_.path() / "x.so", bytes);
    return read_plugin_note(folder_.path() / "x.so");
  }
  TemporaryFolder folder_;
};

TEST_F(PluginNoteTest, TellsWhatAPluginIsWithoutOpeningIt) {
  const auto method = read_plugin_note(cpp_plugins / "linear_method.so");
  ASSERT_TRUE(method);
  EXPECT_EQ(method->kind, "method");
  EXPECT_EQ(method->name, "linear");
  EXPECT_EQ(method->version, OPHION_VERSION);
  EXPECT_FALSE(method->needs_python);
  EXPECT_EQ(method->file, cpp_plugins / "linear_method.so");
  const auto reader = read_plugin_note(cpp_plugins / "text_reader.so");
  ASSERT_TRUE(reader);
  EXPECT_THAT(reader->suffixes, ElementsAre(".txt", ".txt.gz"));
}

TEST_F(PluginNoteTest, FindsTheNoteAmongOthers) {
  const PluginNote note = detail::make_note("tool", "metrics", NeedsPython::yes, "");
  const std::string other("\x04\0\0\0\x05\0\0\0\x03\0\0\0GNU\0abcde\0\0\0", 24);
  const auto info = read(elf_with(other + bytes_of(note)));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->name, "metrics");
  EXPECT_TRUE(info->needs_python);
}

TEST_F(PluginNoteTest, SeesNothingInFilesOfOtherKinds) {
  EXPECT_FALSE(read_plugin_note(folder_.path() / "missing.so"));
  EXPECT_FALSE(read_plugin_note(folder_.path()));
  EXPECT_FALSE(read(""));
  EXPECT_FALSE(read("not an object at all, but some text that is longer than the header of one would be"));
  EXPECT_FALSE(read_plugin_note("/proc/self/exe"));  // an ELF file without the note
}

TEST_F(PluginNoteTest, RefusesNamesThatAreNone) {
  for (const char* name : {"Linear", "../linear", "9th", "", "a-b"}) {
    EXPECT_FALSE(read(elf_with(bytes_of(detail::make_note("method", name, NeedsPython::no, ""))))) << name;
  }
  EXPECT_FALSE(read(elf_with(bytes_of(detail::make_note("gadget", "linear", NeedsPython::no, "")))));
  PluginNote endless = detail::make_note("method", "linear", NeedsPython::no, "");
  std::memset(endless.name, 'a', sizeof endless.name);
  EXPECT_FALSE(read(elf_with(bytes_of(endless))));
}

TEST_F(PluginNoteTest, SurvivesSizesThatLie) {
  PluginNote note = detail::make_note("method", "linear", NeedsPython::no, "");
  for (const std::uint32_t size : {0u, 1u, 7u, 0x7fffffffu, 0xfffffffcu, 0xffffffffu}) {
    PluginNote lying = note;
    lying.name_size = size;
    EXPECT_FALSE(read(elf_with(bytes_of(lying)))) << size;
    lying = note;
    lying.description_size = size;
    EXPECT_FALSE(read(elf_with(bytes_of(lying)))) << size;
  }
}

TEST_F(PluginNoteTest, SurvivesCutAndDamagedFiles) {
  const std::string good = elf_with(bytes_of(detail::make_note("method", "linear", NeedsPython::no, "")));
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(read(good.substr(0, size))) << size;
  std::mt19937 random(2);
  for (int i = 0; i < 3'000; ++i) {
    std::string bytes = good;
    for (unsigned k = 1 + random() % 4; k-- > 0;) bytes[random() % (sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + 24)] = static_cast<char>(random());
    const auto info = read(bytes);
    EXPECT_EQ(info ? info->name : "linear", "linear");
  }
}

}  // namespace
