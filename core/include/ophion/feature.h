/// The one header a plug-in of features needs: C++ functions that expressions call by name, in training and in use.
///   double delta_r(double eta1, double phi1, double eta2, double phi2) { … }
///   OPHION_FEATURES("kinematics", "1.0")
///   OPHION_FEATURE(delta_r, "eta1", "phi1", "eta2", "phi2")
/// OPHION_FEATURES stands once in a plug-in: its name and its own version, which model files keep. Change the version with the numbers.
/// OPHION_FEATURE names the columns that the function takes where an expression says `delta_r` alone, an element of an array column as
/// "jet_pt[0]". A function takes 1 to 16 doubles and gives one. It depends on nothing else, may be called by many threads at once, and may
/// throw, which ends the run or the prediction with an error that names it; what it has no answer for is better NaN.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <ophion/export.h>
#include <ophion/note.h>

namespace ophion {

/// A feature over whole columns: `out[i]` is of `arguments[0][i]`, `arguments[1][i]`, …. `out` may be the memory of an argument.
using FeatureLoop = void (*)(const double* const* arguments, std::size_t rows, double* out);

namespace detail {

template <class Result, class... Arguments>
constexpr std::size_t arguments_of(Result (*)(Arguments...)) {
  static_assert(std::is_same_v<Result, double> && (std::is_same_v<Arguments, double> && ...), "a feature takes doubles and gives a double");
  static_assert(sizeof...(Arguments) >= 1 && sizeof...(Arguments) <= 16, "a feature takes 1 to 16 numbers");
  return sizeof...(Arguments);
}

/// The function is inlined, so that the loop is vectorised where its arithmetic can be. The loop is elementwise, so that `out` may be an
/// argument's memory; ivdep tells the vectoriser, which can't see it.
template <auto function, std::size_t... k>
__attribute__((flatten)) void each_row(const double* const* arguments, std::size_t rows, double* out, std::index_sequence<k...>) {
  const double* const columns[] = {arguments[k]...};
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC ivdep
#else
#pragma clang loop vectorize(assume_safety)
#endif
  for (std::size_t row = 0; row < rows; ++row) out[row] = function(columns[k][row]...);
}

template <class... Names>
constexpr FeatureNote make_feature_note(const char* name, Names... columns) {
  FeatureNote note;
  copy_text(note.name, sizeof note.name, name);
  std::size_t used = 0;
  for (const char* const column : {columns...}) {
    if (used > 0) note.arguments[used++] = ',';
    copy_text(note.arguments + used, sizeof note.arguments - used, column);
    for (; note.arguments[used] != '\0'; ++used) {
      if (note.arguments[used] == ',') throw "a comma in the name of a column";  // at compile time only
    }
  }
  return note;
}

template <std::size_t arguments, class... Names>
constexpr bool is_count_of(Names...) {
  return sizeof...(Names) == arguments;
}

}  // namespace detail
}  // namespace ophion

#define OPHION_FEATURES(name, version)                                                                   \
  OPHION_NOTE_(ophion_note, ::ophion::PluginNote,                                                        \
               ::ophion::detail::make_note("features", name, ::ophion::NeedsPython::no, "", version))

#define OPHION_FEATURE(function, ...)                                                                                            \
  static_assert(::ophion::detail::is_count_of<::ophion::detail::arguments_of(&function)>(__VA_ARGS__),                           \
                "OPHION_FEATURE names one column for each argument of " #function);                                              \
  OPHION_NOTE_(ophion_note_##function, ::ophion::FeatureNote, ::ophion::detail::make_feature_note(#function, __VA_ARGS__))        \
  extern "C" OPHION_EXPORT void ophion_feature_##function(const double* const* arguments, std::size_t rows, double* out) {        \
    ::ophion::detail::each_row<&function>(arguments, rows, out,                                                                  \
                                          std::make_index_sequence<::ophion::detail::arguments_of(&function)>());                \
  }
