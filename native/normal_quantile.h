/// The quantile function of the standard normal distribution.
#pragma once

namespace ophion::native {

/// x with Φ(x) = p, to a relative error of about 1e-16; -∞ and ∞ at 0 and 1, NaN outside.
/// Source: M. J. Wichura, Algorithm AS 241, Applied Statistics 37 (1988) 477-484, routine PPND16.
double normal_quantile(double p) noexcept;

}  // namespace ophion::native
