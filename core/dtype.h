/// Numbers of a type known only at run time: reading them, choosing code for them, a type that holds two others exactly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

#include <ophion/matrix.h>

namespace ophion {

/// One number of memory that need not be aligned; a bool is true when its byte isn't zero.
template <class T>
T load(const std::byte* from) noexcept {
  if constexpr (std::is_same_v<T, bool>) {
    return *from != std::byte{0};
  } else {
    T number;
    std::memcpy(&number, from, sizeof number);
    return number;
  }
}

/// Calls `function` with a zero of the C++ type that `type` names.
template <class Function>
decltype(auto) with_type(DType type, Function&& function) {
  switch (type) {
    case DType::boolean: return function(bool{});
    case DType::int8: return function(std::int8_t{});
    case DType::int16: return function(std::int16_t{});
    case DType::int32: return function(std::int32_t{});
    case DType::int64: return function(std::int64_t{});
    case DType::uint8: return function(std::uint8_t{});
    case DType::uint16: return function(std::uint16_t{});
    case DType::uint32: return function(std::uint32_t{});
    case DType::uint64: return function(std::uint64_t{});
    case DType::float32: return function(float{});
    case DType::float64: break;
  }
  return function(double{});
}

/// The smallest type that holds every number of both exactly; nothing when there is none (int64 and float64).
std::optional<DType> common_type(DType a, DType b) noexcept;

/// Numbers that lie `stride` bytes apart, owned elsewhere.
struct Strided {
  const std::byte* data = nullptr;
  std::ptrdiff_t stride = 0;
  DType type = DType::float64;

  const std::byte* at(std::size_t index) const noexcept { return data + static_cast<std::ptrdiff_t>(index) * stride; }
  /// The first `count` numbers as doubles.
  void to_doubles(std::size_t count, double* out) const;
};

}  // namespace ophion
