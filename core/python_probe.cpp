/// Asks a Python executable in a subprocess: what it is, or what a program says that it runs.
#include "python_probe.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include <ophion/error.h>

namespace ophion {
namespace fs = std::filesystem;
namespace {

/// Answers between two marks, fields ended by zero: whatever else is printed (by launcher scripts, say) stays outside of them. The
/// version comes first and in words that every Python understands. With -S, venvs are not resolved: pyvenv.cfg is read here.
constexpr const char* question = R"python(
import os, sys
found = [".".join(map(str, sys.version_info[:3]))]
if sys.version_info >= (3, 11):
    import site, sysconfig
    base = sys.base_prefix
    for folder in (os.path.dirname(sys.executable), os.path.dirname(os.path.dirname(sys.executable))):
        if os.path.isfile(os.path.join(folder, "pyvenv.cfg")):
            sys.prefix = sys.exec_prefix = folder
            break
    prefixes = [sys.prefix]
    if sys.prefix != base:
        with open(os.path.join(sys.prefix, "pyvenv.cfg"), encoding="utf-8") as config:
            settings = dict([part.strip() for part in line.split("=", 1)] for line in config if "=" in line)
        if settings.get("include-system-site-packages", "").lower() == "true":
            prefixes.append(base)
    variable = lambda name: str(sysconfig.get_config_var(name) or "")
    found += [sys.implementation.name, sys.abiflags, sys.executable or "", getattr(sys, "_base_executable", "") or "",
              sys.prefix, base, variable("LIBDIR"), variable("INSTSONAME"), variable("MULTIARCH")]
    found += [path for path in site.getsitepackages(prefixes) if os.path.isdir(path)]
answer = "\1ophion\0" + "".join(field + "\0" for field in found) + "\1"
os.write(1, answer.encode("utf-8", "surrogateescape"))
)python";
constexpr std::string_view opening = "\1ophion";

[[noreturn]] void fail(const std::string& doing, int number) { throw Error(doing + ": " + std::strerror(number)); }

class FileDescriptor {
 public:
  explicit FileDescriptor(int number) noexcept : number_(number) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() { close(); }
  int get() const noexcept { return number_; }
  void close() noexcept {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

/// A child in a process group of its own; killed and waited for when it goes out of scope.
class Child {
 public:
  Child(const fs::path& executable, const std::vector<std::string>& given, int output) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    const std::string path = executable.string();
    std::vector<char*> arguments{const_cast<char*>(path.c_str())};
    for (const std::string& argument : given) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const int problem = ::posix_spawn(&pid_, path.c_str(), &actions, &attributes, arguments.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (problem != 0) fail("could not be started", problem);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    ::kill(-pid_, SIGKILL);  // a launcher script's own children too
    int status = 0;
    while (::waitpid(pid_, &status, 0) == -1 && errno == EINTR) {}  // a host that reaps every child itself is fine
  }

 private:
  pid_t pid_ = -1;
};

/// Everything the child writes until it closes its end; nothing when that takes too long.
std::optional<std::string> read_all(int from, std::chrono::milliseconds patience) {
  constexpr std::size_t most = 1 << 20;
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::string text;
  char buffer[4096];
  while (text.size() < most) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return std::nullopt;
    pollfd wait{from, POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(left.count()));
    if (ready == 0 || (ready == -1 && errno == EINTR)) continue;
    if (ready == -1) fail("its answer could not be read", errno);
    const ssize_t count = ::read(from, buffer, sizeof buffer);
    if (count == -1 && errno == EINTR) continue;
    if (count == -1) fail("its answer could not be read", errno);
    if (count == 0) break;
    text.append(buffer, static_cast<std::size_t>(count));
  }
  return text;
}

/// The fields between the marks; empty when there are none.
std::vector<std::string> fields_of(const std::string& text) {
  std::vector<std::string> fields;
  std::size_t at = text.find(opening);
  if (at == std::string::npos) return fields;
  at += opening.size() + 1;
  while (at < text.size() && text[at] != '\1') {
    const std::size_t end = text.find('\0', at);
    if (end == std::string::npos) return {};
    fields.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return fields;
}

std::string what_it_printed(const std::string& text) {
  const std::string line = first_line(text).substr(0, 200);
  return line.empty() ? "it printed nothing" : "it printed '" + line + "'";
}

}  // namespace

std::string minor_version(const std::string& version) { return version.substr(0, version.find('.', version.find('.') + 1)); }

std::vector<std::string> run_python(const fs::path& executable, const std::vector<std::string>& arguments, std::chrono::milliseconds patience) {
  std::error_code ignored;
  if (!fs::exists(executable, ignored)) throw Error("there is no such file");
  if (fs::is_directory(executable, ignored)) throw Error("is a folder, not an executable");
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("no pipe to ask it", errno);
  const FileDescriptor answer(ends[0]);
  FileDescriptor output(ends[1]);
  const Child child(executable, arguments, output.get());
  output.close();
  const std::optional<std::string> text = read_all(answer.get(), patience);
  if (!text) throw Error("gave no answer in " + std::to_string(patience.count()) + " ms");

  std::vector<std::string> fields = fields_of(*text);
  if (fields.empty()) throw Error("is no Python: " + what_it_printed(*text));
  return fields;
}

PythonFacts ask_python(const fs::path& executable, std::chrono::milliseconds patience) {
  const std::vector<std::string> fields = run_python(executable, {"-I", "-S", "-c", question}, patience);
  if (fields.size() < 10) throw Error("is Python " + fields[0] + "; Ophion needs 3.11 or newer");
  PythonFacts facts;
  facts.version = fields[0];
  facts.implementation = fields[1];
  facts.abi_flags = fields[2];
  facts.executable = fields[3].empty() ? fs::absolute(executable) : fs::path(fields[3]);
  facts.base_executable = fields[4].empty() ? facts.executable : fs::path(fields[4]);
  facts.prefix = fields[5];
  facts.base_prefix = fields[6];
  facts.library_folder = fields[7];
  facts.library_name = fields[8];
  facts.multiarch = fields[9];
  facts.site_packages.assign(fields.begin() + 10, fields.end());
  if (facts.implementation != "cpython") throw Error("is " + facts.implementation + "; Ophion needs CPython");
  if (facts.abi_flags.find('t') != std::string::npos) {
    throw Error("is a free-threaded build of Python " + facts.version + ", which Ophion does not support");
  }
  return facts;
}

}  // namespace ophion
