/// Values across the border: C++ types in and out of Python functions, a generator as a range, a range as an iterator.
///   python_values CURVES.py
#include <chrono>
#include <cstdio>
#include <map>
#include <optional>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include <ophion/convert.h>
#include <ophion/error.h>
#include <ophion/function.h>
#include <ophion/iterate.h>

using ophion::Object;
using ophion::PyFunction;

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: python_values CURVES.py\n");
    return 2;
  }
  const std::string curves = argv[1];

  const PyFunction<std::map<std::string, int>(std::string)> count("collections.Counter");
  for (const auto& [letter, times] : count("abba")) std::printf("%s: %d\n", letter.c_str(), times);

  // A Python generator, taken apart in C++; `break` would close it.
  const PyFunction<Object(std::vector<double>, int)> batches(curves + ":batches");
  for (const auto& batch : ophion::iterate<std::vector<double>>(batches({1, 2, 3, 4, 5}, 2))) std::printf("batch of %zu\n", batch.size());

  // A C++ range, gone through by Python; nothing of it is stored.
  const auto squares = std::views::iota(1, 5) | std::views::transform([](int i) { return i * i; });
  const PyFunction<Object(Object)> summary(curves + ":summary");
  const Object result = summary(ophion::as_iterator(squares));
  const auto found = ophion::from_python<ophion::Value>(result);
  std::printf("%lld squares, mean %.2f\n", static_cast<long long>(found.at("count").as_integer()), found.at("mean").as_number());

  using namespace std::chrono;
  const PyFunction<std::string(system_clock::time_point)> written("datetime.datetime.isoformat");
  std::printf("%s\n", written(sys_days(2024y / February / 29) + 12h).c_str());

  try {
    ophion::from_python<std::map<std::string, std::vector<double>>>(result);
  } catch (const ophion::Error& error) {
    std::printf("%s\n", error.what());
  }
  return 0;
} catch (const ophion::Error& error) {
  std::fprintf(stderr, "python_values: %s\n", error.what());
  return 1;
}
