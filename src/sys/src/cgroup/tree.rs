//! A cgroup with everything below it: a service may have made cgroups of its own in its payload.
use crate::error::{Context, Error, Result};
use crate::pidfd;
use nix::poll::{PollFd, PollFlags, poll};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// Rounds of killing where the kernel has no cgroup.kill: each round finds the children that were
/// born during the one before. A fork bomb may win; TasksMax= and the pid namespace end it.
const KILL_ROUNDS: usize = 50;
/// Longest time that [`remove`] waits for killed processes to be gone, in ms.
const EMPTY_TIMEOUT_MS: u64 = 2_000;
/// Cgroups looked at below one: a service can make as many as it likes, and must not hold us up
/// for ever. What is beyond is reported as busy.
const DIRS_MAX: usize = 10_000;

/// `dir` and all directories below it, parents first; empty when there is none.
fn directories(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![dir.to_owned()];
    let mut next = 0;
    while next < found.len() && found.len() < DIRS_MAX {
        let entries = std::fs::read_dir(&found[next]).into_iter().flatten();
        let below = entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.path());
        found.extend(below);
        next += 1;
    }
    found
}

/// What lives in it, by the caller's numbers; 0 for processes of another namespace.
pub(super) fn procs(dir: &Path) -> Vec<u32> {
    directories(dir)
        .iter()
        .flat_map(|dir| listed(dir))
        .collect()
}

fn listed(dir: &Path) -> Vec<u32> {
    let text = std::fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// Kills what `cgroup.procs` lists, until nobody new is found there.
pub(super) fn kill(dir: &Path) -> Result<()> {
    directories(dir).iter().try_for_each(|dir| kill_listed(dir))
}

fn kill_listed(dir: &Path) -> Result<()> {
    let mut killed = std::collections::BTreeSet::new();
    for _ in 0..KILL_ROUNDS {
        let fresh: Vec<u32> = listed(dir)
            .into_iter()
            .filter(|pid| *pid > 0 && killed.insert(*pid))
            .collect();
        if fresh.is_empty() {
            break;
        }
        for pid in fresh {
            // By pidfd, and only if it still is in this cgroup once it is held: the number may be
            // another's by now.
            let Ok(process) = pidfd::open(pid) else {
                continue;
            };
            if listed(dir).contains(&pid) {
                pidfd::send_signal(process.as_fd(), libc::SIGKILL)?;
            }
        }
    }
    Ok(())
}

/// Removes it, children first, waiting while the kernel still takes processes apart. It is no error
/// when there is nothing; it is one when something lives on.
pub(super) fn remove(dir: &Path) -> Result<()> {
    let give_up = crate::host::monotonic_us() + EMPTY_TIMEOUT_MS * 1_000;
    directories(dir)
        .iter()
        .rev()
        .try_for_each(|dir| remove_one(dir, give_up))
}

fn remove_one(dir: &Path, give_up: u64) -> Result<()> {
    loop {
        match std::fs::remove_dir(dir) {
            Ok(()) => return Ok(()),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(cause) if cause.raw_os_error() == Some(libc::EBUSY) => {
                let alive = listed(dir);
                let ended = alive.iter().all(|pid| *pid > 0 && await_end(*pid, give_up));
                if !ended || crate::host::monotonic_us() >= give_up {
                    return Err(Error::new("remove cgroup", dir.display(), cause));
                }
                if alive.is_empty() {
                    settle(dir);
                }
            }
            Err(cause) => return Err(cause).context("remove cgroup", dir.display()),
        }
    }
}

/// Waits for one listed process; false when it outlives the deadline.
fn await_end(pid: u32, give_up_us: u64) -> bool {
    let left_ms = give_up_us.saturating_sub(crate::host::monotonic_us()) / 1_000;
    match pidfd::open(pid) {
        Ok(process) => pidfd::wait(process.as_fd(), u16::try_from(left_ms).unwrap_or(u16::MAX))
            .unwrap_or(false),
        Err(_) => true,
    }
}

/// Nobody is listed, yet the directory is busy: tasks that are exiting. Waits for the next change
/// of cgroup.events, a moment at most.
fn settle(dir: &Path) {
    const MOMENT_MS: u16 = 5;
    let events = std::fs::File::open(dir.join("cgroup.events"));
    let mut fds: Vec<_> = events
        .iter()
        .map(|file| PollFd::new(file.as_fd(), PollFlags::POLLPRI))
        .collect();
    // v1 has no such file: then this is only the moment.
    let _ = poll(&mut fds, MOMENT_MS);
}
