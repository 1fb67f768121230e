//! `gitproc daemon` as process 1 of a container: a small init, and the daemon as its child.
//!
//! So the daemon may fall and be started anew while services run on, as on a host: who is process 1
//! can't, for its end is that of all. The init reaps what loses its parent, passes signals on, and
//! ends with the status of the daemon.
use crate::DaemonError;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::process::Command;
use std::time::Duration;

/// Tells the daemon that its parent is such an init.
pub const VARIABLE: &str = "GITPROC_INIT";

/// What is passed on to the daemon, and SIGCHLD. docker, podman and kubelet send SIGTERM to stop a
/// container.
const WATCHED: [i32; 4] = [SIGCHLD, SIGTERM, SIGINT, SIGHUP];

/// As RestartSec= of gitproc.service.
const RESTART_DELAY: Duration = Duration::from_millis(100);

/// Whether this process is to be the init.
pub fn is_called_for() -> bool {
    std::process::id() == 1 && !is_parent()
}

/// Whether an init of ours has started this process.
pub fn is_parent() -> bool {
    std::os::unix::process::parent_id() == 1 && std::env::var_os(VARIABLE).is_some()
}

/// Runs the daemon until it ends by itself; gives its exit status.
pub fn run() -> Result<u8, DaemonError> {
    // By handlers, not by a mask, which the daemon and all its children would inherit.
    let mut signals = Signals::new(WATCHED).map_err(DaemonError::io("watch signals"))?;
    let mut daemon = start()?;
    loop {
        if let Some(status) = attend(daemon, &mut signals) {
            return Ok(status);
        }
        tracing::error!("the daemon was killed: starting it again, services run on");
        daemon = start_again();
    }
}

/// Until there is one: giving up would end every service.
fn start_again() -> Pid {
    loop {
        // A daemon that falls at once must not fill the log; signals wait.
        #[allow(clippy::disallowed_methods)]
        std::thread::sleep(RESTART_DELAY);
        match start() {
            Ok(daemon) => return daemon,
            Err(error) => tracing::error!("{error}: trying again"),
        }
    }
}

fn start() -> Result<Pid, DaemonError> {
    let own = std::env::current_exe().map_err(DaemonError::io("find the own executable"))?;
    let child = Command::new(own)
        .args(std::env::args_os().skip(1))
        .env(VARIABLE, "1")
        .spawn()
        .map_err(DaemonError::io("start the daemon"))?;
    let pid = i32::try_from(child.id()).expect("a pid is positive and small");
    Ok(Pid::from_raw(pid))
}

/// Until the daemon has ended: its status, or `None` when a signal killed it.
fn attend(daemon: Pid, signals: &mut Signals) -> Option<u8> {
    loop {
        let told: Vec<i32> = signals.wait().collect();
        for signal in told.iter().filter(|signal| **signal != SIGCHLD) {
            // It may just have ended: that is seen below, or SIGCHLD is on its way.
            let _ = kill(daemon, Signal::try_from(*signal).ok());
        }
        let mut end = None;
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, status)) if pid == daemon => {
                    end = Some(Some(u8::try_from(status).unwrap_or(u8::MAX)));
                }
                Ok(WaitStatus::Signaled(pid, ..)) if pid == daemon => end = Some(None),
                Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => break,
                Ok(_) | Err(_) => {} // an orphan, or interrupted
            }
        }
        if let Some(end) = end {
            return end;
        }
    }
}
