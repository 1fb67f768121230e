//! Slices: groups of units with limits of their own, changed while units live in them.
use super::limits::UNLIMITED;
use super::{Controller, GroupFile, Hierarchy, Limits, place};
use std::path::Path;

/// A slice and its limits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SliceGroup {
    /// Unit name: `a-b.slice`.
    pub name: String,
    /// Of all its units together.
    pub limits: Limits,
}

/// What the files of a group say while nobody has said anything, as far as limits write them.
const UNSET: [(&str, &str); 6] = [
    // Idle groups have no weight, so this is the first.
    ("cpu.idle", "0"),
    ("cpu.weight", "100"),
    ("memory.min", "0"),
    ("memory.low", "0"),
    ("memory.swap.max", "max"),
    ("io.weight", "default 100"),
];

/// Sets that are empty then, which a group with processes in it may not become: it gets all that the
/// group around it has.
const UNSET_SETS: [&str; 2] = ["cpuset.cpus", "cpuset.mems"];

/// The same for each disk that the file names.
const UNSET_DISKS: [(&str, &str); 2] = [
    ("io.max", "rbps=max wbps=max riops=max wiops=max"),
    ("io.latency", "target=0"),
];

impl Hierarchy {
    /// Gives a slice the limits that hold from now on, in place of those that it had. `path` are the
    /// slices from the outermost to itself. Nothing is done where it does not exist: it is made with
    /// its first unit. The strings tell which limits could not be applied and why.
    pub fn limit_slice(&self, instance: &str, path: &[&str], limits: &Limits) -> Vec<String> {
        let group = self.at(instance, &place(path), &self.v2);
        let exists = |dir: &Path| dir.is_dir();
        let any_v1 = group.v1.dirs().into_iter().any(exists);
        if !any_v1 && !group.v2.as_deref().is_some_and(exists) {
            return Vec::new();
        }
        if let Some(dir) = &group.v2 {
            unset(dir, &limits.files);
        }
        let has = |controller| self.has(controller);
        let or_none = |limit: Option<u64>, controller| match has(controller) {
            true => limit.or(Some(UNLIMITED)),
            false => limit,
        };
        let whole = Limits {
            memory_max: or_none(limits.memory_max, Controller::Memory),
            // v1 knows no such limit: there is none to take back.
            memory_high: match self.v2.contains(&Controller::Memory) {
                true => limits.memory_high.or(Some(UNLIMITED)),
                false => limits.memory_high,
            },
            cpu_quota_per_sec_us: or_none(limits.cpu_quota_per_sec_us, Controller::Cpu),
            tasks_max: or_none(limits.tasks_max, Controller::Pids),
            ..limits.clone()
        };
        whole.apply(group.v2.as_deref(), &group.v1, &self.v2)
    }
}

/// Takes back what `wanted` does not say. Files that this kernel does not have say nothing.
fn unset(dir: &Path, wanted: &[GroupFile]) {
    let said = |file: &str| wanted.iter().any(|line| line.file == file);
    for (file, text) in UNSET {
        if !said(file) {
            let _ = std::fs::write(dir.join(file), text);
        }
    }
    for file in UNSET_SETS.into_iter().filter(|file| !said(file)) {
        let around = dir.with_file_name(format!("{file}.effective"));
        if std::fs::write(dir.join(file), "\n").is_err()
            && let Ok(all) = std::fs::read_to_string(around)
        {
            let _ = std::fs::write(dir.join(file), all);
        }
    }
    for (file, text) in UNSET_DISKS {
        let now = std::fs::read_to_string(dir.join(file)).unwrap_or_default();
        for disk in now.lines().filter_map(|line| line.split(' ').next()) {
            let _ = std::fs::write(dir.join(file), format!("{disk} {text}"));
        }
    }
    // Weights of disks are lines beside the default.
    let weights = std::fs::read_to_string(dir.join("io.weight")).unwrap_or_default();
    for disk in weights.lines().filter_map(|line| line.split(' ').next()) {
        if disk != "default" {
            let _ = std::fs::write(dir.join("io.weight"), format!("{disk} default"));
        }
    }
}
