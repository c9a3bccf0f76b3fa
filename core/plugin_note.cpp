/// Reads a plug-in's ELF note without opening the plug-in.
#include "plugin_note.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>

#include <ophion/note.h>

namespace ophion {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t most_headers = 1024;
constexpr std::size_t most_note_bytes = 1 << 20;

/// A file of which every read is checked against its size.
class BoundedFile {
 public:
  explicit BoundedFile(const fs::path& path) : stream_(path, std::ios::binary) {
    std::error_code problem;
    size_ = fs::file_size(path, problem);
    if (problem) size_ = 0;
  }
  /// False when the file doesn't hold so much from there on.
  bool read(std::uint64_t offset, void* to, std::size_t count) {
    if (offset > size_ || count > size_ - offset) return false;
    stream_.clear();
    stream_.seekg(static_cast<std::streamoff>(offset));
    stream_.read(static_cast<char*>(to), static_cast<std::streamsize>(count));
    return stream_.good();
  }

 private:
  std::ifstream stream_;
  std::uint64_t size_ = 0;
};

std::uint32_t word_at(std::string_view bytes, std::size_t offset) {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes.data() + offset, sizeof word);
  return word;
}

/// Calls `found(type, note)` with each note of ours in a segment. Notes are padded to four bytes.
template <class Found>
void each_note(std::string_view segment, Found found) {
  constexpr std::size_t header = 3 * sizeof(std::uint32_t);
  constexpr std::string_view owner("Ophion\0\0", 8);
  std::size_t at = 0;
  while (segment.size() - at >= header) {
    const std::size_t name_size = word_at(segment, at), size = word_at(segment, at + 4);
    const std::size_t left = segment.size() - at - header;
    const std::size_t name_padded = (name_size + 3) / 4 * 4, padded = (size + 3) / 4 * 4;
    if (name_padded > left || size > left - name_padded) return;
    if (segment.substr(at + header, name_size) == owner) found(word_at(segment, at + 8), segment.substr(at, header + name_padded + size));
    if (padded > left - name_padded) return;
    at += header + name_padded + padded;
  }
}

/// The note's bytes as what they are, where they are as many.
template <class Note>
std::optional<Note> note_from(std::string_view bytes) {
  static_assert(sizeof(Note) % 4 == 0, "a note is a whole number of words");
  if (bytes.size() != sizeof(Note)) return std::nullopt;
  Note note;
  std::memcpy(&note, bytes.data(), sizeof note);
  return note;
}

/// The text of a field, which must end inside it and be printable.
template <std::size_t size>
bool read_text(const char (&field)[size], std::string& text) {
  const char* const end = std::find(field, field + size, '\0');
  text.assign(field, end);
  return end != field + size && std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

std::optional<PluginInfo> info_from(const PluginNote& note) {
  PluginInfo info;
  std::string suffixes;
  const bool readable = read_text(note.kind, info.kind) && read_text(note.name, info.name) && read_text(note.version, info.version) &&
                        read_text(note.compiler, info.compiler) && read_text(note.sanitizer, info.sanitizer) &&
                        read_text(note.own_version, info.own_version) && read_text(note.suffixes, suffixes);
  const std::string kinds[] = {"method", "reader", "tool", "engine", features_kind};
  if (!readable || std::find(std::begin(kinds), std::end(kinds), info.kind) == std::end(kinds) || !is_plugin_name(info.name)) return std::nullopt;
  std::istringstream words(suffixes);
  for (std::string suffix; words >> suffix;) info.suffixes.push_back(suffix);
  info.needs_python = note.needs_python == static_cast<char>(NeedsPython::yes);
  return info;
}

/// As C++ names functions.
bool is_identifier(const std::string& text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto inside = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  return !text.empty() && letter(text[0]) && std::all_of(text.begin(), text.end(), inside);
}

std::optional<FeatureInfo> feature_from(const FeatureNote& note) {
  FeatureInfo feature;
  std::string arguments;
  if (!read_text(note.name, feature.name) || !read_text(note.arguments, arguments) || !is_identifier(feature.name)) return std::nullopt;
  std::istringstream names(arguments);
  for (std::string name; std::getline(names, name, ',');) feature.arguments.push_back(name);
  return feature;
}

}  // namespace

bool is_plugin_name(std::string_view text) noexcept {
  const auto inside = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !text.empty() && text[0] >= 'a' && text[0] <= 'z' && std::all_of(text.begin(), text.end(), inside);
}

std::optional<PluginInfo> read_plugin_note(const fs::path& path) {
  BoundedFile file(path);
  Elf64_Ehdr header;
  if (!file.read(0, &header, sizeof header)) return std::nullopt;
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_type != ET_DYN || header.e_phentsize != sizeof(Elf64_Phdr) ||
      header.e_phnum > most_headers) {
    return std::nullopt;
  }
  std::optional<PluginNote> plugin;
  std::vector<FeatureInfo> functions;
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    const std::uint64_t offset = header.e_phoff + i * sizeof segment;
    if (offset < header.e_phoff || !file.read(offset, &segment, sizeof segment)) return std::nullopt;
    if (segment.p_type != PT_NOTE || segment.p_filesz > most_note_bytes) continue;
    std::string bytes(segment.p_filesz, '\0');
    if (!file.read(segment.p_offset, bytes.data(), bytes.size())) continue;
    each_note(bytes, [&](std::uint32_t type, std::string_view note) {
      if (type == plugin_note_type && !plugin) plugin = note_from<PluginNote>(note);
      if (type != feature_note_type) return;
      const auto feature = note_from<FeatureNote>(note);
      const auto readable = feature ? feature_from(*feature) : std::nullopt;
      if (readable) functions.push_back(*readable);
    });
  }
  std::optional<PluginInfo> info = plugin ? info_from(*plugin) : std::nullopt;
  if (!info) return std::nullopt;
  info->file = path;
  if (info->kind == features_kind) {  // in the order that a linker chose
    std::sort(functions.begin(), functions.end(), [](const FeatureInfo& a, const FeatureInfo& b) { return a.name < b.name; });
    info->functions = std::move(functions);
  }
  return info;
}

}  // namespace ophion
