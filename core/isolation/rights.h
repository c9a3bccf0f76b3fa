/// Gives up, for this process and for ever, what a guest has no need of: the network, other processes, writing to files.
#pragma once

#include <filesystem>
#include <vector>

namespace ophion {

/// From now on, for every thread made later: no socket can be made, no process started, signalled or looked into, no file written,
/// made or removed outside of `writable`, no mode, owner or time of a file changed. Landlock does the files, seccomp the rest. Throws WorkerError where the
/// kernel lacks either: nothing weaker is put in their place. To be called while the process has one thread.
void drop_rights(const std::vector<std::filesystem::path>& writable);

}  // namespace ophion
