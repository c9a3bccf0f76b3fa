/// Whether a model file may run its code: asked once, before anything of a payload is handed to its method.
#pragma once

#include <filesystem>

#include <ophion/model.h>

#include "model_file.h"
#include "model_manifest.h"

namespace ophion {

/// Whether this user, this process or the options trust the file. A store that can't be read trusts nothing.
bool is_trusted(const ModelFile& file, const LoadOptions& options);

/// Returns when this payload, which carries code, may run it here; else throws TrustError naming the file, what it would run, and
/// the command that accepts it.
void demand_trust(const ModelFile& file, const PayloadDescription& payload, const LoadOptions& options);

/// A model that was trained here: this user's programs, and this process whatever becomes of the store, run its code from now on.
/// A store that can't be written is a warning: the model is there all the same.
void remember_trained(const ModelFile& file, const std::filesystem::path& saved_as);

/// Such a model is gone: nothing needs to remember it.
void forget_trained(const ModelFile& file);

}  // namespace ophion
