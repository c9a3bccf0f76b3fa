/// What one element of a Buffer or a View is: a truth value, a whole number, a float, or a struct with named fields.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <type_traits>

#include <ophion/export.h>

namespace ophion {

struct Field;

/// How an element lies in memory. Lives as long as the program or plug-in that uses it.
struct ElementType {
  char kind;               ///< NumPy's letter: b (bool), i, u (unsigned), f, V (struct); a for an array inside a struct
  std::size_t size;        ///< bytes, with padding
  std::size_t alignment;   ///< bytes
  const Field* fields;     ///< of a struct, in the order of their offsets
  std::size_t count;       ///< of fields; of an array, its elements
  const ElementType* each; ///< of an array
};

struct Field {
  const char* name;
  std::size_t offset;
  const ElementType* type;
};

/// What OPHION_FIELDS says of a struct.
template <class Struct>
struct Fields;

namespace detail {

template <class T>
concept Number = std::same_as<T, bool> || std::same_as<T, float> || std::same_as<T, double> ||
                 (std::integral<T> && sizeof(T) <= 8 && !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
                  !std::same_as<T, char16_t> && !std::same_as<T, char32_t>);

template <class T>
concept Struct = requires { Fields<T>::list.size(); };

template <class T>
struct Describe;

}  // namespace detail

/// A type whose elements Python and C++ can share.
template <class T>
concept Element = detail::Number<T> || detail::Struct<T>;

template <class T>
inline constexpr ElementType element_type = detail::Describe<T>::type();

namespace detail {

template <Number T>
struct Describe<T> {
  static constexpr ElementType type() {
    const char kind = std::same_as<T, bool> ? 'b' : std::floating_point<T> ? 'f' : std::signed_integral<T> ? 'i' : 'u';
    return {kind, sizeof(T), alignof(T), nullptr, 0, nullptr};
  }
};

template <Struct T>
struct Describe<T> {
  static constexpr ElementType type() {
    return {'V', sizeof(T), alignof(T), Fields<T>::list.data(), Fields<T>::list.size(), nullptr};
  }
};

template <class T, std::size_t length>
struct Describe<T[length]> {
  static constexpr ElementType type() { return {'a', sizeof(T[length]), alignof(T), nullptr, length, &element_type<T>}; }
};

template <class T, std::size_t length>
struct Describe<std::array<T, length>> : Describe<T[length]> {};

template <std::size_t count>
constexpr bool in_order(const std::array<Field, count>& fields) {
  for (std::size_t i = 1; i < count; ++i) {
    if (fields[i].offset < fields[i - 1].offset + fields[i - 1].type->size) return false;
  }
  return true;
}

}  // namespace detail
}  // namespace ophion

/// Names a struct's members for Python: OPHION_FIELDS(Hit, x, y, energy), outside every namespace, in the order of their declaration.
/// Members may be numbers, structs named before, and arrays of these (float p[4], std::array); members left out count as padding.
#define OPHION_FIELDS(Struct, ...)                                                                                   \
  template <>                                                                                                        \
  struct ophion::Fields<Struct> {                                                                                    \
    using Type = Struct;                                                                                             \
    static_assert(std::is_standard_layout_v<Type> && std::is_trivially_copyable_v<Type>,                             \
                  "OPHION_FIELDS: Python can only share structs that are plain memory");                             \
    static constexpr auto list = std::to_array<ophion::Field>({OPHION_DETAIL_EACH(OPHION_DETAIL_FIELD, __VA_ARGS__)}); \
    static_assert(ophion::detail::in_order(list), "OPHION_FIELDS: name the members in the order of their declaration"); \
  }
#define OPHION_DETAIL_FIELD(member) {#member, offsetof(Type, member), &ophion::element_type<decltype(Type::member)>},
// Each argument in turn, up to 256 of them.
#define OPHION_DETAIL_EACH(what, ...) __VA_OPT__(OPHION_DETAIL_SCAN(OPHION_DETAIL_NEXT(what, __VA_ARGS__)))
#define OPHION_DETAIL_NEXT(what, first, ...) what(first) __VA_OPT__(OPHION_DETAIL_AGAIN OPHION_DETAIL_PARENS(what, __VA_ARGS__))
#define OPHION_DETAIL_AGAIN() OPHION_DETAIL_NEXT
#define OPHION_DETAIL_PARENS ()
#define OPHION_DETAIL_SCAN(...) OPHION_DETAIL_SCAN3(OPHION_DETAIL_SCAN3(OPHION_DETAIL_SCAN3(OPHION_DETAIL_SCAN3(__VA_ARGS__))))
#define OPHION_DETAIL_SCAN3(...) OPHION_DETAIL_SCAN2(OPHION_DETAIL_SCAN2(OPHION_DETAIL_SCAN2(OPHION_DETAIL_SCAN2(__VA_ARGS__))))
#define OPHION_DETAIL_SCAN2(...) OPHION_DETAIL_SCAN1(OPHION_DETAIL_SCAN1(OPHION_DETAIL_SCAN1(OPHION_DETAIL_SCAN1(__VA_ARGS__))))
#define OPHION_DETAIL_SCAN1(...) __VA_ARGS__
