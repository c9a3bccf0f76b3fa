/// Landlock for files, seccomp for the rest, by the kernel's own interface: no library of either is needed.
#include "isolation/rights.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>

#include <ophion/error.h>

#include "isolation/shared_memory.h"

namespace ophion {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw WorkerError("a worker process can't drop its rights: " + what + ": " + std::generic_category().message(errno));
}

// --- Landlock: which files may be written ---------------------------------------------------------------------------------------

// As in <linux/landlock.h>, which is often older than the kernel. Each version of the interface knows more rights.
struct LandlockRuleset {
  std::uint64_t files;
  std::uint64_t network;
  std::uint64_t scoped;
};
struct __attribute__((packed)) LandlockPath {
  std::uint64_t allowed;
  std::int32_t parent;
};

constexpr long landlock_create_ruleset = 444, landlock_add_rule = 445, landlock_restrict_self = 446;

constexpr std::uint64_t write_file = 1 << 1, remove_folder = 1 << 4, remove_file = 1 << 5, make_all = 0x7f << 6, refer = 1 << 13,
                        truncate_file = 1 << 14, ioctl_device = 1 << 15;
constexpr std::uint64_t tcp = 3;     // bind and connect
constexpr std::uint64_t scopes = 3;  // abstract sockets and signals of others

/// All that changes files, as far as version `abi` of the interface knows it.
std::uint64_t all_writing(long abi) noexcept {
  std::uint64_t rights = write_file | remove_folder | remove_file | make_all;
  if (abi >= 2) rights |= refer;
  if (abi >= 3) rights |= truncate_file;
  if (abi >= 5) rights |= ioctl_device;
  return rights;
}

void allow(int ruleset, const std::filesystem::path& path, std::uint64_t rights) {
  const Descriptor parent(::open(path.c_str(), O_PATH | O_CLOEXEC));
  const LandlockPath rule{rights, parent.get()};
  if (!parent || syscall(landlock_add_rule, ruleset, 1, &rule, 0) != 0) fail("allowing it to write to " + path.string());
}

void restrict_files(const std::vector<std::filesystem::path>& writable) {
  const long abi = syscall(landlock_create_ruleset, nullptr, 0, 1);
  if (abi < 1) fail("the kernel has no Landlock (Linux 5.13 or newer, with 'landlock' among its security modules)");
  const std::uint64_t rights = all_writing(abi);
  const LandlockRuleset wanted{rights, abi >= 4 ? tcp : 0, abi >= 6 ? scopes : 0};
  const std::size_t size = abi >= 6 ? sizeof wanted : abi >= 4 ? 16 : 8;
  const Descriptor ruleset(static_cast<int>(syscall(landlock_create_ruleset, &wanted, size, 0)));
  if (!ruleset) fail("Landlock");
  for (const auto& folder : writable) allow(ruleset.get(), folder, rights);
  allow(ruleset.get(), "/dev/null", rights & (write_file | truncate_file | ioctl_device));
  if (syscall(landlock_restrict_self, ruleset.get(), 0) != 0) fail("Landlock");
}

// --- seccomp: which system calls there are --------------------------------------------------------------------------------------

#if defined(__x86_64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t architecture = 0;  // its calls have not been gone through
#endif

constexpr std::uint32_t refused = SECCOMP_RET_ERRNO | EPERM;
constexpr std::uint32_t unknown = SECCOMP_RET_ERRNO | ENOSYS;  // so that the C library tries an older one, which can be looked into

/// A filter in the making: everything is allowed but what is named.
class Filter {
 public:
  Filter() {
    load(offsetof(seccomp_data, arch));
    skip_unless_equal(architecture, false);
    give(SECCOMP_RET_KILL_PROCESS);
    load(offsetof(seccomp_data, nr));
#if defined(__x86_64__)
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1));  // the x32 ABI: the same calls by other numbers
    give(unknown);
#endif
  }

  Filter& refuse(std::initializer_list<long> calls, std::uint32_t answer = refused) {
    for (const long call : calls) {
      skip_unless_equal(static_cast<std::uint32_t>(call), true);
      give(answer);
    }
    return *this;
  }

  /// Refuses `call` when its argument `index`, less the bits that are not in `mask`, is (or isn't) `value`.
  Filter& refuse_if(long call, unsigned index, std::uint32_t mask, std::uint32_t value, bool equal = true) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 5));
    load(static_cast<std::uint32_t>(offsetof(seccomp_data, args) + index * sizeof(std::uint64_t)));  // the lower half: little-endian
    code_.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
    skip_unless_equal(value, equal);
    give(refused);
    load(offsetof(seccomp_data, nr));
    return *this;
  }

  void install() {
    give(SECCOMP_RET_ALLOW);
    const sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) fail("the kernel has no seccomp filters");
  }

 private:
  void load(std::uint32_t offset) { code_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)); }
  /// The next step is left out unless what was loaded is `value` (or, not `equal`, when it is).
  void skip_unless_equal(std::uint32_t value, bool equal) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, static_cast<unsigned char>(equal ? 0 : 1), static_cast<unsigned char>(equal ? 1 : 0)));
  }
  void give(std::uint32_t answer) { code_.push_back(BPF_STMT(BPF_RET | BPF_K, answer)); }

  std::vector<sock_filter> code_;
};

void restrict_calls() {
  if (architecture == 0) {
    errno = ENOSYS;
    fail("Ophion knows the system calls of x86_64 and aarch64 only");
  }
  const auto self = static_cast<std::uint32_t>(getpid());
  Filter filter;
  // The network: pairs of sockets within the process stay.
  filter.refuse({SYS_socket, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4});
  // A ring does everything without a system call of its own.
  filter.refuse({SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register});
  // Other processes: none started, none signalled, none looked into. Threads are made by clone().
  filter.refuse({SYS_clone3}, unknown).refuse_if(SYS_clone, 0, CLONE_THREAD, 0);
  filter.refuse({SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_pidfd_getfd,
                 SYS_pidfd_send_signal, SYS_process_madvise, SYS_tkill, SYS_unshare, SYS_setns, SYS_setsid, SYS_setpgid});
  for (const long call : {SYS_kill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo}) {
    filter.refuse_if(call, 0, 0xffffffff, self, false);
  }
  filter.refuse_if(SYS_prctl, 0, 0xffffffff, PR_SET_PDEATHSIG);
  filter.refuse_if(SYS_prlimit64, 0, 0xffffffff, 0, false);
  // What Landlock leaves: contents by an old interface, modes, owners, times, attributes; files that an open folder reaches by number.
  filter.refuse({SYS_truncate, SYS_fchmod, SYS_fchmodat, 452 /* fchmodat2 */, SYS_fchown, SYS_fchownat, SYS_utimensat, SYS_setxattr, SYS_lsetxattr,
                 SYS_fsetxattr, SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr, SYS_open_by_handle_at, SYS_name_to_handle_at});
  filter.refuse({SYS_openat2}, unknown).refuse_if(SYS_openat, 2, O_ACCMODE | O_TRUNC, O_RDONLY | O_TRUNC);
#if defined(__x86_64__)
  filter.refuse({SYS_fork, SYS_vfork, SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat});
  filter.refuse_if(SYS_open, 1, O_ACCMODE | O_TRUNC, O_RDONLY | O_TRUNC);
#endif
  // Memory and queues that have names.
  filter.refuse({SYS_shmget, SYS_shmat, SYS_shmctl, SYS_semget, SYS_semop, SYS_semtimedop, SYS_semctl, SYS_msgget, SYS_msgsnd,
                 SYS_msgrcv, SYS_msgctl, SYS_mq_open, SYS_mq_unlink});
  // The machine, its keys, its kernel; typing into the host's terminal.
  filter.refuse({SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_add_key,
                 SYS_request_key, SYS_keyctl, SYS_open_tree, SYS_move_mount, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick,
                 SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_acct,
                 SYS_quotactl, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_sethostname, SYS_setdomainname,
                 SYS_syslog, SYS_vhangup});
  filter.refuse_if(SYS_ioctl, 1, 0xffffffff, TIOCSTI).refuse_if(SYS_ioctl, 1, 0xffffffff, 0x541C /* TIOCLINUX */);
  filter.install();
}

/// What root may and others may not.
void drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[2] = {};
  if (syscall(SYS_capset, &header, none) != 0) fail("its capabilities");
}

}  // namespace

void drop_rights(const std::vector<std::filesystem::path>& writable) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");
  restrict_files(writable);
  drop_capabilities();
  restrict_calls();
}

}  // namespace ophion
