//! clone3: the helper from the daemon, and commands from the helper.
//!
//! Between clone3 and execveat in the daemon's child nothing allocates, locks, logs or unwinds: a
//! thread that does not exist in the child may hold any lock. All strings and arrays are made
//! before; the child does system calls, nothing else. So it may even work in the daemon's own memory.
use crate::error::{Context, Error, Result};
use crate::fd::{FIRST_FREE, move_up, raw_close_range};
use crate::{pidfd, signal};
use std::ffi::{CString, c_char};
use std::io::Read;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// `libc::CLONE_INTO_CGROUP` is 0 on gnu targets (rust-lang/libc#3584): the child would land in
/// the parent's cgroup without an error.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Number of descriptors that a spawned helper can be given; they become 3, 4, …
pub const PASSED_FDS: usize = 7;

/// Which namespaces the child gets for itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// CLONE_NEWPID: the child is process 1.
    pub pid: bool,
    /// CLONE_NEWNS
    pub mount: bool,
    /// CLONE_NEWUSER, with the caller's own ids mapped to themselves. The child keeps
    /// CAP_SYS_ADMIN inside across its exec (as an ambient capability), and no other.
    pub user: bool,
}

impl Namespaces {
    pub(crate) fn flags(self) -> u64 {
        let flag = |on: bool, flag: i32| if on { flag as u64 } else { 0 };
        flag(self.pid, libc::CLONE_NEWPID)
            | flag(self.mount, libc::CLONE_NEWNS)
            | flag(self.user, libc::CLONE_NEWUSER)
    }
}

/// A program to be started with fixed descriptors, in a cgroup and in namespaces.
#[derive(Debug)]
pub struct HelperSpawn<'a> {
    /// The program, opened once (O_PATH); never reopened by path, so that an upgrade cannot mix
    /// versions.
    pub exe: BorrowedFd<'a>,
    /// argv, argv[0] included.
    pub argv: &'a [&'a str],
    /// Environment as `NAME=value`.
    pub envp: &'a [&'a str],
    /// v2 cgroup directory that the child is born in.
    pub cgroup: Option<BorrowedFd<'a>>,
    /// Namespaces of its own.
    pub namespaces: Namespaces,
    /// Become descriptors 3 to 9 of the child; 0, 1 and 2 are /dev/null, all others closed.
    pub fds: [BorrowedFd<'a>; PASSED_FDS],
}

/// A child.
#[derive(Debug)]
pub struct Spawned {
    /// Becomes readable when the child has ended; [`pidfd::reap`] it then.
    pub pidfd: OwnedFd,
    /// In the caller's pid namespace; to be shown, not signalled.
    pub pid: u32,
}

impl HelperSpawn<'_> {
    /// Starts it; returns when the program has been executed, or has failed to be. The child's
    /// signal mask blocks everything: it unblocks what it is ready for.
    pub fn spawn(&self) -> Result<Spawned> {
        let object = self.argv.first().copied().unwrap_or("helper");
        let c_strings = |texts: &[&str]| -> Result<Vec<CString>> {
            texts
                .iter()
                .map(|text| CString::new(*text).context("pass argument to", object))
                .collect()
        };
        let (argv, envp) = (c_strings(self.argv)?, c_strings(self.envp)?);
        let (argv_ptrs, envp_ptrs) = (pointers(&argv), pointers(&envp));

        let null = std::fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/null")
            .context("open", "/dev/null")?;
        let (mut failure, inheritable) = std::io::pipe().context("make pipe for", object)?;
        // Out of the range 0..=9 that the child fills, so that no dup2 overwrites a source.
        let null = move_up(std::os::fd::AsFd::as_fd(&null))?;
        let failure_child = move_up(std::os::fd::AsFd::as_fd(&inheritable))?;
        // Its end of file is the news, so no other writer may stay open here.
        drop(inheritable);
        let exe = move_up(self.exe)?;
        let passed = self.fds.iter().map(|fd| move_up(*fd));
        let passed = passed.collect::<Result<Vec<OwnedFd>>>()?;
        let child = ChildPlan {
            null: null.as_raw_fd(),
            passed: std::array::from_fn(|at| passed[at].as_raw_fd()),
            exe: exe.as_raw_fd(),
            failure: failure_child.as_raw_fd(),
            argv: argv_ptrs.as_ptr(),
            envp: envp_ptrs.as_ptr(),
            user_maps: self.namespaces.user.then(UserMaps::own),
        };

        // No handler of ours may run in the child before exec resets them.
        let mask = signal::block_all()?;
        let born = child.clone(self.namespaces, self.cgroup);
        signal::restore(&mask)?;
        let spawned = born.context("clone", object)?;
        drop(failure_child);
        let mut errno = [0; 4];
        match failure.read_exact(&mut errno) {
            // End of file: the descriptor was closed by a successful exec.
            Err(_) => Ok(spawned),
            Ok(()) => {
                let _ = pidfd::reap(std::os::fd::AsFd::as_fd(&spawned.pidfd));
                let cause = std::io::Error::from_raw_os_error(i32::from_ne_bytes(errno));
                Err(Error::new("execute", object, cause))
            }
        }
    }
}

/// A child that works in the memory of its parent, which waits until it has executed something or
/// ended, like vfork(2); on a stack of its own.
#[cfg(target_arch = "x86_64")]
mod vfork {
    use super::*;

    /// In 16 bytes: the child calls a handful of functions of the C library.
    const STACK: usize = 2048;

    /// # Safety
    /// [`ChildPlan::run`] must do nothing but system calls: other threads go on meanwhile, and what
    /// it changes is changed for all.
    pub(super) unsafe fn clone3(
        flags: u64,
        cgroup: Option<BorrowedFd<'_>>,
        plan: &ChildPlan,
    ) -> std::io::Result<Spawned> {
        let mut stack = vec![0u128; STACK];
        let mut pidfd: RawFd = -1;
        let mut args = clone_args(flags, cgroup, &mut pidfd);
        args.flags |= (libc::CLONE_VM | libc::CLONE_VFORK) as u64;
        args.stack = stack.as_mut_ptr() as u64;
        args.stack_size = size_of_val(stack.as_slice()) as u64;
        let result: i64;
        // SAFETY: `args` is valid and of the size given. The child has a stack of its own, which lives
        // until it is done with it (CLONE_VFORK), and leaves it by exec or _exit only; the parent
        // goes on behind the label, with the registers that are named.
        unsafe {
            std::arch::asm!(
                "syscall",
                "test rax, rax",
                "jnz 2f",
                "xor ebp, ebp",
                "mov rdi, {plan}",
                "call {run}",
                "ud2",
                "2:",
                plan = in(reg) ptr::from_ref(plan),
                run = in(reg) run as extern "C" fn(*const ChildPlan) -> !,
                // Not late: the child reads its operands after the call has used these two.
                inlateout("rax") libc::SYS_clone3 => result,
                in("rdi") ptr::from_ref(&args),
                in("rsi") size_of_val(&args),
                out("rcx") _,
                out("r11") _,
            );
        }
        drop(stack);
        match i32::try_from(result) {
            Ok(pid @ 1..) => Ok(Spawned {
                // SAFETY: the kernel has just made this descriptor, close-on-exec, for us.
                pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) },
                pid: pid as u32,
            }),
            Ok(negative) => Err(std::io::Error::from_raw_os_error(-negative)),
            Err(_) => unreachable!("a pid, or an error number"),
        }
    }

    extern "C" fn run(plan: *const ChildPlan) -> ! {
        // SAFETY: the parent waits in clone3, and holds the plan by reference.
        unsafe { (*plan).run() }
    }
}

/// The texts of the three map files of a user namespace that maps the caller onto itself.
pub(crate) struct UserMaps {
    uid: String,
    gid: String,
}

impl UserMaps {
    /// For the effective ids of the calling process. To be made before the clone.
    pub(crate) fn own() -> UserMaps {
        let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
        UserMaps {
            uid: format!("{uid} {uid} 1"),
            gid: format!("{gid} {gid} 1"),
        }
    }

    /// Writes them for the calling process. System calls only.
    pub(crate) fn write(&self) -> bool {
        // setgroups must be denied before an unprivileged process may map its group.
        write_once(c"/proc/self/setgroups", b"deny")
            && write_once(c"/proc/self/uid_map", self.uid.as_bytes())
            && write_once(c"/proc/self/gid_map", self.gid.as_bytes())
    }
}

/// Opens and writes in one go; `errno` tells why not. System calls only.
fn write_once(path: &std::ffi::CStr, bytes: &[u8]) -> bool {
    // SAFETY: the path ends in NUL, the buffer is as long as said; the process is about to exec,
    // so the descriptor need not be closed (it is close-on-exec).
    unsafe {
        let fd = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        fd >= 0 && libc::write(fd, bytes.as_ptr().cast(), bytes.len()) == bytes.len() as isize
    }
}

/// What the child does, prepared to the last byte.
struct ChildPlan {
    null: RawFd,
    passed: [RawFd; PASSED_FDS],
    exe: RawFd,
    failure: RawFd,
    argv: *const *const c_char,
    envp: *const *const c_char,
    user_maps: Option<UserMaps>,
}

impl ChildPlan {
    /// Makes the child; returns in the parent only.
    fn clone(
        &self,
        namespaces: Namespaces,
        cgroup: Option<BorrowedFd<'_>>,
    ) -> std::io::Result<Spawned> {
        let flags = namespaces.flags();
        // A copy of the caller's memory costs more than all else here. In a user namespace the child
        // changes its capabilities, which would make the caller undumpable with it (commit_creds()).
        #[cfg(target_arch = "x86_64")]
        if !namespaces.user {
            // SAFETY: `run` does system calls only, and ends in exec or _exit.
            return unsafe { vfork::clone3(flags, cgroup, self) };
        }
        // SAFETY: the child runs ChildPlan::run only, which does system calls on memory that was
        // prepared before and ends in exec or _exit.
        match unsafe { clone3(flags, cgroup) }? {
            Born::Parent(spawned) => Ok(spawned),
            // SAFETY: this is the child of clone3.
            Born::Child => unsafe { self.run() },
        }
    }

    /// # Safety
    /// To be called in the child of a clone only; the pointers must be those of live, NULL-ended
    /// arrays.
    unsafe fn run(&self) -> ! {
        // SAFETY: system calls on integers and on the arrays that the caller vouches for.
        unsafe {
            if self.set_up() {
                let flags = libc::AT_EMPTY_PATH;
                libc::syscall(
                    libc::SYS_execveat,
                    self.exe,
                    c"".as_ptr(),
                    self.argv,
                    self.envp,
                    flags,
                );
            }
            let errno = *libc::__errno_location();
            libc::write(self.failure, ptr::from_ref(&errno).cast(), size_of::<i32>());
            libc::_exit(127)
        }
    }

    /// False, with `errno` set, when a call failed.
    ///
    /// # Safety
    /// As for `run`.
    unsafe fn set_up(&self) -> bool {
        if let Some(maps) = &self.user_maps
            && !(maps.write() && crate::credentials::raw_keep_sys_admin())
        {
            return false;
        }
        // SAFETY: dup2 on descriptors that are all ≥ FIRST_FREE, onto numbers below it.
        unsafe {
            for standard in 0..3 {
                if libc::dup2(self.null, standard) < 0 {
                    return false;
                }
            }
            for (target, source) in (3..).zip(self.passed) {
                debug_assert!(target < FIRST_FREE);
                if libc::dup2(source, target) < 0 {
                    return false;
                }
            }
        }
        raw_close_range(3 + PASSED_FDS as u32, libc::CLOSE_RANGE_CLOEXEC) == 0
    }
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    let mut pointers: Vec<_> = strings.iter().map(|text| text.as_ptr()).collect();
    pointers.push(ptr::null());
    pointers
}

/// The two sides of a clone.
pub(crate) enum Born {
    Child,
    Parent(Spawned),
}

/// A fork-like clone3 with CLONE_PIDFD; on failure nothing exists.
///
/// # Safety
/// Where other threads may exist, the child may only make system calls.
pub(crate) unsafe fn clone3(flags: u64, cgroup: Option<BorrowedFd<'_>>) -> std::io::Result<Born> {
    let mut pidfd: RawFd = -1;
    let args = clone_args(flags, cgroup, &mut pidfd);
    // SAFETY: args is valid and of the size given; no stack and no CLONE_VM, so the child works on
    // a copy of this memory like after fork.
    match unsafe { libc::syscall(libc::SYS_clone3, ptr::from_ref(&args), size_of_val(&args)) } {
        ..0 => Err(std::io::Error::last_os_error()),
        0 => Ok(Born::Child),
        pid => Ok(Born::Parent(Spawned {
            // SAFETY: the kernel has just made this descriptor, close-on-exec, for us.
            pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) },
            pid: pid as u32,
        })),
    }
}

fn clone_args(flags: u64, cgroup: Option<BorrowedFd<'_>>, pidfd: &mut RawFd) -> libc::clone_args {
    // SAFETY: clone_args is plain integers, for which zero means "not used".
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = flags | libc::CLONE_PIDFD as u64;
    args.pidfd = ptr::from_mut(pidfd) as u64;
    args.exit_signal = libc::SIGCHLD as u64;
    if let Some(cgroup) = cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = cgroup.as_raw_fd() as u64;
    }
    args
}

/// Runs `child` in a new process, born in `cgroup`; the process exits with what it returns.
///
/// # Safety
/// The calling process must have no other thread: the child runs ordinary code.
pub unsafe fn fork_into(
    cgroup: Option<BorrowedFd<'_>>,
    child: impl FnOnce() -> u8,
) -> Result<Spawned> {
    // SAFETY: the caller vouches for being alone, so nothing is locked for ever in the child.
    match unsafe { clone3(0, cgroup) }.context("clone", "a command")? {
        Born::Parent(spawned) => Ok(spawned),
        Born::Child => {
            let status = child();
            // SAFETY: ends the process without running the parent's destructors.
            unsafe { libc::_exit(status.into()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    fn spawn(program: &str, argv: &[&str]) -> Result<Spawned> {
        let exe = crate::file::open_program(program.as_ref()).expect("it is there");
        let null = std::fs::File::open("/dev/null").expect("it is there");
        let spawned = HelperSpawn {
            exe: exe.as_fd(),
            argv,
            envp: &[],
            cgroup: None,
            namespaces: Namespaces::default(),
            fds: [null.as_fd(); PASSED_FDS],
        };
        spawned.spawn()
    }

    /// Also that the child, which may work in this memory, harms none of it: many at once.
    #[test]
    fn many_threads_get_their_children_at_once() {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let spawned = spawn("/bin/sh", &["sh", "-c", "exit 7"]).expect("made");
                        assert!(pidfd::wait(spawned.pidfd.as_fd(), 10_000).expect("ours"));
                        let end = pidfd::reap(spawned.pidfd.as_fd()).expect("ours");
                        assert!(matches!(end, Some(pidfd::End::Exited(7))), "{end:?}");
                    }
                });
            }
        });
    }

    #[test]
    fn a_program_that_is_none_is_an_error_and_leaves_nobody() {
        let error = spawn("/dev/null", &["none"]).expect_err("no program");
        assert_eq!(
            (error.errno(), error.to_string().as_str()),
            (libc::EACCES, "execute none")
        );
    }
}
