/// What a worker process does: the other side of worker.h.
#pragma once

#include <ophion/export.h>

namespace ophion {

/// The whole of the program `ophion_worker`: serves the host that started it, or keeps a folder of it (kept_folder.h), until that one is
/// gone. Gives its exit status.
OPHION_EXPORT int serve_as_worker(int count, char** arguments);

/// Whether this process is a worker: one that serves a single call at a time, and that has no program of its own beside Ophion.
OPHION_EXPORT bool in_worker() noexcept;

}  // namespace ophion
