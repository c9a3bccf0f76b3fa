/// Kinematics of two jets, for expressions: angles in rad from -pi to pi, momenta and masses in GeV. The formulas are those of the Particle
/// Data Group's review "Kinematics" (Phys. Rev. D 110, 030001, section 49.5.2), without the jets' own masses.
#include <cmath>
#include <numbers>

#include <ophion/feature.h>

namespace {

/// Between two azimuths, from 0 to pi.
double delta_phi(double phi1, double phi2) {
  const double apart = std::fabs(phi1 - phi2);
  return apart > std::numbers::pi ? 2 * std::numbers::pi - apart : apart;
}

double delta_r(double eta1, double phi1, double eta2, double phi2) {
  const double eta = eta1 - eta2, phi = delta_phi(phi1, phi2);
  return std::sqrt(eta * eta + phi * phi);
}

double mass(double pt1, double eta1, double phi1, double pt2, double eta2, double phi2) {
  return std::sqrt(2 * pt1 * pt2 * (std::cosh(eta1 - eta2) - std::cos(phi1 - phi2)));
}

}  // namespace

OPHION_FEATURES("kinematics", "1.0")
OPHION_FEATURE(delta_phi, "phi1", "phi2")
OPHION_FEATURE(delta_r, "eta1", "phi1", "eta2", "phi2")
OPHION_FEATURE(mass, "pt1", "eta1", "phi1", "pt2", "eta2", "phi2")
