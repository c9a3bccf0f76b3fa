/// The store of trusted models.
#include "trust_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <tuple>
#include <utility>

#include <ophion/error.h>
#include <ophion/value.h>

#include "durable_file.h"

namespace ophion {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t hash_digits = 64;
constexpr std::size_t most_record_bytes = 1 << 16;

bool is_hash(const std::string& text) {
  const auto digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == hash_digits && std::all_of(text.begin(), text.end(), digit);
}

/// The XDG base directory specification: a path that is not absolute is as good as none. A set-user-id program asks neither.
std::string folder_of_store() {
  const char* const data = ::secure_getenv("XDG_DATA_HOME");
  if (data && data[0] == '/') return (fs::path(data) / "ophion" / "trusted").string();
  const char* const home = ::secure_getenv("HOME");
  if (home && home[0] == '/') return (fs::path(home) / ".local" / "share" / "ophion" / "trusted").string();
  throw TrustError("there is no store of trusted models: neither XDG_DATA_HOME nor HOME names a folder");
}

/// An octal mode as `chmod` takes it.
std::string octal(mode_t mode) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777));
  return text.data();
}

std::string text_of(const Value& record, const char* key) {
  const Value* found = record.find(key);
  return found && found->is_text() ? found->as_text() : "";
}

/// What a record says. Its being there is what counts: one that can't be read still names its hash.
TrustedModel read_record(const fs::path& file, const std::string& hash) {
  TrustedModel model;
  model.hash = hash;
  std::ifstream stream(file, std::ios::binary);
  std::string text(most_record_bytes, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(stream.gcount(), 0)));
  try {
    const Value record = read_json(text, file.string());
    if (!record.is_object()) return model;
    model.how = text_of(record, "how");
    model.name = text_of(record, "name");
    model.type = text_of(record, "type");
    model.file = text_of(record, "file");
    model.when = text_of(record, "when");
  } catch (const Error&) {
  }
  return model;
}

}  // namespace

TrustStore::TrustStore() : folder_(folder_of_store()) { open_folder(); }

TrustStore::~TrustStore() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

/// The folder's own owner and mode are looked at, not those above it: who may put another in its place can't make it this user's.
void TrustStore::open_folder() {
  descriptor_ = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ < 0) {
    if (errno == ENOENT) return;
    throw TrustError("the store of trusted models, " + folder_ + ", can't be opened: " + std::strerror(errno));
  }
  struct stat status {};
  const bool known = ::fstat(descriptor_, &status) == 0;
  if (known && status.st_uid == ::geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return;
  ::close(std::exchange(descriptor_, -1));
  std::string problem = "it belongs to another user";
  if (!known) problem = std::strerror(errno);
  if (known && status.st_uid == ::geteuid()) problem = "others may write to it (mode " + octal(status.st_mode) + "; chmod 700 it)";
  throw TrustError("the store of trusted models, " + folder_ + ", is not used: " + problem);
}

bool TrustStore::holds(const std::string& hash) const {
  if (descriptor_ < 0 || !is_hash(hash)) return false;
  struct stat status {};
  return ::fstatat(descriptor_, hash.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
         status.st_uid == ::geteuid();
}

std::vector<TrustedModel> TrustStore::all() const {
  std::vector<TrustedModel> models;
  if (descriptor_ < 0) return models;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder_, problem)) {
    const std::string hash = entry.path().filename().string();
    if (holds(hash)) models.push_back(read_record(entry.path(), hash));
  }
  if (problem) throw TrustError("the store of trusted models, " + folder_ + ", can't be read: " + problem.message());
  std::sort(models.begin(), models.end(), [](const TrustedModel& a, const TrustedModel& b) {
    return std::tie(a.name, a.when, a.hash) < std::tie(b.name, b.when, b.hash);
  });
  return models;
}

void TrustStore::add(const TrustedModel& model) {
  if (descriptor_ < 0) {
    std::error_code problem;
    fs::create_directories(fs::path(folder_).parent_path().parent_path(), problem);
    for (const fs::path& folder : {fs::path(folder_).parent_path(), fs::path(folder_)}) {
      if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {  // another process may have been quicker
        throw TrustError("cannot make the store of trusted models, " + folder.string() + ": " + std::strerror(errno));
      }
    }
    open_folder();
  }
  Value record = Value::object();
  record.set("how", model.how);
  record.set("name", model.name);
  record.set("type", model.type);
  record.set("file", model.file);
  record.set("when", model.when);
  write_atomically(fs::path(folder_) / model.hash, write_json(record) + "\n", 0600);
}

bool TrustStore::remove(const std::string& hash) {
  if (!holds(hash)) return false;
  if (::unlinkat(descriptor_, hash.c_str(), 0) == 0) return true;
  if (errno == ENOENT) return false;  // another process did
  throw TrustError("cannot remove " + hash + " from the store of trusted models, " + folder_ + ": " + std::strerror(errno));
}

}  // namespace ophion
