/// What scripts print: sys.stdout and sys.stderr of a Python that Ophion owns.
#pragma once

namespace ophion {

/// Puts streams of our own in the place of sys.stdout and sys.stderr: they hand on line by line to the log and, where the
/// host has no sink for that, to C's stdout and stderr, in order with what the host writes there. With the GIL held.
void install_output();

/// Hands on lines that have no end yet, and flushes. Cheap when nothing was printed. With the GIL held; it is released while
/// the host's sink runs.
void flush_output() noexcept;

}  // namespace ophion
