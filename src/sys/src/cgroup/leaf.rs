//! The cgroup of one unit: its descriptors, its use of the host, its processes, and its end.
use super::{MemoryEvents, is_slice, tree, v1};
use crate::error::{Context, Error, Result};
use crate::file;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Below a unit's v2 directory: its helper, and what it is a helper of.
pub(super) const LEAVES: [&str; 2] = ["shim", "payload"];

/// The cgroup of one unit, whether it exists or not.
#[derive(Debug, Clone)]
pub struct UnitCgroup {
    pub(super) v2: Option<PathBuf>,
    pub(super) mount: PathBuf,
    pub(super) v1: v1::Dirs,
}

/// What a service uses; `None` where nothing on this host counts it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes now.
    pub memory_current: Option<u64>,
    /// Bytes at most.
    pub memory_peak: Option<u64>,
    /// ns of CPU time.
    pub cpu_usage_ns: Option<u64>,
    /// Processes and threads now.
    pub tasks_current: Option<u64>,
}

impl UnitCgroup {
    pub(super) fn payload(&self) -> Option<PathBuf> {
        self.v2.as_ref().map(|dir| dir.join("payload"))
    }

    /// Path of the unit's v2 cgroup below the mount (`/gitproc/web.service`), as systemd shows it.
    pub fn path(&self) -> Option<String> {
        let below = self.v2.as_ref()?.strip_prefix(&self.mount).ok()?;
        Some(format!("/{}", below.display()))
    }

    /// The helper's leaf, for [`crate::spawn::HelperSpawn::cgroup`].
    pub fn shim_fd(&self) -> Result<Option<OwnedFd>> {
        self.v2
            .as_ref()
            .map(|dir| file::open_dir(&dir.join("shim")))
            .transpose()
    }

    /// The service's leaf.
    pub fn payload_fd(&self) -> Result<Option<OwnedFd>> {
        self.payload().map(|dir| file::open_dir(&dir)).transpose()
    }

    /// Files that each process of the service writes `0`, itself, into (v1). `tasks`, not
    /// `cgroup.procs`: for its one thread that is the same, but it waits for no RCU grace period,
    /// which is some 10 ms (cgroup_procs_write_start() of the kernel). The kernel gives groups of the
    /// v1 cpu controller no `realtime` budget, and would refuse such a policy there.
    pub fn join_files(&self, realtime: bool) -> Vec<String> {
        let file = |dir: &Path| dir.join("tasks").display().to_string();
        let cpu = self.v1.cpu.as_deref().filter(|_| realtime);
        let dirs = self.v1.dirs().into_iter();
        dirs.filter(|dir| Some(*dir) != cpu).map(file).collect()
    }

    /// What the service uses now.
    pub fn usage(&self) -> Usage {
        let read = |name: &str| std::fs::read_to_string(self.payload()?.join(name)).ok();
        let number = |name: &str| read(name)?.trim().parse::<u64>().ok();
        // Directories of v1 are there only for what v2 lacks. A file that is not there costs as much
        // as one that is.
        let (memory_current, memory_peak) = match &self.v1.memory {
            Some(_) => self.v1.memory().unzip(),
            None => (number("memory.current"), number("memory.peak")),
        };
        let cpu_usage_ns = match &self.v1.cpuacct {
            Some(_) => self.v1.cpu_usage_ns(),
            None => {
                read("cpu.stat").and_then(|text| keyed(&text, "usage_usec")?.checked_mul(1_000))
            }
        };
        let tasks_current = match &self.v1.pids {
            Some(_) => self.v1.tasks(),
            None => number("pids.current"),
        };
        Usage {
            memory_current,
            memory_peak,
            cpu_usage_ns,
            tasks_current,
        }
    }

    /// Processes that the kernel killed for want of memory; `None` where nobody counts them.
    pub fn oom_kills(&self) -> Option<u64> {
        if self.v1.memory.is_some() {
            return self.v1.oom_kills();
        }
        let text = std::fs::read_to_string(self.payload()?.join("memory.events")).ok()?;
        keyed(&text, "oom_kill")
    }

    /// The payload's `memory.events`; `None` where v2 has no memory controller.
    pub fn memory_events(&self) -> Result<Option<MemoryEvents>> {
        let path = self.payload().map(|dir| dir.join("memory.events"));
        path.filter(|path| path.exists())
            .map(|path| MemoryEvents::open(&path))
            .transpose()
    }

    /// Processes of the service, by the caller's numbers; to be shown.
    pub fn procs(&self) -> Vec<u32> {
        let payload = self.payload();
        let v1 = self.v1.dirs();
        let Some(dir) = payload.as_deref().or(v1.first().copied()) else {
            return Vec::new();
        };
        tree::procs(dir)
    }

    /// Whether anything lives in the v2 cgroup (helper included) or in a v1 directory.
    pub fn populated(&self) -> bool {
        let v2 = self.v2.as_ref().is_some_and(|dir| {
            let events = std::fs::read_to_string(dir.join("cgroup.events")).unwrap_or_default();
            keyed(&events, "populated") == Some(1)
        });
        v2 || self
            .v1
            .dirs()
            .into_iter()
            .any(|dir| !tree::procs(dir).is_empty())
    }

    /// The payload's `cgroup.events`; POLLPRI tells of a change. `None` without v2.
    pub fn events_file(&self) -> Result<Option<std::fs::File>> {
        let open = |dir: PathBuf| {
            let path = dir.join("cgroup.events");
            std::fs::File::open(&path).context("open", path.display())
        };
        self.payload().map(open).transpose()
    }

    /// SIGKILL to every process of the service, not to its helper.
    pub fn kill_payload(&self) -> Result<()> {
        self.kill_in(self.payload())
    }

    /// SIGKILL to every process of the unit, helper included.
    pub fn kill(&self) -> Result<()> {
        self.kill_in(self.v2.clone())
    }

    fn kill_in(&self, v2: Option<PathBuf>) -> Result<()> {
        if let Some(dir) = v2
            && dir.exists()
        {
            let path = dir.join("cgroup.kill");
            match std::fs::write(&path, "1") {
                Ok(()) => {}
                // Kernels before 5.14 have no such file. (Writing can't create one.)
                Err(cause)
                    if matches!(
                        cause.raw_os_error(),
                        Some(libc::ENOENT | libc::EACCES | libc::EPERM)
                    ) =>
                {
                    tree::kill(&dir)?;
                }
                Err(cause) => return Err(Error::new("write", path.display(), cause)),
            }
        }
        for dir in self.v1.dirs() {
            tree::kill(dir)?;
        }
        Ok(())
    }

    /// Kills what lives in it and removes it.
    pub fn destroy(&self) -> Result<()> {
        // Nearly always all is dead by now, and then there is nothing to look for.
        if self.remove_if_empty() {
            return Ok(());
        }
        let killed = self.kill();
        self.remove().and(killed)
    }

    /// Removes every directory, and the slices that are empty without it; it is no error when there
    /// are none. Waits a little for killed processes to be gone; fails when something lives on.
    pub fn remove(&self) -> Result<()> {
        if self.remove_if_empty() {
            return Ok(());
        }
        for dir in self.dirs() {
            tree::remove(dir)?;
            remove_slices(dir);
        }
        Ok(())
    }

    /// False, with something left, where anybody lives in it or has made groups of their own there.
    fn remove_if_empty(&self) -> bool {
        let is_gone = |dir: &Path| match std::fs::remove_dir(dir) {
            Ok(()) => true,
            Err(cause) => cause.kind() == std::io::ErrorKind::NotFound,
        };
        let leaves = self
            .v2
            .iter()
            .flat_map(|dir| LEAVES.map(|leaf| dir.join(leaf)));
        if !leaves.into_iter().all(|leaf| is_gone(&leaf)) || !self.dirs().all(is_gone) {
            return false;
        }
        self.dirs().for_each(remove_slices);
        true
    }

    fn dirs(&self) -> impl Iterator<Item = &Path> {
        self.v2.as_deref().into_iter().chain(self.v1.dirs())
    }
}

/// The slices around a unit's directory that are empty without it. The first that is still in use
/// keeps those around it.
fn remove_slices(dir: &Path) {
    let slices = dir.ancestors().skip(1).take_while(|dir| is_slice(dir));
    slices
        .map(std::fs::remove_dir)
        .take_while(|removed| removed.is_ok())
        .for_each(drop);
}

/// The number after `key` in a file of `key number` lines.
pub(super) fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(name, _)| *name == key)
        .and_then(|(_, number)| number.trim().parse().ok())
}
