/// Differentiates and integrates Python functions with the GNU Scientific Library.
///   gsl_derivative CURVES.py
#include <cstdio>
#include <memory>
#include <numbers>
#include <string>

#include <gsl/gsl_deriv.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>

#include <ophion/error.h>
#include <ophion/function.h>

using Curve = ophion::PyFunction<double(double)>;

struct Estimate {
  double value = 0;
  double error = 0;
};

Estimate derivative(const Curve& curve, double x) {
  auto call = curve.callback();
  const gsl_function function{call.function(), call.data()};
  Estimate found;
  gsl_deriv_central(&function, x, 1e-3, &found.value, &found.error);
  call.rethrow();  // what Python raised: it could not pass through C
  return found;
}

Estimate integral(const Curve& curve, double from, double to) {
  auto call = curve.callback();
  const gsl_function function{call.function(), call.data()};
  constexpr std::size_t intervals = 1000;
  const std::unique_ptr<gsl_integration_workspace, decltype(&gsl_integration_workspace_free)> workspace(
      gsl_integration_workspace_alloc(intervals), gsl_integration_workspace_free);
  Estimate found;
  {
    const ophion::PythonLock python;  // thousands of calls: hold Python over them
    gsl_integration_qag(&function, from, to, 0, 1e-10, intervals, GSL_INTEG_GAUSS61, workspace.get(), &found.value, &found.error);
  }
  call.rethrow();
  return found;
}

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: gsl_derivative CURVES.py\n");
    return 2;
  }
  gsl_set_error_handler_off();  // it would end the program
  const std::string curves = argv[1];
  const Curve oscillation(curves + ":oscillation");
  const Estimate slope = derivative(oscillation, 1.0);
  std::printf("derivative at 1: %.10f +- %.1e\n", slope.value, slope.error);
  const Estimate area = integral(oscillation, 0.0, std::numbers::pi);
  std::printf("integral from 0 to pi: %.10f +- %.1e\n", area.value, area.error);

  try {
    integral(Curve(curves + ":only_below_one"), 0.0, 2.0);
  } catch (const ophion::PythonError& error) {
    std::printf("integral of only_below_one: %s: %s\n", error.type().c_str(), error.message().c_str());
  }
  return 0;
} catch (const ophion::Error& error) {
  std::fprintf(stderr, "gsl_derivative: %s\n", error.what());
  return 1;
}
