/// CPython's header, included by every other header of this room, so that it comes first as it must.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>
