/// Values both ways: what C++ and Python types have in common.
///
///   | C++                                       | to Python      | from Python, besides                                     |
///   |-------------------------------------------|----------------|----------------------------------------------------------|
///   | bool                                      | bool           | NumPy's                                                  |
///   | integers of 8 to 64 bits                  | int            | NumPy's, whatever has __index__; not bool; range-checked |
///   | float, double                             | float          | int, NumPy's, whatever has __float__                     |
///   | std::string (out only: const char*, string_view) | str     | bytes that are no UTF-8 are surrogates, as in os.fsencode |
///   | std::vector<std::byte>                    | bytes          | whatever has one block of bytes: bytearray, memoryview   |
///   | std::vector<T>, std::array<T, n>          | list           | tuple, NumPy arrays, tensors, other sequences; no text   |
///   | std::pair, std::tuple                     | tuple          | the same, of just that length                            |
///   | std::map, std::unordered_map              | dict           |                                                          |
///   | std::optional<T>                          | None or T      |                                                          |
///   | std::chrono::system_clock::time_point     | datetime, UTC  | a naive datetime is local time, as everywhere in Python  |
///   | Value                                     | what it holds  | None, bool, int, float, str, list, tuple, dict, NumPy's  |
///   | Object                                    | itself         | anything                                                 |
///
/// A type of your own: specialise Converter, by means of those that are here.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <ophion/export.h>
#include <ophion/object.h>
#include <ophion/python_lock.h>
#include <ophion/value.h>

namespace ophion {

/// Where in a structure something is, for errors: result["fits"][3]. Lives on the stack, and refers to the place around it.
class OPHION_EXPORT Place {
 public:
  explicit Place(std::string_view root) noexcept : root_(root) {}
  Place(const Place& outer, std::size_t index) : Place(outer, index, nullptr) {}
  Place(const Place& outer, _object* key) : Place(outer, 0, key) {}

  /// 'result["fits"][3]'. With Python held, as all below.
  std::string text() const;
  /// Throws Error: 'result["fits"][3]: expected float, found str'.
  [[noreturn]] void refuse(const std::string& expected, _object* found) const;
  [[noreturn]] void refuse(const std::string& expected, const std::string& found) const;

 private:
  Place(const Place& outer, std::size_t index, _object* key);  // Error where it is nested deeper than 64, as what holds itself

  std::string_view root_;
  const Place* outer_ = nullptr;
  std::size_t index_ = 0;
  _object* key_ = nullptr;  // borrowed
  int depth_ = 0;
};

/// How a type crosses: `Object to_python(const T&)` and `T from_python(_object*, const Place&)`, both called with Python held.
template <class T>
struct Converter {
  static_assert(sizeof(T) == 0, "Ophion knows no Python type for this one: specialise ophion::Converter for it");
};

/// A Python object of a C++ value.
template <class T>
Object to_python(const T& value) {
  const PythonLock python;
  return Converter<std::decay_t<const T&>>::to_python(value);
}

/// The C++ value of a Python object. Throws Error, which names the place: 'result["fits"][3]: expected float, found str'; `name` is what
/// the whole is called there.
template <class T>
T from_python(const Object& object, std::string_view name = "result") {
  const PythonLock python;
  const Place place(name);
  if (!object) place.refuse("an object", "an empty Object");
  return Converter<T>::from_python(object.get(), place);
}

/// What the converters are made of; with Python held.
namespace detail {

OPHION_EXPORT Object make_none();
OPHION_EXPORT Object make_bool(bool truth);
OPHION_EXPORT Object make_int(long long number);
OPHION_EXPORT Object make_int(unsigned long long number);
OPHION_EXPORT Object make_float(double number);
OPHION_EXPORT Object make_text(std::string_view text);
OPHION_EXPORT Object make_bytes(const std::byte* bytes, std::size_t size);
OPHION_EXPORT Object make_time(std::chrono::system_clock::time_point time);
OPHION_EXPORT Object make_value(const Value& value);
OPHION_EXPORT Object make_list(std::size_t size);
OPHION_EXPORT void set_in_list(const Object& list, std::size_t index, Object item);
OPHION_EXPORT Object make_tuple(std::size_t size);
OPHION_EXPORT void set_in_tuple(const Object& tuple, std::size_t index, Object item);
OPHION_EXPORT Object make_dict();
OPHION_EXPORT void set_in_dict(const Object& dict, const Object& key, const Object& value);

OPHION_EXPORT bool is_none(_object* object) noexcept;
OPHION_EXPORT bool take_bool(_object* object, const Place& place);
OPHION_EXPORT long long take_int(_object* object, const Place& place, long long least, long long most);
OPHION_EXPORT unsigned long long take_unsigned(_object* object, const Place& place, unsigned long long most);
OPHION_EXPORT double take_double(_object* object, const Place& place);
OPHION_EXPORT float take_float(_object* object, const Place& place);
OPHION_EXPORT std::string take_text(_object* object, const Place& place);
OPHION_EXPORT std::vector<std::byte> take_bytes(_object* object, const Place& place);
OPHION_EXPORT std::chrono::system_clock::time_point take_time(_object* object, const Place& place);
OPHION_EXPORT Value take_value(_object* object, const Place& place);

/// The items of a list, or of what stands for one.
class OPHION_EXPORT Items {
 public:
  Items(_object* object, const Place& place);
  /// Of just that many.
  Items(_object* object, const Place& place, std::size_t expected);
  std::size_t size() const noexcept;
  /// Borrowed from this.
  _object* operator[](std::size_t index) const noexcept;

 private:
  Object tuple_;
};

/// The keys and values of a dict as it is when this is made.
class OPHION_EXPORT Entries {
 public:
  Entries(_object* object, const Place& place);
  std::size_t size() const noexcept;
  /// Borrowed from this.
  _object* key(std::size_t index) const noexcept;
  _object* value(std::size_t index) const noexcept;

 private:
  Object items_;  // a list of pairs
};

template <class T>
inline constexpr bool is_number = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> && !std::same_as<T, wchar_t> &&
                                  !std::same_as<T, char8_t> && !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

/// Of anything that can be gone through.
template <class Range>
Object list_of(const Range& range, std::size_t size) {
  using Item = typename Range::value_type;
  Object list = make_list(size);
  std::size_t index = 0;
  for (const Item& item : range) set_in_list(list, index++, Converter<Item>::to_python(item));
  return list;
}

template <class Map>
struct MapConverter {
  using Key = typename Map::key_type;
  using Mapped = typename Map::mapped_type;

  static Object to_python(const Map& map) {
    Object dict = make_dict();
    for (const auto& [key, value] : map) set_in_dict(dict, Converter<Key>::to_python(key), Converter<Mapped>::to_python(value));
    return dict;
  }
  static Map from_python(_object* object, const Place& place) {
    const Entries entries(object, place);
    Map map;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const Place inner(place, entries.key(i));
      map.insert_or_assign(Converter<Key>::from_python(entries.key(i), inner), Converter<Mapped>::from_python(entries.value(i), inner));
    }
    return map;
  }
};

template <class Tuple, class... Parts>
struct TupleConverter {
  static Object to_python(const Tuple& tuple) {
    Object made = make_tuple(sizeof...(Parts));
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      (set_in_tuple(made, i, Converter<Parts>::to_python(std::get<i>(tuple))), ...);
    }(std::index_sequence_for<Parts...>());
    return made;
  }
  static Tuple from_python(_object* object, const Place& place) {
    const Items items(object, place, sizeof...(Parts));
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      return Tuple{Converter<Parts>::from_python(items[i], Place(place, i))...};
    }(std::index_sequence_for<Parts...>());
  }
};

}  // namespace detail

template <>
struct Converter<bool> {
  static Object to_python(bool truth) { return detail::make_bool(truth); }
  static bool from_python(_object* object, const Place& place) { return detail::take_bool(object, place); }
};

template <class T>
  requires detail::is_number<T>
struct Converter<T> {
  using Widest = std::conditional_t<std::is_signed_v<T>, long long, unsigned long long>;
  static Object to_python(T number) { return detail::make_int(static_cast<Widest>(number)); }
  static T from_python(_object* object, const Place& place) {
    using Limits = std::numeric_limits<T>;
    if constexpr (std::is_signed_v<T>) return static_cast<T>(detail::take_int(object, place, Limits::min(), Limits::max()));
    else return static_cast<T>(detail::take_unsigned(object, place, Limits::max()));
  }
};

template <>
struct Converter<double> {
  static Object to_python(double number) { return detail::make_float(number); }
  static double from_python(_object* object, const Place& place) { return detail::take_double(object, place); }
};

template <>
struct Converter<float> {
  static Object to_python(float number) { return detail::make_float(double{number}); }
  static float from_python(_object* object, const Place& place) { return detail::take_float(object, place); }
};

template <>
struct Converter<std::string> {
  static Object to_python(const std::string& text) { return detail::make_text(text); }
  static std::string from_python(_object* object, const Place& place) { return detail::take_text(object, place); }
};

template <>
struct Converter<std::string_view> {  // one way: nobody would own the text
  static Object to_python(std::string_view text) { return detail::make_text(text); }
};

template <>
struct Converter<const char*> {
  static Object to_python(const char* text) { return detail::make_text(text); }
};

template <>
struct Converter<std::vector<std::byte>> {
  static Object to_python(const std::vector<std::byte>& bytes) { return detail::make_bytes(bytes.data(), bytes.size()); }
  static std::vector<std::byte> from_python(_object* object, const Place& place) { return detail::take_bytes(object, place); }
};

template <>
struct Converter<std::chrono::system_clock::time_point> {
  static Object to_python(std::chrono::system_clock::time_point time) { return detail::make_time(time); }
  static std::chrono::system_clock::time_point from_python(_object* object, const Place& place) { return detail::take_time(object, place); }
};

template <>
struct Converter<Value> {
  static Object to_python(const Value& value) { return detail::make_value(value); }
  static Value from_python(_object* object, const Place& place) { return detail::take_value(object, place); }
};

template <>
struct Converter<Object> {
  static Object to_python(const Object& object) { return object ? object : detail::make_none(); }
  static Object from_python(_object* object, const Place&) { return Object::borrow(object); }
};

template <class T>
struct Converter<std::optional<T>> {
  static Object to_python(const std::optional<T>& value) { return value ? Converter<T>::to_python(*value) : detail::make_none(); }
  static std::optional<T> from_python(_object* object, const Place& place) {
    if (detail::is_none(object)) return std::nullopt;
    return Converter<T>::from_python(object, place);
  }
};

template <class T, class Allocator>
struct Converter<std::vector<T, Allocator>> {
  using Vector = std::vector<T, Allocator>;
  static Object to_python(const Vector& vector) { return detail::list_of(vector, vector.size()); }
  static Vector from_python(_object* object, const Place& place) {
    const detail::Items items(object, place);
    Vector vector;
    vector.reserve(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) vector.push_back(Converter<T>::from_python(items[i], Place(place, i)));
    return vector;
  }
};

template <class T, std::size_t n>
struct Converter<std::array<T, n>> {
  static Object to_python(const std::array<T, n>& array) { return detail::list_of(array, n); }
  static std::array<T, n> from_python(_object* object, const Place& place) {
    const detail::Items items(object, place, n);
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      return std::array<T, n>{Converter<T>::from_python(items[i], Place(place, i))...};
    }(std::make_index_sequence<n>());
  }
};

template <class First, class Second>
struct Converter<std::pair<First, Second>> : detail::TupleConverter<std::pair<First, Second>, First, Second> {};

template <class... Parts>
struct Converter<std::tuple<Parts...>> : detail::TupleConverter<std::tuple<Parts...>, Parts...> {};

template <class Key, class T, class... Rest>
struct Converter<std::map<Key, T, Rest...>> : detail::MapConverter<std::map<Key, T, Rest...>> {};

template <class Key, class T, class... Rest>
struct Converter<std::unordered_map<Key, T, Rest...>> : detail::MapConverter<std::unordered_map<Key, T, Rest...>> {};

}  // namespace ophion
