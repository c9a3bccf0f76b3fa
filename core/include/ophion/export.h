/// Marks what other shared objects may use, and names this version of Ophion.
#pragma once

#define OPHION_EXPORT __attribute__((visibility("default")))

#define OPHION_VERSION_MAJOR 0
#define OPHION_VERSION_MINOR 1
#define OPHION_VERSION_PATCH 0
#define OPHION_VERSION "0.1.0"
