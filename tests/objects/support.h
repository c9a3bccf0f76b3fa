/// Buffers as Python sees them, and memory that says when it is freed.
#pragma once

#include "pymethods/support.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>

#include <ophion/buffer.h>
#include <ophion/error.h>
#include <ophion/view.h>

namespace ophion::testing_support {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// str() of a Python expression over the object, which is called b; or the exception's type and text.
inline std::string say(const Object& object, const std::string& expression) {
  const Gil gil;
  return from_text(call_function("borrowers", "say", {to_text(expression).get(), object.get()}).get(), "looking at a buffer");
}

template <class T>
std::string say(const Buffer<T>& buffer, const std::string& expression) {
  return say(buffer.object(), expression);
}

/// What a Python expression gives.
inline Object make(const std::string& expression) {
  const Gil gil;
  return Object::steal(call_function("borrowers", "make", {to_text(expression).get()}).release());
}

inline std::string text(const void* address) { return std::to_string(reinterpret_cast<std::uintptr_t>(address)); }

/// Floats from malloc: 1, 2, 3, … Whoever reads them once they were freed is seen by a sanitizer, and reads no such numbers without one.
struct Tracked {
  explicit Tracked(std::size_t size)
      : keeper(static_cast<float*>(std::malloc(size * sizeof(float))), [freed = freed, without_gil = without_gil, size](float* memory) {
          *without_gil = !python_running() || !PyGILState_Check();
          std::fill_n(memory, size, -1000.0f);
          std::free(memory);
          *freed = true;
        }) {
    for (std::size_t i = 0; i < size; ++i) keeper.get()[i] = static_cast<float>(i + 1);
  }
  Buffer<float> buffer(std::size_t size) { return {std::span<float>(keeper.get(), size), std::move(keeper)}; }

  std::shared_ptr<std::atomic<bool>> freed = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<std::atomic<bool>> without_gil = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<float> keeper;
};

inline bool has_libraries() {
#ifdef OPHION_SANITIZE
  return false;  // PyTorch and pyarrow bring half a minute of imports, and leaks of their own
#else
  return true;
#endif
}

}  // namespace ophion::testing_support
