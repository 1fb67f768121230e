//! pidfds: waiting and signalling without races over process numbers.
//!
//! A pidfd becomes readable when its process ends.
use crate::error::{Context, Error, Result};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use std::io::Read;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Exit status.
    Exited(u8),
    /// Signal number.
    Killed(i32),
    /// Signal number; a core was dumped.
    Dumped(i32),
}

impl End {
    /// From waitid; `None` when the process has not ended.
    pub fn from_wait(status: WaitStatus) -> Option<End> {
        match status {
            WaitStatus::Exited(_, code) => Some(End::Exited(code as u8)),
            WaitStatus::Signaled(_, signal, false) => Some(End::Killed(signal as i32)),
            WaitStatus::Signaled(_, signal, true) => Some(End::Dumped(signal as i32)),
            _ => None,
        }
    }
}

/// Opens the process `pid` of the caller's pid namespace.
pub fn open(pid: u32) -> Result<OwnedFd> {
    // SAFETY: plain integers.
    match unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) } {
        ..0 => Err(Error::last("open process", pid)),
        // SAFETY: the kernel has just made this descriptor, close-on-exec, for us.
        fd => Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) }),
    }
}

/// Sends a signal; `Ok(false)` when the process has ended.
pub fn send_signal(pidfd: BorrowedFd<'_>, signal: i32) -> Result<bool> {
    let info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: integers, and a null siginfo, which the kernel fills in as kill(2) would.
    let sent = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal,
            info,
            0,
        )
    };
    match (sent, std::io::Error::last_os_error()) {
        (0, _) => Ok(true),
        (_, cause) if cause.raw_os_error() == Some(libc::ESRCH) => Ok(false),
        (_, cause) => Err(Error::new(
            "signal process of pidfd",
            pidfd.as_raw_fd(),
            cause,
        )),
    }
}

/// Collects an ended child. `None`: it has not ended, or it is no child of the caller (an adopted
/// helper: init collects it).
pub fn reap(pidfd: BorrowedFd<'_>) -> Result<Option<End>> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG;
    match waitid(Id::PIDFd(pidfd), flags) {
        Ok(status) => Ok(End::from_wait(status)),
        Err(nix::errno::Errno::ECHILD) => Ok(None),
        Err(cause) => Err(Error::new("wait for pidfd", pidfd.as_raw_fd(), cause)),
    }
}

/// Waits until the process has ended, `timeout_ms` at most; false when that passed before.
pub fn wait(pidfd: BorrowedFd<'_>, timeout_ms: u16) -> Result<bool> {
    use nix::poll::{PollFd, PollFlags, poll};
    poll(&mut [PollFd::new(pidfd, PollFlags::POLLIN)], timeout_ms)
        .map(|ready| ready > 0)
        .context("poll pidfd", pidfd.as_raw_fd())
}

/// The number of a process in the pid namespace that `proc` (a directory of procfs) shows. This is
/// how process 1 of a namespace learns the host's numbers: it keeps the host's /proc open.
///
/// `None`: the process has ended, or is not visible there.
pub fn pid_in(proc: BorrowedFd<'_>, pidfd: BorrowedFd<'_>) -> Option<u32> {
    use nix::fcntl::{OFlag, openat};
    let path = format!("self/fdinfo/{}", pidfd.as_raw_fd());
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    let file = openat(proc, path.as_str(), flags, nix::sys::stat::Mode::empty()).ok()?;
    let mut text = String::new();
    std::fs::File::from(file).read_to_string(&mut text).ok()?;
    let pid: i64 = text
        .lines()
        .find_map(|line| line.strip_prefix("Pid:"))?
        .trim()
        .parse()
        .ok()?;
    u32::try_from(pid).ok().filter(|pid| *pid > 0)
}
