//! Whether this kernel, and this user, can have the namespaces: tried once, never guessed from
//! versions.
use crate::error::{Context, Result};
use crate::spawn::{Born, Namespaces, UserMaps, clone3};
use crate::{pidfd, signal};
use std::os::fd::{AsFd, FromRawFd};

/// Longest time a probe may take, in ms. It is a handful of system calls.
const PROBE_TIMEOUT_MS: u16 = 5_000;

/// Tries a PID and mount namespace with a /proc of its own; the error says what failed.
pub fn probe_pid_namespace() -> Result<()> {
    probe(
        Namespaces {
            pid: true,
            mount: true,
            user: false,
        },
        "pid namespace",
    )
}

/// The same inside a user namespace, as an ordinary user can have it.
pub fn probe_user_pid_namespace() -> Result<()> {
    probe(
        Namespaces {
            pid: true,
            mount: true,
            user: true,
        },
        "pid namespace in a user namespace",
    )
}

/// Whether the kernel's audit subsystem is there, and there for us: not in most containers.
pub fn audit_is_there() -> bool {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: no memory is passed.
    let fd = unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_AUDIT) };
    if fd >= 0 {
        // SAFETY: the descriptor is new, and nobody else's.
        drop(unsafe { std::os::fd::OwnedFd::from_raw_fd(fd) });
        return true;
    }
    let errno = std::io::Error::last_os_error().raw_os_error();
    ![libc::EAFNOSUPPORT, libc::EPROTONOSUPPORT, libc::EPERM].contains(&errno.unwrap_or(0))
}

fn probe(namespaces: Namespaces, object: &'static str) -> Result<()> {
    let maps = namespaces.user.then(UserMaps::own);
    let mask = signal::block_all()?;
    // SAFETY: the child makes system calls on constants and prepared texts only, and ends in _exit.
    let born = unsafe { clone3(namespaces.flags(), None) };
    if let Ok(Born::Child) = born {
        let done = maps.as_ref().is_none_or(UserMaps::write) && raw_mount_proc();
        // SAFETY: reads this thread's errno; ends the process at once.
        unsafe {
            let errno = if done { 0 } else { *libc::__errno_location() };
            libc::_exit(errno)
        }
    }
    signal::restore(&mask)?;
    let Born::Parent(child) = born.context("make", object)? else {
        unreachable!("the child does not return");
    };
    let failed = |cause: std::io::Error| Err(cause).context("set up", object);
    if !pidfd::wait(child.pidfd.as_fd(), PROBE_TIMEOUT_MS)? {
        pidfd::send_signal(child.pidfd.as_fd(), libc::SIGKILL)?;
        return failed(std::io::ErrorKind::TimedOut.into());
    }
    match pidfd::reap(child.pidfd.as_fd())? {
        Some(pidfd::End::Exited(0)) => Ok(()),
        Some(pidfd::End::Exited(errno)) => failed(std::io::Error::from_raw_os_error(errno.into())),
        other => failed(std::io::Error::other(format!(
            "the probe ended with {other:?}"
        ))),
    }
}

/// System calls only. False, with `errno` set, on failure.
fn raw_mount_proc() -> bool {
    let (proc, path) = (c"proc".as_ptr(), c"/proc".as_ptr());
    let private = libc::MS_REC | libc::MS_PRIVATE;
    let none = std::ptr::null();
    // SAFETY: constant, NUL-ended strings.
    unsafe {
        libc::mount(none, c"/".as_ptr(), none, private, none.cast()) == 0
            && libc::mount(proc, path, proc, 0, none.cast()) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_can_have_a_pid_namespace_or_is_told_why_not() {
        match (probe_pid_namespace(), nix::unistd::geteuid().is_root()) {
            (Ok(()), root) => assert!(root, "an ordinary user can't without a user namespace"),
            (Err(error), _) => assert_ne!(error.errno(), 0, "{}", error.in_full()),
        }
    }
}
