/// The model file: a ZIP of stored members, all hashed in manifest.json. Only this room sees the archive.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include <ophion/value.h>

namespace ophion {

/// An archive in memory with its checked content. Immutable: saving twice gives the same bytes.
class ModelFile {
 public:
  /// Makes the archive: `members` by full name ("payload/0/weights.safetensors"); their SHA-256 and sizes go into the manifest's
  /// "members". The same input gives the same bytes.
  static std::shared_ptr<const ModelFile> make(Value manifest, std::map<std::string, std::string> members);
  /// Reads and checks one. ModelError names the file and what is wrong: no archive, newer major format version, a wrong hash, a member that
  /// leaves the archive or is compressed, a size over the cap, a missing or unlisted member.
  static std::shared_ptr<const ModelFile> read(const std::filesystem::path& file);
  /// The same of bytes that are in memory already; `origin` is what errors call them.
  static std::shared_ptr<const ModelFile> read(std::string bytes, const std::string& origin);

  const Value& manifest() const noexcept { return manifest_; }
  const std::map<std::string, std::string>& members() const noexcept { return members_; }
  const std::string& member(const std::string& name) const;
  /// SHA-256 of the manifest, and so of all that it lists: what trust is given to.
  const std::string& hash() const noexcept { return hash_; }
  const std::string& origin() const noexcept { return origin_; }  ///< the file's name, or "a model in memory"

  /// Temporary file beside it, fsync, rename, fsync of the folder.
  void write(const std::filesystem::path& file) const;

 private:
  ModelFile() = default;
  Value manifest_;
  std::map<std::string, std::string> members_;
  std::string bytes_;
  std::string hash_;
  std::string origin_;
};

}  // namespace ophion
