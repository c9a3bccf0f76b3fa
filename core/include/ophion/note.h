/// The notes that a plug-in's macros leave in its file. Registry reads them before it opens the file, since opening already runs
/// constructors. The C++ ABI of a plug-in holds for one minor version of Ophion and one compiler family.
#pragma once

#include <cstddef>
#include <cstdint>

#include <ophion/export.h>

namespace ophion {

enum class NeedsPython : char { no = '0', yes = '1' };

inline constexpr std::uint32_t plugin_note_type = 1;
inline constexpr std::uint32_t feature_note_type = 2;

/// What a plug-in is, as it lies in the file: ELF's own header, then fixed fields of text, each ended by zero.
struct PluginNote {
  std::uint32_t name_size = 8;  // of `owner`
  std::uint32_t description_size = sizeof(PluginNote) - 3 * sizeof(std::uint32_t) - 8;
  std::uint32_t note_type = plugin_note_type;
  char owner[8] = "Ophion";
  char kind[16] = {};
  char name[48] = {};
  char version[16] = OPHION_VERSION;
  char compiler[24] = {};
  char sanitizer[16] = {};
  char own_version[24] = {};  ///< features: of the plug-in, as its author counts
  char suffixes[63] = {};  ///< readers: the endings of their files, separated by spaces
  char needs_python = '0';
};

/// A function of a plug-in of features.
struct FeatureNote {
  std::uint32_t name_size = 8;
  std::uint32_t description_size = sizeof(FeatureNote) - 3 * sizeof(std::uint32_t) - 8;
  std::uint32_t note_type = feature_note_type;
  char owner[8] = "Ophion";
  char name[48] = {};
  char arguments[464] = {};  ///< the columns it takes, separated by commas: "eta1,phi1,jet_pt[0]"
};

namespace detail {

constexpr void copy_text(char* to, std::size_t size, const char* from) {
  for (std::size_t i = 0; from[i] != '\0'; ++i) {
    if (i + 1 >= size) throw "too long for a plug-in's note";  // at compile time only
    to[i] = from[i];
  }
}

/// Compiler family and its standard library's ABI: what must agree for C++ objects to cross.
constexpr const char* compiler_tag() {
#if defined(__clang__)
  return "clang-itanium-cxx11";
#else
  return "gcc-itanium-cxx11";
#endif
}

constexpr const char* sanitizer_tag() {
#if defined(__has_feature)  // clang's way
#if __has_feature(address_sanitizer)
  return "address";
#elif __has_feature(thread_sanitizer)
  return "thread";
#else
  return "";
#endif
#elif defined(__SANITIZE_ADDRESS__)
  return "address";
#elif defined(__SANITIZE_THREAD__)
  return "thread";
#else
  return "";
#endif
}

constexpr PluginNote make_note(const char* kind, const char* name, NeedsPython needs, const char* suffixes, const char* own_version = "") {
  PluginNote note;
  copy_text(note.kind, sizeof note.kind, kind);
  copy_text(note.name, sizeof note.name, name);
  copy_text(note.compiler, sizeof note.compiler, compiler_tag());
  copy_text(note.sanitizer, sizeof note.sanitizer, sanitizer_tag());
  copy_text(note.own_version, sizeof note.own_version, own_version);
  copy_text(note.suffixes, sizeof note.suffixes, suffixes);
  note.needs_python = static_cast<char>(needs);
  return note;
}

}  // namespace detail
}  // namespace ophion

#if defined(__clang__)  // its address sanitizer would put gaps between notes, which nobody could read over; g++'s leaves sections alone
#define OPHION_NO_GAPS_ no_sanitize("address"),
#else
#define OPHION_NO_GAPS_
#endif

#define OPHION_NOTE_(variable, type, value)                                                              \
  extern "C" {                                                                                           \
  __attribute__((OPHION_NO_GAPS_ section(".note.ophion"), used, aligned(4))) extern constexpr type variable = value; \
  }
