/// view: the memory of a Python object, seen from C++.
#pragma once

#include <utility>

#include <ophion/export.h>
#include <ophion/object.h>
#include <ophion/strided.h>

namespace ophion {
namespace detail {

struct Seen {
  Memory memory;
  Object owner;  // keeps the memory where it is: the array, or what stands for a buffer or a tensor that was handed out
};

OPHION_EXPORT Seen look_at(const Object& object, const ElementType& element, bool writable);

}  // namespace detail

/// Elements that Python owns; keeps them alive. May be copied and dropped by any thread, with or without the GIL.
template <class T>
class View : public Strided<T> {
 public:
  explicit View(detail::Seen seen) noexcept : Strided<T>(seen.memory), owner_(std::move(seen.owner)) {}

 private:
  Object owner_;
};

/// The memory of anything that speaks the buffer protocol, DLPack, __array_struct__ or __array_interface__: a NumPy array, a tensor of
/// PyTorch, an array or buffer of pyarrow, a memoryview, bytes, array.array. Nothing is copied or converted. view<float> needs
/// memory that may be written, view<const float> does not.
/// Throws DataError, which says what was expected and what was found: another element type or byte order, more than two dimensions,
/// misaligned or read-only memory, memory of a GPU, an object that speaks none of these.
template <class T>
View<T> view(const Object& object) {
  return View<T>(detail::look_at(object, element_type<std::remove_const_t<T>>, !std::is_const_v<T>));
}

}  // namespace ophion
