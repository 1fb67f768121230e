//! File descriptors: those that a process finds open at its start, and those that it must not leak.
use crate::error::{Context, Error, Result};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// First number that a descriptor is moved to, to be out of the way of the fixed ones.
pub(crate) const FIRST_FREE: RawFd = 10;

/// Takes ownership of descriptors that this process was started with, by number. Works once: a
/// second owner of the same number would close it under the first.
///
/// They are marked close-on-exec, so that nothing which is executed later inherits them.
pub fn take_inherited<const N: usize>(numbers: [RawFd; N]) -> Result<[OwnedFd; N]> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::SeqCst) {
        return Err(Error::new(
            "take",
            "inherited descriptors",
            std::io::Error::other("they were taken before"),
        ));
    }
    for number in numbers {
        // SAFETY: plain system call on an integer; a closed number is an error, not undefined.
        if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
            return Err(Error::last("take inherited descriptor", number));
        }
    }
    // SAFETY: each number is open (checked above), and this function runs once, so nobody else owns it.
    Ok(numbers.map(|number| unsafe { OwnedFd::from_raw_fd(number) }))
}

/// A duplicate with a number of at least 10, close-on-exec.
pub fn move_up(fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_DUPFD_CLOEXEC(FIRST_FREE))
        .map(|number| {
            // SAFETY: the kernel has just made this number for us.
            unsafe { OwnedFd::from_raw_fd(number) }
        })
        .context("duplicate descriptor", fd.as_raw_fd())
}

/// Whether two descriptors are the same open file: the same offset, the same flags (kcmp(2)).
/// Where the kernel does not say, they are not.
pub fn is_same_file(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    /// `KCMP_FILE` of linux/kcmp.h
    const KCMP_FILE: i32 = 0;
    let pid = std::process::id();
    // SAFETY: plain integers; compares two descriptors of this very process.
    let order = unsafe {
        libc::syscall(
            libc::SYS_kcmp,
            pid,
            pid,
            KCMP_FILE,
            one.as_raw_fd(),
            other.as_raw_fd(),
        )
    };
    order == 0
}

/// Makes the descriptors 3, 4, … of what is executed next, in their order, and every other from
/// there on close-on-exec. `spared` is moved out of the way, and stays usable.
///
/// # Safety
/// Whatever had one of these numbers is closed, whoever owns it: to be called between fork and exec,
/// where nothing but `spared` is used any more.
pub unsafe fn pass_on<F: AsFd + From<OwnedFd>>(fds: Vec<OwnedFd>, spared: &mut F) -> Result<()> {
    let first_free = 3 + fds.len() as RawFd;
    let above = |fd: BorrowedFd<'_>| {
        nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_DUPFD_CLOEXEC(first_free))
            // SAFETY: the kernel has just made this number for us.
            .map(|number| unsafe { OwnedFd::from_raw_fd(number) })
            .context("duplicate descriptor", fd.as_raw_fd())
    };
    *spared = above(spared.as_fd())?.into();
    let fds = fds.into_iter().map(|fd| above(fd.as_fd()));
    let fds = fds.collect::<Result<Vec<_>>>()?;
    for (number, fd) in (3..).zip(&fds) {
        // SAFETY: the caller vouches that nobody needs what has that number.
        if unsafe { libc::dup2(fd.as_raw_fd(), number) } < 0 {
            return Err(Error::last("pass on descriptor", number));
        }
    }
    close_from_on_exec(first_free as u32)
}

/// Makes `place` a duplicate of `fd`, close-on-exec, at the number that it has.
pub fn put_at(fd: BorrowedFd<'_>, place: &mut OwnedFd) -> Result<()> {
    nix::unistd::dup3(fd, place, nix::fcntl::OFlag::O_CLOEXEC)
        .context("duplicate descriptor", fd.as_raw_fd())
}

/// Marks every descriptor from `first` up close-on-exec.
pub fn close_from_on_exec(first: u32) -> Result<()> {
    match raw_close_range(first, libc::CLOSE_RANGE_CLOEXEC) {
        0 => Ok(()),
        _ => Err(Error::last("close_range", first)),
    }
}

/// Allocates nothing: also for use between clone and exec.
pub(crate) fn raw_close_range(first: u32, flags: u32) -> libc::c_long {
    // SAFETY: plain integers; with CLOSE_RANGE_CLOEXEC no descriptor is closed here.
    unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, flags) }
}

/// Makes a pipe larger, best effort: the limit of the user may be reached, and the default works.
pub fn enlarge_pipe(fd: BorrowedFd<'_>, bytes: i32) {
    let _ = nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_SETPIPE_SZ(bytes));
}

/// Switches O_NONBLOCK on.
pub fn set_nonblocking(fd: BorrowedFd<'_>) -> Result<()> {
    set_blocking_to(fd, false)
}

/// Switches O_NONBLOCK off.
pub fn set_blocking(fd: BorrowedFd<'_>) -> Result<()> {
    set_blocking_to(fd, true)
}

fn set_blocking_to(fd: BorrowedFd<'_>, blocking: bool) -> Result<()> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    fcntl(fd, FcntlArg::F_GETFL)
        .and_then(|flags| {
            let mut flags = OFlag::from_bits_retain(flags);
            flags.set(OFlag::O_NONBLOCK, !blocking);
            fcntl(fd, FcntlArg::F_SETFL(flags))
        })
        .map(drop)
        .context("set O_NONBLOCK on descriptor", fd.as_raw_fd())
}
