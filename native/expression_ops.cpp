/// The table of operators and functions, and their loops. NaN follows IEEE 754 and C throughout.
#include "expression_ops.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <utility>

namespace ophion::native {
namespace {

double truth(bool value) { return value ? 1.0 : 0.0; }

// The loops are elementwise, so that `out` may be an operand's memory; ivdep tells the vectoriser, which can't see it.

template <auto function>
void unary(const Operand* operands, std::size_t rows, double* out) {
  const double* a = operands[0].data;
#pragma GCC ivdep
  for (std::size_t i = 0; i < rows; ++i) out[i] = function(a[i]);
}

template <bool a_varies, bool b_varies, class Function>
void binary_loop(Function function, const double* a, const double* b, std::size_t rows, double* out) {
  const double a0 = *a;
  const double b0 = *b;
#pragma GCC ivdep
  for (std::size_t i = 0; i < rows; ++i) out[i] = function(a_varies ? a[i] : a0, b_varies ? b[i] : b0);
}

template <auto function>
void binary(const Operand* operands, std::size_t rows, double* out) {
  const auto [a, a_varies] = operands[0];
  const auto [b, b_varies] = operands[1];
  if (a_varies && b_varies) binary_loop<true, true>(function, a, b, rows, out);
  else if (a_varies) binary_loop<true, false>(function, a, b, rows, out);
  else binary_loop<false, true>(function, a, b, rows, out);
}

template <bool a_varies, bool b_varies>
void select_loop(const Operand* operands, std::size_t rows, double* out) {
  const auto [condition, condition_varies] = operands[0];
  const double* a = operands[1].data;
  const double* b = operands[2].data;
  const std::size_t step = condition_varies ? 1 : 0;
#pragma GCC ivdep
  for (std::size_t i = 0; i < rows; ++i) {
    const double if_true = a[a_varies ? i : 0];
    const double if_false = b[b_varies ? i : 0];
    out[i] = condition[i * step] != 0 ? if_true : if_false;
  }
}

void select(const Operand* operands, std::size_t rows, double* out) {
  const bool a_varies = operands[1].varies;
  const bool b_varies = operands[2].varies;
  if (a_varies && b_varies) select_loop<true, true>(operands, rows, out);
  else if (a_varies) select_loop<true, false>(operands, rows, out);
  else if (b_varies) select_loop<false, true>(operands, rows, out);
  else select_loop<false, false>(operands, rows, out);
}

template <int exponent>
double whole_power(double x) {
  if constexpr (exponent == 1) {
    return x;
  } else {
    const double half = whole_power<exponent / 2>(x);
    return exponent % 2 == 0 ? half * half : half * half * x;
  }
}

/// Small whole exponents are multiplications: some forty times faster than std::pow, and as exact for squares.
void power(const Operand* operands, std::size_t rows, double* out) {
  static constexpr std::array<Kernel, 8> whole = {
      unary<whole_power<1>>, unary<whole_power<2>>, unary<whole_power<3>>, unary<whole_power<4>>,
      unary<whole_power<5>>, unary<whole_power<6>>, unary<whole_power<7>>, unary<whole_power<8>>};
  const double exponent = *operands[1].data;
  if (!operands[1].varies && exponent >= 1 && exponent <= 8 && exponent == std::floor(exponent)) {
    whole[static_cast<std::size_t>(exponent) - 1](operands, rows, out);
  } else {
    binary<[](double a, double b) { return std::pow(a, b); }>(operands, rows, out);
  }
}

/// fmod, by way of whole numbers where both are such: forty times faster for event numbers, and as exact.
double remainder(double a, double b) {
  constexpr double exact = 9007199254740992.0;  // 2^53
  if (std::fabs(a) <= exact && std::fabs(b) <= exact) {
    const auto whole_a = static_cast<std::int64_t>(a);
    const auto whole_b = static_cast<std::int64_t>(b);
    if (static_cast<double>(whole_a) == a && static_cast<double>(whole_b) == b && whole_b != 0) {
      return std::copysign(static_cast<double>(whole_a % whole_b), a);
    }
  }
  return std::fmod(a, b);
}

constexpr OpEntry table[] = {
    {"number", 0, nullptr, false},
    {"column", 0, nullptr, false},
    {"call", 0, nullptr, false},

    {"+", 2, binary<[](double a, double b) { return a + b; }>, false},
    {"-", 2, binary<[](double a, double b) { return a - b; }>, false},
    {"*", 2, binary<[](double a, double b) { return a * b; }>, false},
    {"/", 2, binary<[](double a, double b) { return a / b; }>, false},
    {"%", 2, binary<remainder>, false},
    {"^", 2, power, false},
    {"neg", 1, unary<[](double a) { return -a; }>, false},

    {"<", 2, binary<[](double a, double b) { return truth(a < b); }>, false},
    {"<=", 2, binary<[](double a, double b) { return truth(a <= b); }>, false},
    {">", 2, binary<[](double a, double b) { return truth(a > b); }>, false},
    {">=", 2, binary<[](double a, double b) { return truth(a >= b); }>, false},
    {"==", 2, binary<[](double a, double b) { return truth(a == b); }>, false},
    {"!=", 2, binary<[](double a, double b) { return truth(a != b); }>, false},
    {"&&", 2, binary<[](double a, double b) { return truth((a != 0) & (b != 0)); }>, false},
    {"||", 2, binary<[](double a, double b) { return truth((a != 0) | (b != 0)); }>, false},
    {"!", 1, unary<[](double a) { return truth(a == 0); }>, false},
    {"?:", 3, select, false},

    {"abs", 1, unary<[](double a) { return std::fabs(a); }>, true},
    {"sqrt", 1, unary<[](double a) { return std::sqrt(a); }>, true},
    {"cbrt", 1, unary<[](double a) { return std::cbrt(a); }>, true},
    {"hypot", 2, binary<[](double a, double b) { return std::hypot(a, b); }>, true},
    {"exp", 1, unary<[](double a) { return std::exp(a); }>, true},
    {"expm1", 1, unary<[](double a) { return std::expm1(a); }>, true},
    {"log", 1, unary<[](double a) { return std::log(a); }>, true},
    {"log2", 1, unary<[](double a) { return std::log2(a); }>, true},
    {"log10", 1, unary<[](double a) { return std::log10(a); }>, true},
    {"log1p", 1, unary<[](double a) { return std::log1p(a); }>, true},
    // NaN if either is: a missing value must not look like a small or a large one.
    {"min", 2, binary<[](double a, double b) { return (a < b) | (a != a) ? a : b; }>, true},
    {"max", 2, binary<[](double a, double b) { return (a > b) | (a != a) ? a : b; }>, true},

    {"sin", 1, unary<[](double a) { return std::sin(a); }>, true},
    {"cos", 1, unary<[](double a) { return std::cos(a); }>, true},
    {"tan", 1, unary<[](double a) { return std::tan(a); }>, true},
    {"asin", 1, unary<[](double a) { return std::asin(a); }>, true},
    {"acos", 1, unary<[](double a) { return std::acos(a); }>, true},
    {"atan", 1, unary<[](double a) { return std::atan(a); }>, true},
    {"atan2", 2, binary<[](double a, double b) { return std::atan2(a, b); }>, true},
    {"sinh", 1, unary<[](double a) { return std::sinh(a); }>, true},
    {"cosh", 1, unary<[](double a) { return std::cosh(a); }>, true},
    {"tanh", 1, unary<[](double a) { return std::tanh(a); }>, true},
    {"asinh", 1, unary<[](double a) { return std::asinh(a); }>, true},
    {"acosh", 1, unary<[](double a) { return std::acosh(a); }>, true},
    {"atanh", 1, unary<[](double a) { return std::atanh(a); }>, true},
    {"erf", 1, unary<[](double a) { return std::erf(a); }>, true},
    {"erfc", 1, unary<[](double a) { return std::erfc(a); }>, true},

    {"floor", 1, unary<[](double a) { return std::floor(a); }>, true},
    {"ceil", 1, unary<[](double a) { return std::ceil(a); }>, true},
    {"round", 1, unary<[](double a) { return std::round(a); }>, true},
    {"int", 1, unary<[](double a) { return std::trunc(a); }>, true},
    {"sign", 1, unary<[](double a) { return a != a ? a : truth(a > 0) - truth(a < 0); }>, true},
    {"copysign", 2, binary<[](double a, double b) { return std::copysign(a, b); }>, true},
    {"isnan", 1, unary<[](double a) { return truth(a != a); }>, true},
    {"isinf", 1, unary<[](double a) { return truth(std::fabs(a) == HUGE_VAL); }>, true},
    {"isfinite", 1, unary<[](double a) { return truth(std::fabs(a) < HUGE_VAL); }>, true},
};

/// Other names of what the table holds.
constexpr std::pair<std::string_view, std::string_view> aliases[] = {
    {"fabs", "abs"}, {"pow", "^"}, {"fmod", "%"}, {"trunc", "int"}, {"fmin", "min"}, {"fmax", "max"},
    {"TMath::Abs", "abs"}, {"TMath::Sqrt", "sqrt"}, {"TMath::Power", "^"}, {"TMath::Hypot", "hypot"},
    {"TMath::Exp", "exp"}, {"TMath::Log", "log"}, {"TMath::Log2", "log2"}, {"TMath::Log10", "log10"},
    {"TMath::Min", "min"}, {"TMath::Max", "max"},
    {"TMath::Sin", "sin"}, {"TMath::Cos", "cos"}, {"TMath::Tan", "tan"},
    {"TMath::ASin", "asin"}, {"TMath::ACos", "acos"}, {"TMath::ATan", "atan"}, {"TMath::ATan2", "atan2"},
    {"TMath::SinH", "sinh"}, {"TMath::CosH", "cosh"}, {"TMath::TanH", "tanh"},
    {"TMath::ASinH", "asinh"}, {"TMath::ACosH", "acosh"}, {"TMath::ATanH", "atanh"},
    {"TMath::Erf", "erf"}, {"TMath::Erfc", "erfc"},
    {"TMath::Floor", "floor"}, {"TMath::Ceil", "ceil"}, {"TMath::Sign", "copysign"},
    {"TMath::IsNaN", "isnan"}, {"TMath::Finite", "isfinite"},
};

const OpEntry* entry_named(std::string_view name) noexcept {
  const auto* found = std::ranges::find(table, name, &OpEntry::name);
  return found == std::end(table) ? nullptr : found;
}

}  // namespace

std::span<const OpEntry> op_table() noexcept { return table; }

const OpEntry* function_named(std::string_view name) noexcept {
  if (name.starts_with("std::")) name.remove_prefix(5);
  const auto* alias = std::ranges::find(aliases, name, &std::pair<std::string_view, std::string_view>::first);
  if (alias != std::end(aliases)) return entry_named(alias->second);
  const OpEntry* entry = entry_named(name);
  return entry != nullptr && entry->callable ? entry : nullptr;
}

std::vector<std::string_view> function_names() {
  std::vector<std::string_view> names;
  for (const OpEntry& entry : table) {
    if (entry.callable) names.push_back(entry.name);
  }
  for (const auto& [name, target] : aliases) names.push_back(name);
  return names;
}

}  // namespace ophion::native
