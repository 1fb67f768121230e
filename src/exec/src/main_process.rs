//! Which process is the service's main one, where the helper did not fork it itself: forking
//! services (PIDFile=, or a guess) and MAINPID=.
use crate::process;
use gitproc_core::spec::ExecSpec;
use gitproc_sys::pidfd;
use std::io::Read;
use std::os::fd::OwnedFd;

/// How often a PID file that is not there yet is looked for, in ms. Between the exit of the first
/// process and the writing of the file there is no event to wait for that works on every file system.
pub(crate) const RETRY_MS: u16 = 50;
/// Longest PID file, in bytes.
const PID_FILE_MAX: u64 = 64;

/// A process that was found, not forked.
pub(crate) struct Found {
    pub(crate) pid: u32,
    pub(crate) pidfd: OwnedFd,
}

/// By number in this namespace, if it is a living process of the service.
pub(crate) fn by_pid(pid: u32) -> Option<Found> {
    let pidfd = pidfd::open(pid).ok()?;
    process::is_ours(pid).then_some(Found { pid, pidfd })
}

/// What PIDFile= names now, or else the only process that there is, where guessing is allowed.
pub(crate) fn find(spec: &ExecSpec) -> Option<Found> {
    match &spec.pid_file {
        Some(path) => by_pid(read_pid_file(path)?),
        None if spec.guess_main_pid => by_pid(process::only_child()?),
        None => None,
    }
}

fn read_pid_file(path: &str) -> Option<u32> {
    let mut text = String::new();
    std::fs::File::open(path)
        .ok()?
        .take(PID_FILE_MAX)
        .read_to_string(&mut text)
        .ok()?;
    text.lines()
        .next()?
        .trim()
        .parse()
        .ok()
        .filter(|pid| *pid > 0)
}
