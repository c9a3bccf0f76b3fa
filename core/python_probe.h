/// Asks a Python executable in a subprocess: what it is, or what a program says that it runs.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace ophion {

/// What an executable says of itself, without its site module having run.
struct PythonFacts {
  std::filesystem::path executable;       ///< sys.executable: behind a launcher script, the real one
  std::filesystem::path base_executable;  ///< of the installation a virtual environment was made from; else the same
  std::string version;                    ///< "3.11.7"
  std::string implementation;             ///< "cpython"
  std::string abi_flags;                  ///< "t" for a free-threaded build
  std::string prefix;                     ///< the virtual environment's folder where it is in one
  std::string base_prefix;
  std::string library_folder;             ///< LIBDIR, as the build recorded it
  std::string library_name;               ///< INSTSONAME: "libpython3.11.so.1.0"; ends in ".a" for a static build
  std::string multiarch;                  ///< "x86_64-linux-gnu", or empty
  std::vector<std::string> site_packages;
};

/// Throws Error saying what is wrong with the executable: not there, no Python, older than 3.11, no CPython, no answer in time.
/// No shell is used, and nothing of the host's signal handling is inherited.
PythonFacts ask_python(const std::filesystem::path& executable, std::chrono::milliseconds patience = std::chrono::seconds(10));

/// Runs the executable with these arguments: the fields of its answer, which is "\1ophion\0", fields ended by zero, and "\1"; at least
/// one, whatever else is printed. Throws Error as `ask_python` does.
std::vector<std::string> run_python(const std::filesystem::path& executable, const std::vector<std::string>& arguments,
                                    std::chrono::milliseconds patience = std::chrono::seconds(30));

/// "3.11" of "3.11.7".
std::string minor_version(const std::string& version);

}  // namespace ophion
