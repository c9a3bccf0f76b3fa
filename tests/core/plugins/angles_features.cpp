/// Features for tests. The same source is built as they are, of a newer version, changed under the same version, under another name, and with
/// a name that expressions have themselves.
#include <cmath>
#include <stdexcept>

#include <ophion/feature.h>

#ifndef ANGLES_NAME
#define ANGLES_NAME "angles"
#endif
#ifndef ANGLES_VERSION
#define ANGLES_VERSION "1.0"
#endif
#ifndef ANGLES_TURN
#define ANGLES_TURN 6.283185307179586
#endif

namespace {

double delta_phi(double phi1, double phi2) { return std::fabs(std::remainder(phi1 - phi2, ANGLES_TURN)); }

double ratio(double above, double below) {
  if (below == 0) throw std::domain_error("nothing is left below");
  return above / below;
}

#ifdef ANGLES_GREEDY
double sign(double number) { return number; }
#endif

}  // namespace

OPHION_FEATURES(ANGLES_NAME, ANGLES_VERSION)
OPHION_FEATURE(delta_phi, "phi1", "phi2")
OPHION_FEATURE(ratio, "pt[0]", "pt[1]")
#ifdef ANGLES_GREEDY
OPHION_FEATURE(sign, "x")
#endif
