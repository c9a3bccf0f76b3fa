/// Trust: which model files may run the code they carry. docs/trust.md says what that defends.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ophion/export.h>
#include <ophion/value.h>

namespace ophion {

/// Which models that carry code (scripts, or content that can't be checked) a program runs. Others need no trust.
enum class Trust {
  known,  ///< those that this user trained or accepted, here or in another program, and LoadOptions::trusted_hashes
  all,    ///< whatever is loaded: for files that come from nowhere but the program's own hands
};

/// A model that this user trained or accepted.
struct TrustedModel {
  std::string hash;  ///< as ModelFacts::hash
  std::string how;   ///< "trained" or "accepted"; empty, like the rest, when the record can't be read
  std::string name;  ///< the method's name in its config
  std::string type;  ///< the method's type
  std::string file;  ///< where it lay then
  std::string when;  ///< in UTC
};

/// What a model file says of itself, and the hash by which it is trusted.
struct ModelFacts {
  std::filesystem::path file;
  Value manifest;
  std::string hash;  ///< SHA-256 of the manifest, which lists the hashes of all members
};

/// Reads and checks a model file; nothing of the model is loaded or run. Throws ModelError.
OPHION_EXPORT ModelFacts facts_of(const std::filesystem::path& file);

/// From now on this user's programs run the code of the file that was looked at: what `ophion trust FILE` does after it has asked.
/// Throws TrustError when there is no store, or one that others may change.
OPHION_EXPORT void trust_model(const ModelFacts& facts);

/// Takes that back. False when it was not trusted. Throws TrustError as above.
OPHION_EXPORT bool distrust_model(const std::string& hash);

/// All that are trusted, by name and time. Throws TrustError as above.
OPHION_EXPORT std::vector<TrustedModel> trusted_models();

}  // namespace ophion
