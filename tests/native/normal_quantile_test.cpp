/// The normal quantile function against SciPy.
#include "normal_quantile.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <utility>

namespace ophion::native {
namespace {

TEST(NormalQuantile, IsScipysToTheLastDigits) {
  // python -c "from scipy.special import ndtri
  // for p in (1e-300, 1e-20, 1e-12, 1e-7, 1e-3, 0.025, 0.07, 0.08, 0.3, 0.5, 0.6, 0.92, 0.975, 0.999, 1 - 1e-12): print(p, repr(ndtri(p)))"
  const std::pair<double, double> known[] = {
      {1e-300, -37.0470962993612}, {1e-20, -9.262340089798409}, {1e-12, -7.034483825301131},
      {1e-07, -5.1993375821928165}, {0.001, -3.090232306167813}, {0.025, -1.9599639845400545},
      {0.07, -1.4757910281791706}, {0.08, -1.4050715603096329}, {0.3, -0.5244005127080409},
      {0.5, 0.0}, {0.6, 0.2533471031357997}, {0.92, 1.4050715603096329},
      {0.975, 1.959963984540054}, {0.999, 3.090232306167813}, {0.999999999999, 7.0344869100478356},
  };
  for (const auto& [p, x] : known) {
    EXPECT_NEAR(normal_quantile(p), x, 1e-15 * std::fabs(x)) << p;
  }
}

TEST(NormalQuantile, EndsAtInfinityAndIsNothingOutside) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(normal_quantile(0), -infinity);
  EXPECT_EQ(normal_quantile(1), infinity);
  EXPECT_TRUE(std::isnan(normal_quantile(-1e-9)));
  EXPECT_TRUE(std::isnan(normal_quantile(std::nextafter(1.0, 2.0))));
  EXPECT_TRUE(std::isnan(normal_quantile(NAN)));
}

}  // namespace
}  // namespace ophion::native
