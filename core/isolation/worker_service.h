/// What a worker process does: the other side of worker.h.
#pragma once

#include <ophion/export.h>

namespace ophion {

/// The whole of the program `ophion_worker`: serves the host that started it, until that one is gone. Gives its exit status.
OPHION_EXPORT int serve_as_worker(int count, char** arguments);

}  // namespace ophion
