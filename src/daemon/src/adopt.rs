//! At start: finding what outlived the last daemon.
//!
//! A helper is known by three things that must agree: the invocation id in its directory and in its
//! `Hello`, the process behind its socket (peer credentials, held by a pidfd), and the cgroup that
//! this process is in. A pid or a command line alone proves nothing.
use crate::holder::Adopted;
use crate::host::Host;
use crate::last_words::Told;
use crate::link::Link;
use crate::records;
use crate::slices;
use crate::spawn::{Belongings, credentials, ipc_of, runtime_directories};
use crate::{cleanup, identity};
use gitproc_core::InvocationId;
use gitproc_core::api::InvocationRecord;
use gitproc_core::protocol::{FromHelper, HelperState};
use gitproc_sys::cgroup::UnitCgroup;
use gitproc_unit::Family::Exec;
use gitproc_unit::{Preserve, Unit, UnitName};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Socket of a helper in its invocation directory.
const CONTROL_SOCKET: &str = "ctl.sock";

/// How long a helper may take to answer. It is single-threaded and never blocks, but the host may
/// be busy right after an upgrade.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);

/// One invocation directory that was read.
#[derive(Debug)]
pub struct Found {
    /// What was recorded when it was spawned.
    pub record: InvocationRecord,
    /// What the helper says, or left behind.
    pub state: HelperState,
    dir: PathBuf,
    alive: Option<(Link, OwnedFd)>,
}

/// Why there is no living helper in a directory.
#[derive(Debug, thiserror::Error)]
enum NotAlive {
    #[error("{}", .0.in_full())]
    Unreachable(#[from] gitproc_sys::Error),
    #[error("no hello within {} s", HELLO_TIMEOUT.as_secs())]
    Deaf,
    #[error("{0}")]
    Link(#[from] crate::link::LinkError),
    #[error("it is somebody else: {0}")]
    Foreign(String),
}

/// Reads every invocation directory. Those that are no use are cleaned up, with a warning.
pub async fn collect(host: &Host) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for dir in directories(&host.layout.invocations()) {
        match read(host, &dir).await {
            Ok(one) => found.push(one),
            Err(why) => {
                tracing::warn!("{}: {why}: removing it", dir.display());
                if let Some(problem) = cleanup::remove(&dir) {
                    tracing::error!("{problem}, ignoring");
                }
            }
        }
    }
    found
}

/// Sorted, so that the order of adoption does not depend on the file system.
fn directories(base: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(base) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

async fn read(host: &Host, dir: &Path) -> Result<Found, String> {
    let name = dir
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let id: InvocationId = name
        .parse()
        .map_err(|_| "no invocation directory".to_owned())?;
    let record = records::read_invocation(dir).map_err(|error| error.to_string())?;
    if record.invocation != id {
        return Err(format!(
            "records another invocation ({})",
            record.invocation
        ));
    }
    let oom_killed = cgroup(host, &record).oom_kills().unwrap_or(0) > 0;
    match greet(dir, &record).await {
        Ok((link, pidfd, state)) => Ok(Found {
            record,
            state: HelperState {
                oom_killed,
                ..state
            },
            dir: dir.to_owned(),
            alive: Some((link, pidfd)),
        }),
        Err(why) => {
            let unit = record.unit.as_str();
            tracing::warn!(unit, invocation = %id, "{unit}: its helper is gone ({why})");
            // Without a state it had not begun to run anything.
            let state = records::read_state(dir)
                .unwrap_or_else(|_| HelperState::new(id, record.unit.clone()));
            Ok(Found {
                record,
                state: HelperState {
                    oom_killed,
                    ..state
                },
                dir: dir.to_owned(),
                alive: None,
            })
        }
    }
}

async fn greet(
    dir: &Path,
    record: &InvocationRecord,
) -> Result<(Link, OwnedFd, HelperState), NotAlive> {
    let opened = gitproc_sys::file::open_dir(dir)?;
    // Connecting does not block: the helper's backlog is never full.
    let stream = gitproc_sys::socket::connect_at(opened.as_fd(), CONTROL_SOCKET)?;
    let peer = gitproc_sys::socket::peer(stream.as_fd())?;
    let pidfd = gitproc_sys::pidfd::open(peer.pid)?;
    let mut link = Link::new(stream)?;
    // The pidfd was there before the hello came, so it is the process that sent it.
    let hello = tokio::time::timeout(HELLO_TIMEOUT, link.next())
        .await
        .map_err(|_| NotAlive::Deaf)??;
    let Some(FromHelper::Hello { state, .. }) = hello else {
        return Err(NotAlive::Foreign(
            "its first message is no hello".to_owned(),
        ));
    };
    if state.invocation != record.invocation || state.unit != record.unit {
        let who = format!("invocation {} of {}", state.invocation, state.unit);
        return Err(NotAlive::Foreign(who));
    }
    let found = cgroup_of(peer.pid);
    if let (Some(expected), Some(found)) = (&record.cgroup, found)
        && !found.ends_with(&format!("{expected}/shim"))
    {
        return Err(NotAlive::Foreign(format!("it is in cgroup {found}")));
    }
    Ok((link, pidfd, state))
}

/// The cgroup that it was made in, also when this daemon would make it elsewhere (it was started by
/// hand, say, and the last one by systemd).
pub fn cgroup(host: &Host, record: &InvocationRecord) -> UnitCgroup {
    let (instance, unit) = (&host.layout.instance, record.unit.as_str());
    let slices = slices::path(record.slice.as_ref());
    let slices: Vec<&str> = slices.iter().map(UnitName::as_str).collect();
    match &record.cgroup {
        Some(path) => host.cgroups.unit_at(path, instance, &slices, unit),
        None => host.cgroups.unit(instance, &slices, unit),
    }
}

/// v2 path of a process.
fn cgroup_of(pid: u32) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("0::"))
        .map(str::to_owned)
}

impl Found {
    /// What belongs to it. `unit` is the definition, as far as it could be read again.
    fn belongings(&self, host: &Host, unit: Option<&Arc<Unit>>) -> Belongings {
        let service = unit.and_then(|unit| unit.service.as_deref());
        let preserve = service.map(|service| service.runtime_directory_preserve);
        Belongings {
            dir: self.dir.clone(),
            cgroup: cgroup(host, &self.record),
            slice: self.record.slice.clone(),
            invocation: self.record.invocation,
            tmp_of: self.record.tmp_of.unwrap_or(self.record.invocation),
            credentials: unit.and_then(|unit| credentials(host, unit)),
            // Name services may be slow: they are asked only where it matters.
            ipc_of: unit.and_then(|unit| {
                if !unit.settings.is_true(Exec, "RemoveIPC") {
                    return None;
                }
                let dynamic = unit.settings.is_true(Exec, "DynamicUser");
                let users = dynamic.then_some(&host.dynamic_users);
                let identity = identity::resolve(service?, users).ok()?;
                ipc_of(unit, identity.ids.as_ref())
            }),
            runtime_directories: unit
                .map(|unit| runtime_directories(host, unit))
                .unwrap_or_default(),
            preserve: preserve.unwrap_or_default(),
        }
    }

    /// Others may join it, if it lives. To be called of all before one is settled, so that what two
    /// share stays when one of them has died.
    pub fn enter(&self, host: &Host, unit: Option<&Arc<Unit>>) {
        let (invocation, tmp_of) = (self.record.invocation, self.record.tmp_of);
        if let (Some((_, pidfd)), Some(unit)) = (&self.alive, unit) {
            let tmp = tmp_of.unwrap_or(invocation);
            host.commons.adopt(invocation, unit, pidfd.as_fd(), tmp);
        }
    }

    /// For the driver; for a dead helper `None`, and nothing but its directory is left then.
    pub fn settle(self, host: &Host, unit: Option<&Arc<Unit>>) -> Option<Adopted> {
        let belongings = self.belongings(host, unit);
        match self.alive {
            Some((link, pidfd)) => Some(Adopted {
                unit: self.record.unit,
                belongings,
                link,
                pidfd,
                told: Told::adopted(&self.state),
            }),
            None => {
                for problem in cleanup::clean(
                    &host.commons,
                    &belongings,
                    belongings.preserve != Preserve::No,
                ) {
                    let unit = self.record.unit.as_str();
                    tracing::error!(unit, "{unit}: {problem}, ignoring");
                }
                None
            }
        }
    }
}
