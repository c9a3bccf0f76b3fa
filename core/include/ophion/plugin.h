/// The one header a plug-in needs. At the end of its .cpp:
///   OPHION_METHOD("pytorch", ophion::NeedsPython::yes, PytorchMethod)
///   OPHION_READER("parquet", ophion::NeedsPython::yes, ParquetReader, ".parquet .pq")
///   OPHION_TOOL("metrics", ophion::NeedsPython::yes, MetricsTool)
///   OPHION_ENGINE("onnx", ophion::NeedsPython::no, OnnxEngine)
/// The macro leaves an ELF note that Registry reads before it opens the file (opening already runs constructors), and the
/// one function that makes the object. The C++ ABI of a plug-in holds for one minor version of Ophion and one compiler family.
#pragma once

#include <ophion/export.h>
#include <ophion/method.h>
#include <ophion/reader.h>
#include <ophion/tool.h>

namespace ophion {

enum class NeedsPython : char { no = '0', yes = '1' };

/// The note as it lies in the file: ELF's own header, then fixed fields of text, each ended by zero.
struct PluginNote {
  std::uint32_t name_size = 8;  // of `owner`
  std::uint32_t description_size = sizeof(PluginNote) - 3 * sizeof(std::uint32_t) - 8;
  std::uint32_t note_type = 1;
  char owner[8] = "Ophion";
  char kind[16] = {};
  char name[48] = {};
  char version[16] = OPHION_VERSION;
  char compiler[24] = {};
  char sanitizer[16] = {};
  char suffixes[63] = {};  ///< readers: the endings of their files, separated by spaces
  char needs_python = '0';
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

constexpr PluginNote make_note(const char* kind, const char* name, NeedsPython needs, const char* suffixes) {
  PluginNote note;
  copy_text(note.kind, sizeof note.kind, kind);
  copy_text(note.name, sizeof note.name, name);
  copy_text(note.compiler, sizeof note.compiler, compiler_tag());
  copy_text(note.sanitizer, sizeof note.sanitizer, sanitizer_tag());
  copy_text(note.suffixes, sizeof note.suffixes, suffixes);
  note.needs_python = static_cast<char>(needs);
  return note;
}

}  // namespace detail
}  // namespace ophion

/// `ophion_make_plugin` gives an object that the caller deletes through its base (Method, Reader, Tool or Engine).
#define OPHION_PLUGIN_(kind, name, needs_python, base, type, suffixes)                                              \
  extern "C" {                                                                                                     \
  __attribute__((section(".note.ophion"), used, aligned(4))) extern constexpr ::ophion::PluginNote ophion_note =     \
      ::ophion::detail::make_note(kind, name, needs_python, suffixes);                                             \
  OPHION_EXPORT void* ophion_make_plugin() { return static_cast<::ophion::base*>(new type()); }                     \
  }

#define OPHION_METHOD(name, needs_python, type) OPHION_PLUGIN_("method", name, needs_python, Method, type, "")
#define OPHION_READER(name, needs_python, type, suffixes) OPHION_PLUGIN_("reader", name, needs_python, Reader, type, suffixes)
#define OPHION_TOOL(name, needs_python, type) OPHION_PLUGIN_("tool", name, needs_python, Tool, type, "")
#define OPHION_ENGINE(name, needs_python, type) OPHION_PLUGIN_("engine", name, needs_python, Engine, type, "")
