/// posix_spawn with everything said.
#include "isolation/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <cerrno>

#include <ophion/export.h>

#include "isolation/shared_memory.h"
#include "python_launcher.h"

namespace ophion {
namespace {

constexpr int first_file = 3;
constexpr int above_all = 10;  // no file is lost when another gets its number

class SpawnPlan {
 public:
  explicit SpawnPlan(const std::vector<Descriptor>& files) {
    posix_spawn_file_actions_init(&files_);
    posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    int number = first_file;
    for (const Descriptor& file : files) posix_spawn_file_actions_adddup2(&files_, file.get(), number++);
    posix_spawn_file_actions_addclosefrom_np(&files_, number);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  pid_t start(const std::string& program, const std::vector<std::string>& arguments, const std::vector<std::string>& environment) const {
    std::vector<char*> words{const_cast<char*>(program.c_str())}, variables;
    for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    for (const std::string& variable : environment) variables.push_back(const_cast<char*>(variable.c_str()));
    for (char** variable = environ; variable && *variable; ++variable) variables.push_back(*variable);
    variables.push_back(nullptr);
    pid_t id = 0;
    const int problem = posix_spawn(&id, program.c_str(), &files_, &attributes_, words.data(), variables.data());
    return problem == 0 ? id : -problem;
  }

 private:
  posix_spawn_file_actions_t files_;
  posix_spawnattr_t attributes_;
};

}  // namespace

pid_t spawn(const std::filesystem::path& program, const std::vector<std::string>& arguments, const std::vector<int>& files,
            const std::vector<std::string>& environment) {
  std::vector<Descriptor> high;
  for (const int file : files) {
    if (!high.emplace_back(fcntl(file, F_DUPFD_CLOEXEC, above_all))) return -errno;
  }
  return SpawnPlan(high).start(program.string(), arguments, environment);
}

std::filesystem::path worker_program() { return library_folder() / "ophion_worker"; }

}  // namespace ophion
