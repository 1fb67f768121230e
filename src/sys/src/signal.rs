//! Signal masks and dispositions.
use crate::error::{Context, Error, Result};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// The highest signal number of Linux.
const LAST_SIGNAL: i32 = 64;

/// The mask from before [`block_all`].
#[derive(Debug)]
pub struct Mask(SigSet);

/// Blocks every signal of the calling thread.
pub fn block_all() -> Result<Mask> {
    let mut old = SigSet::empty();
    nix::sys::signal::pthread_sigmask(
        SigmaskHow::SIG_SETMASK,
        Some(&SigSet::all()),
        Some(&mut old),
    )
    .context("block", "signals")?;
    Ok(Mask(old))
}

/// Brings the mask back.
pub fn restore(mask: &Mask) -> Result<()> {
    nix::sys::signal::pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&mask.0), None)
        .context("restore", "signal mask")
}

/// A descriptor that becomes readable when a child ends. SIGCHLD must be blocked.
pub fn child_watch() -> Result<SignalFd> {
    let mut set = SigSet::empty();
    set.add(nix::sys::signal::Signal::SIGCHLD);
    SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .context("watch", "SIGCHLD")
}

/// For a process that is about to execute a service's program: unblocks every signal and sets every
/// disposition to the default, ignored ones too (exec resets handlers only).
pub fn reset() -> Result<()> {
    // The kernel's own call: the C library refuses to touch the signals that it keeps for itself,
    // and a parent may have left even those ignored. All zero is SIG_DFL, no flags, no mask.
    let default = [0u64; 4];
    for signal in
        (1..=LAST_SIGNAL).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP].contains(signal))
    {
        let none = std::ptr::null_mut::<u64>();
        // SAFETY: the kernel's sigaction is at most 32 bytes on 64-bit Linux, its signal set 8.
        let set =
            unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), none, 8) };
        if set != 0 {
            return Err(Error::last("reset signal", signal));
        }
    }
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
        .context("reset", "signal mask")
}

/// A write to a pipe that nobody reads fails with EPIPE, instead of ending the process.
pub fn ignore_sigpipe() -> Result<()> {
    // SAFETY: ignoring a signal installs no handler.
    unsafe { nix::sys::signal::signal(Signal::SIGPIPE, SigHandler::SigIgn) }
        .context("ignore", "SIGPIPE")
        .map(drop)
}

/// Sends `signal` to one process of the caller's own namespace, or to all that it may signal
/// (`None`: kill(-1), which spares the caller and, for process 1, is its whole namespace).
/// `Ok(false)`: there is none.
pub fn send(pid: Option<u32>, signal: i32) -> Result<bool> {
    let target = match pid {
        None => -1,
        Some(pid) => i32::try_from(pid)
            .ok()
            .filter(|pid| *pid > 0)
            .ok_or_else(|| Error::new("signal process", pid, nix::errno::Errno::ESRCH))?,
    };
    // SAFETY: plain integers.
    match unsafe { libc::kill(target, signal) } {
        0 => Ok(true),
        _ => match std::io::Error::last_os_error() {
            cause if cause.raw_os_error() == Some(libc::ESRCH) => Ok(false),
            cause => Err(Error::new("signal process", target, cause)),
        },
    }
}
