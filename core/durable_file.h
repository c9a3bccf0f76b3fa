/// Files that appear wholly or not at all, and the hashes of what they hold.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace ophion {

/// Writes bytes to a file wholly or not at all: temporary file, fsync, rename, fsync of the folder. Throws Error with the path and errno's text.
/// `mode`: who may do what with it, less what the umask takes.
void write_atomically(const std::filesystem::path& file, std::string_view bytes, unsigned mode = 0666);

/// Makes a folder, and those it lies in, where they are not there. Throws Error.
void make_folder(const std::filesystem::path& folder);

/// Removes what killed writers began in a folder: ".NAME.PID.NUMBER.part". Only where nobody is writing.
void sweep_unfinished(const std::filesystem::path& folder);

/// SHA-256 in lower-case hexadecimal digits.
std::string sha256(std::string_view bytes);
std::string sha256_of_file(const std::filesystem::path& file);

}  // namespace ophion
