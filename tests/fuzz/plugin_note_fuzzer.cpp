/// Plug-ins before they are opened: ELF headers and the note.
#include "plugin_note.h"

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzzer.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A file that lies in memory; written over each time.
  static const int descriptor = ::memfd_create("fuzzed", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  demand(::ftruncate(descriptor, 0) == 0 && ::pwrite(descriptor, data, size, 0) == static_cast<ssize_t>(size), "the input lies in a file");
  if (const auto info = ophion::read_plugin_note(path)) {
    const std::string& kind = info->kind;
    demand(kind == "method" || kind == "reader" || kind == "tool" || kind == "engine" || kind == "features", "a plug-in is of a known kind");
    demand(info->name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos, "a plug-in's name is a name");
  }
  return 0;
}
