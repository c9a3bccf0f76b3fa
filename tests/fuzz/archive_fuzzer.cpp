/// Model files as bytes: the archive, the hashes.
#include "fuzz/fuzzer.h"
#include "model_file.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto file = ophion::ModelFile::read(std::string(text_of(data, size)), "fuzzed.ophion");
    for (const auto& [name, content] : file->members()) demand(content.size() <= size, "a member is no larger than the file");
    demand(file->hash().size() == 64, "a file that is read has a hash");
  } catch (const ophion::ModelError& problem) {
    demand(text_of(reinterpret_cast<const std::uint8_t*>(problem.what()), 15) == "fuzzed.ophion: ", "an error names the file");
  }
  return 0;
}
