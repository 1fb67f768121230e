//! The helper: holds one invocation of one service while daemons come and go.
//!
//! Process 1 of the service's namespace (or its subreaper). It sets up, runs one command of its
//! spec when told to, collects what ends, passes signals on, writes the log and records how things
//! ended. It decides nothing: policy is the daemon's. One thread, one poll loop.
//!
//! The same program in another role keeps the descriptors that a service stores ([`keeper`]).
mod child;
mod copies;
mod credentials;
mod directories;
mod environment;
mod journal;
mod keeper;
mod link;
mod log;
mod log_file;
mod main_process;
mod notify;
mod process;
mod report;
mod setup;
mod store;
mod supervisor;

use gitproc_core::descriptor_store::KEEP_DESCRIPTORS;
use gitproc_core::spec::{ExecSpec, Fds, SPEC_VERSION};

/// Longest spec that is read, in bytes: far above what a unit of a commit can make.
const SPEC_MAX: u64 = 16 << 20;

/// Exit codes of the helper itself; for people who look at the daemon's log.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
enum HelperExit {
    /// Nothing was to be done, or everything is done.
    Done = 0,
    /// The descriptors or the spec are not what a daemon gives.
    BadStart = 64,
    /// The spec is of a version that this helper does not know.
    BadVersion = 65,
    /// The poll loop could not go on.
    Broken = 70,
}

/// Plays the helper's role until the invocation is over; or, as `… keep-descriptors UNIT`, the
/// keeper's. Returns the exit status of the process, 0 to 255. The descriptors of [`Fds`] must be
/// open, or [`Fds::LISTENER`].
pub fn run() -> i32 {
    let keeps = std::env::args().any(|argument| argument == KEEP_DESCRIPTORS);
    match if keeps { keep() } else { start() } {
        Ok(()) => HelperExit::Done as i32,
        Err(exit) => exit as i32,
    }
}

fn keep() -> Result<(), HelperExit> {
    gitproc_sys::signal::block_all().map_err(|_| HelperExit::Broken)?;
    let [listener] =
        gitproc_sys::fd::take_inherited([Fds::LISTENER]).map_err(|_| HelperExit::BadStart)?;
    keeper::run(listener).map_err(|_| HelperExit::Broken)
}

fn start() -> Result<(), HelperExit> {
    // For life: signals to process 1 must not end it, and SIGCHLD is read from a descriptor.
    gitproc_sys::signal::block_all().map_err(|_| HelperExit::Broken)?;
    let numbers = [
        Fds::SPEC,
        Fds::LINK,
        Fds::DIR,
        Fds::CGROUP,
        Fds::NETWORK,
        Fds::IPC,
        Fds::STORE,
    ];
    let [spec, link, dir, cgroup, network, ipc, store] =
        gitproc_sys::fd::take_inherited(numbers).map_err(|_| HelperExit::BadStart)?;
    let bytes =
        gitproc_sys::memfd::read_sealed(spec, SPEC_MAX).map_err(|_| HelperExit::BadStart)?;
    check_version(&bytes)?;
    let spec: ExecSpec = serde_json::from_slice(&bytes).map_err(|_| HelperExit::BadStart)?;
    drop(bytes);
    supervisor::Supervisor::new(spec, link, dir, cgroup, [network, ipc], store)
        .and_then(supervisor::Supervisor::run)
        .map_err(|_| HelperExit::Broken)
}

/// Before the rest is looked at: a spec of another version may have another shape.
fn check_version(bytes: &[u8]) -> Result<(), HelperExit> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        version: u32,
    }
    match serde_json::from_slice::<Versioned>(bytes) {
        Ok(Versioned {
            version: SPEC_VERSION,
        }) => Ok(()),
        Ok(_) => Err(HelperExit::BadVersion),
        Err(_) => Err(HelperExit::BadStart),
    }
}
