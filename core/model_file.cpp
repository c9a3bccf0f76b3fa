/// The model file: a ZIP of stored members, all hashed in manifest.json, whose own hash is the member manifest.sha256.
#include "model_file.h"

#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <utility>

#include <ophion/error.h>

#include "durable_file.h"

namespace ophion {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t format_major = 1;
constexpr std::int64_t format_minor = 0;
constexpr const char* manifest_name = "manifest.json";
constexpr const char* hash_name = "manifest.sha256";  // as `sha256sum -c` reads it

constexpr std::uint64_t most_members = 10'000;
constexpr std::uint64_t most_member_bytes = std::uint64_t{4} << 30;
constexpr std::uint64_t most_manifest_bytes = std::uint64_t{16} << 20;
constexpr std::size_t longest_name = 512;

struct DiscardArchive {
  void operator()(zip_t* archive) const noexcept { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, DiscardArchive>;

struct FreeSource {
  void operator()(zip_source_t* source) const noexcept { zip_source_free(source); }
};
using Source = std::unique_ptr<zip_source_t, FreeSource>;

[[noreturn]] void fail(const std::string& doing, zip_error_t& error) { throw ModelError(doing + ": " + zip_error_strerror(&error)); }

/// Memory as an archive's file; libzip reads `bytes` in place.
Source source_over(const std::string& bytes) {
  zip_error_t error;
  zip_error_init(&error);
  Source source(zip_source_buffer_create(bytes.empty() ? nullptr : bytes.data(), bytes.size(), 0, &error));
  if (!source) fail("no memory for an archive", error);
  return source;
}

/// Opens an archive over a source; both hold a reference to the source.
Archive open_archive(zip_source_t* source, int flags, const std::string& doing) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_keep(source);
  Archive archive(zip_open_from_source(source, flags, &error));
  if (!archive) {
    zip_source_free(source);
    fail(doing, error);
  }
  return archive;
}

void add_member(zip_t* archive, const std::string& name, const std::string& bytes) {
  zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
  const zip_int64_t index = source ? zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8) : -1;
  if (index < 0 && source) zip_source_free(source);
  constexpr zip_uint16_t midnight = 0;
  constexpr zip_uint16_t first_of_january_1980 = (1 << 5) | 1;  // in every time zone the same
  const auto position = static_cast<zip_uint64_t>(index);
  if (index < 0 || zip_set_file_compression(archive, position, ZIP_CM_STORE, 0) != 0 ||
      zip_file_set_dostime(archive, position, midnight, first_of_january_1980, 0) != 0) {
    throw ModelError("member '" + name + "' could not be put into the archive: " + zip_strerror(archive));
  }
}

std::string read_source(zip_source_t* source) {
  zip_stat_t status;
  zip_stat_init(&status);
  if (zip_source_open(source) != 0 || zip_source_stat(source, &status) != 0) fail("the archive was lost", *zip_source_error(source));
  std::string bytes(status.size, '\0');
  const zip_int64_t count = zip_source_read(source, bytes.data(), bytes.size());
  zip_source_close(source);
  if (count != static_cast<zip_int64_t>(bytes.size())) throw ModelError("the archive was cut off in memory");
  return bytes;
}

/// Members in the order given, as the bytes of an archive.
std::string archive_of(const std::vector<std::pair<std::string, const std::string*>>& members) {
  const std::string empty;
  const Source source = source_over(empty);
  Archive archive = open_archive(source.get(), ZIP_CREATE | ZIP_TRUNCATE, "an archive could not be made");
  for (const auto& [name, bytes] : members) add_member(archive.get(), name, *bytes);
  if (zip_close(archive.get()) != 0) throw ModelError(std::string("the archive could not be made: ") + zip_strerror(archive.get()));
  static_cast<void>(archive.release());  // closing has freed it
  return read_source(source.get());
}

/// Why a member of that name is refused; empty when it isn't. Nobody unpacks members by their names, but somebody may.
std::string problem_with(const std::string& name) {
  if (name.empty() || name.size() > longest_name) return "has no name, or one too long";
  if (name.front() == '/') return "has an absolute name";
  for (const char c : name) {
    if (c == '\\' || static_cast<unsigned char>(c) < ' ' || c == '\x7f') return "has a character in its name that is not allowed";
  }
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return "has a name that could leave the archive's folder";
    begin = end + 1;
  }
  return "";
}

/// Reads the members of an archive in memory, refusing whatever we would not have written.
std::map<std::string, std::string> members_of(const std::string& bytes) {
  const Source source = source_over(bytes);
  const Archive archive = open_archive(source.get(), ZIP_RDONLY | ZIP_CHECKCONS, "is no archive, or a damaged one");
  const auto count = static_cast<std::uint64_t>(std::max<zip_int64_t>(zip_get_num_entries(archive.get(), 0), 0));
  if (count > most_members) throw ModelError("holds " + std::to_string(count) + " members; at most " + std::to_string(most_members) + " are read");
  if (int length = 0; zip_get_archive_comment(archive.get(), &length, ZIP_FL_ENC_RAW) && length > 0) {
    throw ModelError("has an archive comment, which no model file has");
  }
  std::map<std::string, std::string> members;
  std::uint64_t total = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    zip_stat_t status;
    zip_stat_init(&status);
    constexpr zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if (zip_stat_index(archive.get(), i, ZIP_FL_ENC_RAW, &status) != 0 || (status.valid & needed) != needed) {
      throw ModelError("its list of members is damaged");
    }
    const std::string name = status.name;
    const std::string member = "member '" + name + "' ";
    if (const std::string problem = problem_with(name); !problem.empty()) throw ModelError(member + problem);
    if (status.comp_method != ZIP_CM_STORE || status.encryption_method != ZIP_EM_NONE || status.comp_size != status.size) {
      throw ModelError(member + "is compressed or encrypted; members of a model file are stored as they are");
    }
    const std::uint64_t most = name == manifest_name ? most_manifest_bytes : most_member_bytes;
    if (status.size > most) {
      throw ModelError(member + "has " + std::to_string(status.size) + " bytes; at most " + std::to_string(most) + " are read");
    }
    total += status.size;
    if (total > bytes.size()) throw ModelError(member + "overlaps others");  // an archive of stored members is no smaller than they
    std::string content(status.size, '\0');
    zip_file_t* file = zip_fopen_index(archive.get(), i, 0);
    const zip_int64_t got = file ? zip_fread(file, content.data(), content.size()) : -1;
    const bool complete = got == static_cast<zip_int64_t>(content.size()) && zip_file_get_error(file)->zip_err == ZIP_ER_OK;
    if (file) zip_fclose(file);
    if (!complete) throw ModelError(member + "is damaged");
    if (!members.emplace(name, std::move(content)).second) throw ModelError(member + "is there twice");
  }
  return members;
}

/// Takes a member out of the list; ModelError when it isn't there.
std::string take(std::map<std::string, std::string>& members, const char* name) {
  const auto found = members.find(name);
  if (found == members.end()) throw ModelError(std::string("has no member '") + name + "': not a model file of Ophion");
  std::string content = std::move(found->second);
  members.erase(found);
  return content;
}

/// What the member manifest.sha256 says of a manifest with that hash.
std::string hash_member(const std::string& hash) { return hash + "  " + manifest_name + "\n"; }

void check_format(const Value& manifest) {
  const std::int64_t major = manifest.at("format").at("major").as_integer();
  if (major == format_major) return;
  throw ModelError("is of format " + std::to_string(major) + "; this Ophion (" OPHION_VERSION ") reads format " +
                   std::to_string(format_major) + (major > format_major ? ": a newer Ophion wrote it" : ""));
}

/// Every member is listed with its size and hash, and everything listed is there.
void check_members(const Value& manifest, const std::map<std::string, std::string>& members) {
  const Value& listed = manifest.at("members");
  for (const auto& [name, facts] : listed.as_object()) {
    const auto found = members.find(name);
    if (found == members.end()) throw ModelError("lacks its member '" + name + "'");
    if (facts.at("size").as_integer() != static_cast<std::int64_t>(found->second.size())) {
      throw ModelError("member '" + name + "' has another size than its manifest says");
    }
    if (facts.at("sha256").as_text() != sha256(found->second)) {
      throw ModelError("member '" + name + "' is damaged: its SHA-256 is not the one in the manifest");
    }
  }
  for (const auto& [name, content] : members) {
    if (!listed.find(name)) throw ModelError("holds a member '" + name + "' that its manifest doesn't list");
  }
}

std::string read_bytes(const fs::path& file) {
  const auto refuse = [&](const std::string& problem) { throw ModelError(file.string() + ": " + problem); };
  std::error_code problem;
  if (!fs::exists(file, problem)) refuse("there is no such file");
  if (!fs::is_regular_file(file, problem)) refuse("is no plain file");
  std::ifstream stream(file, std::ios::binary | std::ios::ate);
  if (!stream) refuse(std::string("cannot be read: ") + std::strerror(errno));
  std::string bytes(static_cast<std::size_t>(stream.tellg()), '\0');
  stream.seekg(0);
  if (!stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) refuse("cannot be read to its end");
  return bytes;
}

}  // namespace

std::shared_ptr<const ModelFile> ModelFile::make(Value manifest, std::map<std::string, std::string> members) {
  if (members.size() + 2 > most_members) {
    throw ModelError("a model of " + std::to_string(members.size()) + " members, of which at most " + std::to_string(most_members - 2) +
                     " could be read again");
  }
  Value listed = Value::object();
  for (const auto& [name, content] : members) {
    const std::string problem = name == manifest_name || name == hash_name ? "has a name that the format uses itself" : problem_with(name);
    if (!problem.empty()) throw ModelError("member '" + name + "' of a model " + problem);
    if (content.size() > most_member_bytes) {
      throw ModelError("member '" + name + "' of a model has " + std::to_string(content.size()) + " bytes, of which at most " +
                       std::to_string(most_member_bytes) + " could be read again");
    }
    Value facts = Value::object();
    facts.set("size", content.size());
    facts.set("sha256", sha256(content));
    listed.set(name, std::move(facts));
  }
  Value format = Value::object();
  format.set("major", format_major);
  format.set("minor", format_minor);
  manifest.set("format", std::move(format));
  manifest.set("members", std::move(listed));

  const std::string manifest_text = write_json(manifest) + "\n";
  if (manifest_text.size() > most_manifest_bytes) throw ModelError("the manifest of a model grew beyond 16 MiB");
  std::shared_ptr<ModelFile> file(new ModelFile);
  file->hash_ = sha256(manifest_text);
  const std::string hash = hash_member(file->hash_);
  std::vector<std::pair<std::string, const std::string*>> order{{manifest_name, &manifest_text}, {hash_name, &hash}};
  for (const auto& [name, content] : members) order.emplace_back(name, &content);

  file->bytes_ = archive_of(order);
  file->manifest_ = read_json(manifest_text, manifest_name);  // what a reader will see, not what was passed in
  file->members_ = std::move(members);
  file->origin_ = "a model in memory";
  return file;
}

std::shared_ptr<const ModelFile> ModelFile::read(const fs::path& path) {
  return read(read_bytes(path), path.string());
}

std::shared_ptr<const ModelFile> ModelFile::read(std::string bytes, const std::string& origin) {
  std::shared_ptr<ModelFile> file(new ModelFile);
  file->origin_ = origin;
  file->bytes_ = std::move(bytes);
  try {
    file->members_ = members_of(file->bytes_);
    const std::string manifest = take(file->members_, manifest_name);
    file->hash_ = sha256(manifest);
    if (take(file->members_, hash_name) != hash_member(file->hash_)) {
      throw ModelError(std::string("its manifest is damaged: its SHA-256 is not the one in ") + hash_name);
    }
    file->manifest_ = read_json(manifest, manifest_name);
    check_format(file->manifest_);
    check_members(file->manifest_, file->members_);
  } catch (const Error& problem) {
    throw ModelError(file->origin_ + ": " + problem.what());
  }
  return file;
}

const std::string& ModelFile::member(const std::string& name) const {
  const auto found = members_.find(name);
  if (found != members_.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, content] : members_) names.push_back(known);
  throw ModelError(origin_ + ": has no member '" + name + "'" + nearest_names(name, names));
}

void ModelFile::write(const fs::path& file) const { write_atomically(file, bytes_); }

}  // namespace ophion
