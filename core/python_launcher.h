/// Finds a Python, opens its libpython, and with it libophion_pymethods: the last step before a plug-in that wants Python.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ophion/export.h>

namespace ophion {

/// The Python that was chosen, and why. Handed to libophion_pymethods, which starts it on first use.
struct PythonChoice {
  std::filesystem::path executable;  ///< of the environment; empty when the process already runs a Python
  std::string reason;                ///< "$VIRTUAL_ENV"
  std::string version;               ///< "3.11.7"
  std::filesystem::path libpython;   ///< its own shared library, or one of the same X.Y.Z or X.Y where it has none
  std::string libpython_version;
  std::string prefix;
  std::string base_prefix;
  /// Not empty when libpython belongs to another installation of the same X.Y: that one's executable is started (its standard library
  /// fits), and these folders of the chosen environment are added by site.addsitedir.
  std::filesystem::path start_executable;
  std::vector<std::string> site_packages;
  std::vector<std::string> problems;
};

/// Asks the executable (a subprocess of 10 to 20 ms); starts nothing. PluginError when there is no usable Python.
OPHION_EXPORT PythonChoice choose_python();

/// Opens libpython RTLD_GLOBAL (unless a Python is in the process already) and the libophion_pymethods of its version. Idempotent,
/// thread-safe. Afterwards a plug-in that needs Python can be opened.
OPHION_EXPORT const PythonChoice& open_python();

/// The executable that was chosen, or will be asked first; a name that is nowhere in PATH stays as it is. Asks nothing.
std::filesystem::path python_executable();

/// True once `open_python` has succeeded: from then on the choice is fixed.
OPHION_EXPORT bool python_is_open() noexcept;
/// True when the process runs a Python, ours or the host's.
bool python_is_running() noexcept;

/// As `choose_python()`, with the folder to look in for libophion_pymethods.
PythonChoice choose_python(const std::filesystem::path& folder);
/// Where the libophion_pymethods for a Python version is, or would be: <folder>/cp311/libophion_pymethods.so.0.1.
std::filesystem::path pymethods_file(const std::filesystem::path& folder, const std::string& version);

/// Folder of libophion_core's own files: <libdir>/ophion, with plugins/, cp311/, python/, schema/. In a program that holds core's
/// code itself (a test), ../<libdir>/ophion beside the program's folder.
OPHION_EXPORT const std::filesystem::path& library_folder();

/// The folder in which the Python package `ophion` lies, to be in sys.path: python/ of the library's folder. In a wheel the whole
/// installation lies inside the package (ophion/lib/ophion), so there it is the folder above that.
OPHION_EXPORT std::filesystem::path package_folder();

}  // namespace ophion
