//! The v1 hierarchies, for controllers that v2 does not have on this host, through cgroups-rs.
//!
//! Its `Cgroup` wants every mounted controller and the fixed root /sys/fs/cgroup; the controllers
//! by themselves take any directory, so those are used (docs/decisions/0003-cgroups-rs.md).
use super::Controller;
use super::detect::Mount;
use super::limits::{CpuMax, Limits};
use cgroups_rs::MaxValue;
use cgroups_rs::cpu::CpuController;
use cgroups_rs::memory::MemController;
use cgroups_rs::pid::PidController;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Mount points by controller.
#[derive(Debug, Clone, Default)]
pub(super) struct Mounts {
    memory: Option<PathBuf>,
    cpu: Option<PathBuf>,
    cpuacct: Option<PathBuf>,
    pids: Option<PathBuf>,
}

/// Directories of one unit.
#[derive(Debug, Clone, Default)]
pub(super) struct Dirs {
    pub(super) memory: Option<PathBuf>,
    pub(super) cpu: Option<PathBuf>,
    pub(super) cpuacct: Option<PathBuf>,
    pub(super) pids: Option<PathBuf>,
}

impl Mounts {
    /// Of the mounted v1 hierarchies, those that this user may make directories in.
    pub(super) fn from_mounts(mounts: &[Mount]) -> Mounts {
        let find = |name: &str| {
            let is = |mount: &&Mount| {
                mount.kind == "cgroup" && mount.options.iter().any(|option| option == name)
            };
            let writable = |point: &PathBuf| {
                nix::unistd::access(point, nix::unistd::AccessFlags::W_OK).is_ok()
            };
            mounts
                .iter()
                .find(is)
                .map(|mount| mount.point.clone())
                .filter(writable)
        };
        Mounts {
            memory: find("memory"),
            cpu: find("cpu"),
            cpuacct: find("cpuacct"),
            pids: find("pids"),
        }
    }

    pub(super) fn has(&self, controller: Controller) -> bool {
        match controller {
            Controller::Memory => self.memory.is_some(),
            Controller::Cpu => self.cpu.is_some(),
            Controller::Pids => self.pids.is_some(),
            Controller::Io | Controller::Cpuset => false,
        }
    }

    /// Of a unit, for the controllers that `v2` lacks.
    pub(super) fn unit(&self, instance: &str, place: &Path, v2: &BTreeSet<Controller>) -> Dirs {
        let dir = |mount: &Option<PathBuf>, controller: Controller| {
            let mount = mount.as_ref().filter(|_| !v2.contains(&controller))?;
            Some(mount.join(instance).join(place))
        };
        Dirs {
            memory: dir(&self.memory, Controller::Memory),
            cpu: dir(&self.cpu, Controller::Cpu),
            cpuacct: dir(&self.cpuacct, Controller::Cpu),
            pids: dir(&self.pids, Controller::Pids),
        }
    }

    pub(super) fn instance_dirs(&self, instance: &str) -> BTreeSet<PathBuf> {
        [&self.memory, &self.cpu, &self.cpuacct, &self.pids]
            .into_iter()
            .flatten()
            .map(|mount| mount.join(instance))
            .collect()
    }
}

impl Dirs {
    /// Each directory once: cpu and cpuacct are often mounted together.
    pub(super) fn dirs(&self) -> BTreeSet<&Path> {
        [&self.memory, &self.cpu, &self.cpuacct, &self.pids]
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
            .collect()
    }

    pub(super) fn set_memory_max(&self, bytes: u64) -> Option<Result<(), String>> {
        let dir = self.memory.as_ref()?;
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        Some(
            MemController::new(dir.clone(), false)
                .set_limit(bytes)
                .map_err(|e| said(&e)),
        )
    }

    pub(super) fn set_cpu_max(&self, max: CpuMax) -> Option<Result<(), String>> {
        let controller = CpuController::new(self.cpu.clone()?, false);
        // -1: none.
        let quota = max
            .quota_us
            .map_or(-1, |us| i64::try_from(us).unwrap_or(i64::MAX));
        let set = controller
            .set_cfs_period(max.period_us)
            .and_then(|()| controller.set_cfs_quota(quota));
        Some(set.map_err(|e| said(&e)))
    }

    /// `None`: no limit.
    pub(super) fn set_tasks_max(&self, tasks: Option<u64>) -> Option<Result<(), String>> {
        let controller = PidController::new(self.pids.clone()?, false);
        let tasks = tasks.and_then(|tasks| i64::try_from(tasks).ok());
        let tasks = tasks.map_or(MaxValue::Max, MaxValue::Value);
        Some(controller.set_pid_max(tasks).map_err(|e| said(&e)))
    }

    /// Bytes now, bytes at most.
    pub(super) fn memory(&self) -> Option<(u64, u64)> {
        let dir = self.memory.as_ref()?;
        // `memory_stat` of cgroups-rs reads 20 files for these two.
        let now = number(&dir.join("memory.usage_in_bytes"))?;
        let peak = number(&dir.join("memory.max_usage_in_bytes"))?;
        Some((now, peak))
    }

    /// Kills for want of memory.
    pub(super) fn oom_kills(&self) -> Option<u64> {
        let path = self.memory.as_ref()?.join("memory.oom_control");
        let text = std::fs::read_to_string(path).ok()?;
        super::leaf::keyed(&text, "oom_kill")
    }

    /// ns of CPU.
    pub(super) fn cpu_usage_ns(&self) -> Option<u64> {
        number(&self.cpuacct.as_ref()?.join("cpuacct.usage"))
    }

    pub(super) fn tasks(&self) -> Option<u64> {
        PidController::new(self.pids.clone()?, false)
            .get_pid_current()
            .ok()
    }
}

fn number(path: &Path) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Used where a limit is asked for that v1 does not know.
pub(super) fn no_memory_high(limits: &Limits) -> Option<String> {
    limits
        .memory_high
        .map(|_| "MemoryHigh: the v1 memory controller has no such limit".to_owned())
}

fn said(error: &cgroups_rs::error::Error) -> String {
    use std::error::Error;
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
