/// Files that are there wholly or not at all, and the fingerprints of bytes.
#include "durable_file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include <ophion/error.h>

namespace ophion {
namespace fs = std::filesystem;
namespace {

constexpr const char* unfinished = ".part";

[[noreturn]] void fail(const std::string& doing, const fs::path& file, int number) {
  throw Error(doing + " " + file.string() + ": " + std::strerror(number));
}

/// A new file beside the one it shall become; removed unless it has been moved there.
class TemporaryFile {
 public:
  TemporaryFile(const fs::path& target, unsigned mode) {
    static std::atomic<unsigned> counter = 0;
    do {
      path_ = target.parent_path() /
              ("." + target.filename().string() + "." + std::to_string(::getpid()) + "." + std::to_string(counter++) + unfinished);
      descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    } while (descriptor_ < 0 && errno == EEXIST);
    if (descriptor_ < 0) fail("cannot write", target, errno);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  void write(std::string_view bytes, const fs::path& target) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("cannot write", target, errno);
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    if (::fsync(descriptor_) != 0) fail("cannot write", target, errno);
    if (::close(std::exchange(descriptor_, -1)) != 0) fail("cannot write", target, errno);
  }
  void move_to(const fs::path& target) {
    if (::rename(path_.c_str(), target.c_str()) != 0) fail("cannot write", target, errno);
    path_.clear();
  }

 private:
  fs::path path_;
  int descriptor_ = -1;
};

/// Without this a crash of the machine may lose the rename. File systems that can't do it say EINVAL.
void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) fail("cannot open the folder", folder, errno);
  const int problem = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (problem != 0 && problem != EINVAL) fail("cannot write the folder", folder, problem);
}

class Digest {
 public:
  Digest() : context_(EVP_MD_CTX_new()) {
    if (!context_ || EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) != 1) {
      EVP_MD_CTX_free(context_);
      throw Error("libcrypto has no SHA-256");
    }
  }
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;
  ~Digest() { EVP_MD_CTX_free(context_); }

  void add(std::string_view bytes) {
    if (EVP_DigestUpdate(context_, bytes.data(), bytes.size()) != 1) throw Error("libcrypto could not compute a SHA-256");
  }
  std::string hexadecimal() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    if (EVP_DigestFinal_ex(context_, digest.data(), &size) != 1) throw Error("libcrypto could not compute a SHA-256");
    constexpr const char* digits = "0123456789abcdef";
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
      text += digits[digest[i] >> 4];
      text += digits[digest[i] & 15];
    }
    return text;
  }

 private:
  EVP_MD_CTX* context_;
};

}  // namespace

void write_atomically(const fs::path& file, std::string_view bytes, unsigned mode) {
  // A link stays a link: what it points to is replaced.
  std::error_code problem;
  fs::path target = fs::weakly_canonical(fs::absolute(file), problem);
  if (problem) throw Error("cannot write " + file.string() + ": " + problem.message());
  // To rename over a device, as root may, would be its end.
  if (const auto there = fs::status(target, problem); fs::exists(there) && !fs::is_regular_file(there)) {
    throw Error("cannot write " + target.string() + ": is no plain file");
  }
  TemporaryFile temporary(target, mode);
  temporary.write(bytes, target);
  temporary.move_to(target);
  sync_folder(target.parent_path());
}

void make_folder(const fs::path& folder) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) throw Error("cannot make the folder " + folder.string() + ": " + problem.message());
}

void sweep_unfinished(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(".") && name.ends_with(unfinished)) fs::remove(entry.path(), ignored);
  }
}

std::string sha256(std::string_view bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.hexadecimal();
}

std::string sha256_of_file(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) fail("cannot read", file, errno);
  Digest digest;
  std::string buffer(1 << 20, '\0');
  while (stream) {
    stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    digest.add(std::string_view(buffer).substr(0, static_cast<std::size_t>(stream.gcount())));
  }
  if (stream.bad()) fail("cannot read", file, errno);
  return digest.hexadecimal();
}

}  // namespace ophion
