//! `gitproc hold-cgroup`: a process that does nothing but be there, so that a supervisor keeps the
//! cgroup that services live in (`systemd/gitproc-services.service` says why).
use crate::DaemonError;
use crate::sd_notify::Supervisor;
use std::convert::Infallible;

/// Holds the cgroup of this process until a signal ends it.
pub fn hold() -> Result<Infallible, DaemonError> {
    crate::log::start();
    let supervisor = Supervisor::from_environment();
    let held = gitproc_sys::cgroup::hold()?;
    tracing::info!("holding {}", held.display());
    // Only now can the daemon, which waits for it, give controllers to the cgroup's children.
    supervisor.ready();
    loop {
        // It may wake up for no reason.
        std::thread::park();
    }
}
