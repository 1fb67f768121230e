//! The system calls that systemd on Debian 12 can name: those of its libseccomp
//! (2.5.4-1+deb12u1, whose table is of Linux 6.7), of all architectures, since a filter shows the
//! calls of foreign ones too. A call's place in the table is its compact id, so that a filter is a
//! few words of bits.
use std::sync::LazyLock;

/// Number of bits of a set of calls; the table has to fit.
pub(super) const CALLS_MAX: usize = 512;

/// A system call that has a name: its place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SyscallId(u16);

impl SyscallId {
    /// The call of that name, or of that second name.
    pub fn from_name(name: &str) -> Option<SyscallId> {
        let shown = ALIASES.iter().find(|(alias, _)| *alias == name);
        let name = shown.map_or(name, |&(_, shown)| shown);
        let at = TABLE.binary_search(&name).ok()?;
        SyscallId::from_index(at)
    }

    /// The name that systemd shows.
    pub fn name(self) -> &'static str {
        TABLE[self.index()]
    }

    /// All names that are read, second names excepted.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().copied()
    }

    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }

    pub(super) fn from_index(at: usize) -> Option<SyscallId> {
        let id = u16::try_from(at).ok()?;
        (at < TABLE.len()).then_some(SyscallId(id))
    }
}

/// Names that are read, but shown as another: libseccomp gives both one number.
const ALIASES: [(&str, &str); 1] = [("sys_debug_setcontext", "switch_endian")];

static TABLE: LazyLock<Vec<&'static str>> = LazyLock::new(|| NAMES.split_whitespace().collect());

/// Sorted by bytes.
const NAMES: &str = "
    _llseek _newselect _sysctl accept accept4 access acct add_key adjtimex afs_syscall alarm
    arch_prctl arm_fadvise64_64 arm_sync_file_range bdflush bind bpf break breakpoint brk cachectl
    cacheflush cachestat capget capset chdir chmod chown chown32 chroot clock_adjtime
    clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
    clock_nanosleep_time64 clock_settime clock_settime64 clone clone3 close close_range connect
    copy_file_range creat create_module delete_module dup dup2 dup3 epoll_create epoll_create1
    epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2
    execve execveat exit exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate
    fanotify_init fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl
    fcntl64 fdatasync fgetxattr finit_module flistxattr flock fork fremovexattr fsconfig fsetxattr
    fsmount fsopen fspick fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftime ftruncate
    ftruncate64 futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat
    get_kernel_syms get_mempolicy get_robust_list get_thread_area get_tls getcpu getcwd getdents
    getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer
    getpeername getpgid getpgrp getpid getpmsg getppid getpriority getrandom getresgid getresgid32
    getresuid getresuid32 getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday
    getuid getuid32 getxattr gtty idle init_module inotify_add_watch inotify_init inotify_init1
    inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup
    io_submit io_uring_enter io_uring_register io_uring_setup ioctl ioperm iopl ioprio_get
    ioprio_set ipc kcmp kexec_file_load kexec_load keyctl kill landlock_add_rule
    landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat listen
    listxattr llistxattr lock lookup_dcookie lremovexattr lseek lsetxattr lstat lstat64 madvise
    map_shadow_stack mbind membarrier memfd_create memfd_secret migrate_pages mincore mkdir mkdirat
    mknod mknodat mlock mlock2 mlockall mmap mmap2 modify_ldt mount mount_setattr move_mount
    move_pages mprotect mpx mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64
    mq_timedsend mq_timedsend_time64 mq_unlink mremap msgctl msgget msgrcv msgsnd msync multiplexer
    munlock munlockall munmap name_to_handle_at nanosleep newfstatat nfsservctl nice oldfstat
    oldlstat oldolduname oldstat olduname open open_by_handle_at open_tree openat openat2 pause
    pciconfig_iobase pciconfig_read pciconfig_write perf_event_open personality pidfd_getfd
    pidfd_open pidfd_send_signal pipe pipe2 pivot_root pkey_alloc pkey_free pkey_mprotect poll ppoll
    ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_madvise process_mrelease
    process_vm_readv process_vm_writev prof profil pselect6 pselect6_time64 ptrace putpmsg pwrite64
    pwritev pwritev2 query_module quotactl quotactl_fd read readahead readdir readlink readlinkat
    readv reboot recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr rename
    renameat renameat2 request_key restart_syscall riscv_flush_icache rmdir rseq rt_sigaction
    rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
    rt_sigtimedwait_time64 rt_tgsigqueueinfo rtas s390_guarded_storage s390_pci_mmio_read
    s390_pci_mmio_write s390_runtime_instr s390_sthyi sched_get_priority_max sched_get_priority_min
    sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
    sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler
    sched_yield seccomp security select semctl semget semop semtimedop semtimedop_time64 send
    sendfile sendfile64 sendmmsg sendmsg sendto set_mempolicy set_mempolicy_home_node
    set_robust_list set_thread_area set_tid_address set_tls setdomainname setfsgid setfsgid32
    setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 sethostname setitimer setns setpgid
    setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32
    setrlimit setsid setsockopt settimeofday setuid setuid32 setxattr sgetmask shmat shmctl shmdt
    shmget shutdown sigaction sigaltstack signal signalfd signalfd4 sigpending sigprocmask sigreturn
    sigsuspend socket socketcall socketpair splice spu_create spu_run ssetmask stat stat64 statfs
    statfs64 statx stime stty subpage_prot swapcontext swapoff swapon switch_endian symlink
    symlinkat sync sync_file_range sync_file_range2 syncfs syscall sysfs sysinfo syslog sysmips tee
    tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64
    timer_settime timer_settime64 timerfd timerfd_create timerfd_gettime timerfd_gettime64
    timerfd_settime timerfd_settime64 times tkill truncate truncate64 tuxcall ugetrlimit ulimit
    umask umount umount2 uname unlink unlinkat unshare uselib userfaultfd usr26 usr32 ustat utime
    utimensat utimensat_time64 utimes vfork vhangup vm86 vm86old vmsplice vserver wait4 waitid
    waitpid write writev
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_fits() {
        assert_eq!(TABLE.len(), 486);
        assert!(TABLE.len() <= CALLS_MAX);
        assert!(TABLE.is_sorted_by(|a, b| a < b));
        for name in SyscallId::names() {
            assert_eq!(SyscallId::from_name(name).expect("known").name(), name);
        }
    }

    #[test]
    fn calls_of_other_architectures_are_known_and_strangers_are_not() {
        let shown = |name| SyscallId::from_name(name).map(SyscallId::name);
        assert_eq!(shown("read"), Some("read"));
        assert_eq!(shown("_llseek"), Some("_llseek"));
        assert_eq!(shown("s390_sthyi"), Some("s390_sthyi"));
        assert_eq!(shown("sys_debug_setcontext"), Some("switch_endian"));
        for stranger in ["", "Read", "readx", "riscv_hwprobe", "@aio", "0"] {
            assert_eq!(shown(stranger), None, "{stranger}");
        }
    }
}
