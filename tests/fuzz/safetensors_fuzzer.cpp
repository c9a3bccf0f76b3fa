/// Arrays: what is read is written and read again as the same.
#include "fuzz/fuzzer.h"
#include "safetensors.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ophion;
  try {
    const auto tensors = read_safetensors(text_of(data, size), "fuzzed");
    const auto again = read_safetensors(write_safetensors(tensors), "written");
    demand(again.size() == tensors.size(), "as many tensors come back");
    for (const auto& [name, tensor] : tensors) {
      const Tensor& other = again.at(name);
      demand(other.type == tensor.type && other.shape == tensor.shape && other.bytes == tensor.bytes, "a tensor comes back");
      demand(doubles_of(tensor).size() * size_of(tensor.type) == tensor.bytes.size(), "every number is given");
    }
  } catch (const ModelError&) {
  }
  return 0;
}
