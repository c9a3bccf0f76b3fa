/// The C header as this library sees it: what it declares is what others see.
#pragma once

#pragma GCC visibility push(default)
#include <ophion_c.h>
#pragma GCC visibility pop
