/// Where a model comes from: config, data files, seed, source revision.
#pragma once

#include <ophion/config.h>
#include <ophion/value.h>

#include "events.h"

namespace ophion {

/// {"config_sha256", "seed", "data": [{"file", "bytes", "sha256"}], "git": {"commit", "folder"}}. Each file is read once more for its
/// hash; beyond 4 GiB in all, the hashes are left out and a line says so.
Value provenance(const Config& config, const Events& events);

}  // namespace ophion
