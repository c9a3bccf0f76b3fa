/// Configs: JSON, the schema with the schema of a method in it, the checks beyond the schema.
#include <ophion/config.h>

#include "fuzz/fuzzer.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ophion;
  static const Registry registry({std::filesystem::path(OPHION_BINARY_DIR) / "tests" / "cpp_plugins"});
  try {
    const Config config = Config::from_json(std::string(text_of(data, size)), ".", registry);
    // With its defaults filled in it means the same, and needs no more filling in.
    const Config again = Config::from_json(write_json(config.resolved()), ".", registry);
    demand(again.resolved() == config.resolved(), "a resolved config resolves to itself");
  } catch (const Error&) {
  }
  return 0;
}
