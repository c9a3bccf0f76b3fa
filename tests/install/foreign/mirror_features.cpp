/// A stranger's feature.
#include <ophion/feature.h>

namespace {
double mirrored(double number) { return -number; }
}  // namespace

OPHION_FEATURES("mirror", "2.3")
OPHION_FEATURE(mirrored, "b")
