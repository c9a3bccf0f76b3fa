/// A Python function in a C++ program: as a std::function, on whole arrays, as a C function.
///   python_function CURVES.py
#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include <ophion/error.h>
#include <ophion/function.h>

using Curve = ophion::PyFunction<double(double)>;

/// Such as C libraries have: a function, and a pointer that is handed back to it.
double trapezium(double (*function)(double, void*), void* data, double from, double to, int steps) {
  const double width = (to - from) / steps;
  double sum = (function(from, data) + function(to, data)) / 2;
  for (int i = 1; i < steps; ++i) sum += function(from + i * width, data);
  return sum * width;
}

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: python_function CURVES.py\n");
    return 2;
  }
  const std::string curves = argv[1];

  const std::function<double(double)> square_root = Curve("math.sqrt");
  std::printf("sqrt(2) = %.6f\n", square_root(2));

  // As it would stand in a config; "params" are given in every call.
  const auto entry = ophion::read_json(R"({"file": ")" + curves + R"(", "name": "oscillation", "params": {"frequency": 3.0}})", "entry");
  const Curve oscillation(entry);
  std::printf("oscillation(1) = %.6f\n", oscillation(1));

  const std::vector<double> x{0.0, 0.5, 1.0};
  std::vector<double> y(x.size());
  oscillation.map(x, y);  // one call of Python, with a NumPy array
  std::printf("oscillation of all: %.6f %.6f %.6f\n", y[0], y[1], y[2]);

  auto call = Curve(curves + ":only_below_one").callback();
  std::printf("area up to 0.9: %.4f\n", trapezium(call.function(), call.data(), 0, 0.9, 100));
  call.rethrow();
  std::printf("area up to 2: %.4f\n", trapezium(call.function(), call.data(), 0, 2, 100));
  call.rethrow();  // from 1 on there is nothing
  return 0;
} catch (const ophion::PythonError& error) {
  std::printf("Python says: %s: %s\n", error.type().c_str(), error.message().c_str());
  return 0;
} catch (const ophion::Error& error) {
  std::fprintf(stderr, "python_function: %s\n", error.what());
  return 1;
}
