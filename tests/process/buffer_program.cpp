/// Two processes of tests/objects: `buffer_program after_the_end` drops what it shared when Python has ended, `buffer_program gigabyte`
/// shares 1 GB and looks at the peak of its memory.
#include "tests/pymethods/support.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

#include <ophion/buffer.h>
#include <ophion/view.h>

#include "pymethods/dlpack.h"

using namespace ophion;

namespace {

PyRef ask(const char* expression, const Object& object) {
  return testing_support::call_function("borrowers", "take", {to_text(expression).get(), object.get()});
}

// --- After the end ------------------------------------------------------------------------------------------------------------------

/// Made before Python starts, so destroyed after it was stopped, from the last to the first.
struct Tensor {
  dlpack::ManagedTensor* managed = nullptr;
  ~Tensor() {
    if (managed) managed->deleter(managed);
  }
} static_tensor;
std::unique_ptr<Buffer<float>> static_buffer;
Object static_object;
std::unique_ptr<View<float>> static_view;
struct Says {
  bool active = false;
  ~Says() {
    if (active) std::puts(python_running() ? "Python runs" : "Python has ended");
  }
} says;

Buffer<float> talkative(const char* freed) {
  const std::shared_ptr<float> memory(new float[3]{1, 2, 3}, [freed](const float* data) {
    std::puts(freed);
    delete[] data;
  });
  return {std::span<float>(memory.get(), 3), memory};
}

int end() {
  says.active = true;
  static_buffer = std::make_unique<Buffer<float>>(talkative("freed by the last Buffer"));
  static_object = talkative("freed, although an Object that outlives Python is never dropped").object();
  static_view = std::make_unique<View<float>>(view<float>(static_object));
  const Object object = talkative("freed by the last tensor").object();
  const Gil gil;
  const PyRef capsule = ask("b.__dlpack__()", object);
  static_tensor.managed = static_cast<dlpack::ManagedTensor*>(PyCapsule_GetPointer(capsule.get(), dlpack::ManagedTensor::name));
  return PyCapsule_SetName(capsule.get(), dlpack::ManagedTensor::used_name);
}

// --- A gigabyte ---------------------------------------------------------------------------------------------------------------------

/// A line of one of the kernel's tables, in bytes.
double bytes_of(const char* table, const std::string& key) {
  std::ifstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key + ":")) return 1024 * std::stod(line.substr(key.size() + 1));
  }
  return 0;
}

int share_a_gigabyte() {
  constexpr std::size_t rows = 1 << 20, columns = 256;  // of float: 1 GiB
  constexpr double gigabyte = rows * columns * sizeof(float);
  if (bytes_of("/proc/meminfo", "MemAvailable") < 2 * gigabyte) {
    std::puts("less than 2 GB of memory are free");
    return 77;
  }
  const Gil gil;
  testing_support::call_function("borrowers", "pyarrow");
  const double before = bytes_of("/proc/self/status", "VmHWM");
  const auto buffer = Buffer<float>::zeros(rows, columns);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; column += columns / 2) buffer(row, column) = 1;  // each page of it once or more
  }
  const Object object = buffer.object();
  int status = 0;
  const auto expect = [&](bool right, const char* what) {
    if (right) return;
    std::puts(what);
    status = 1;
  };
  for (const char* borrower : {"np.asarray(b)", "memoryview(b)", "np.from_dlpack(b)", "pyarrow().py_buffer(b)", "np.asarray(OnlyStruct(b))"}) {
    const PyRef borrowed = ask(borrower, object);
    const PyRef address = testing_support::call_function("borrowers", "address", {borrowed.get()});
    expect(PyLong_AsVoidPtr(address.get()) == buffer.data(), borrower);
  }
  expect(view<float>(object).data() == buffer.data(), "a view of the buffer");
  expect(view<float>(Object::steal(ask("np.asarray(b)", object).release())).data() == buffer.data(), "a view of the array");
  const double grown = bytes_of("/proc/self/status", "VmHWM") - before;
  expect(grown > 0.99 * gigabyte, "the gigabyte was not touched");
  expect(grown < 1.02 * gigabyte, "there was a copy");
  return status;
}

}  // namespace

int main(int count, char** arguments) {
  testing_support::start_test_python();
  return count == 2 && std::string(arguments[1]) == "gigabyte" ? share_a_gigabyte() : end();
}
