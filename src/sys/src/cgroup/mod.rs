//! Control groups of the instance: `<base>/<instance>/<unit>/{shim,payload}` in v2, and
//! `<controller>/<instance>/<unit>` in v1 for controllers that v2 does not have here.
//!
//! v2 tracks and kills; it also limits where it has controllers. Where it has none (hybrid hosts)
//! the v1 hierarchies limit. What nobody can limit is told, never skipped in silence.
mod detect;
mod leaf;
mod limits;
mod memory_events;
mod tree;
mod v1;

pub use leaf::{UnitCgroup, Usage};
pub use limits::{GroupFile, Limits};
pub use memory_events::MemoryEvents;

use crate::error::{Context, Error, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A controller that gitproc sets limits with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Controller {
    Memory,
    Cpu,
    Pids,
    Io,
    Cpuset,
}

impl Controller {
    /// Those that every host is expected to have.
    pub const ALL: [Controller; 3] = [Controller::Memory, Controller::Cpu, Controller::Pids];

    /// Those that only some directives need, and that only v2 serves here.
    pub const RARE: [Controller; 2] = [Controller::Io, Controller::Cpuset];

    /// The controller of a file such as `cpu.weight`.
    pub fn of_file(file: &str) -> Option<Controller> {
        let name = file.split('.').next()?;
        let mut all = Controller::ALL.into_iter().chain(Controller::RARE);
        all.find(|controller| controller.name() == name)
    }

    /// The kernel's name.
    pub const fn name(self) -> &'static str {
        match self {
            Controller::Memory => "memory",
            Controller::Cpu => "cpu",
            Controller::Pids => "pids",
            Controller::Io => "io",
            Controller::Cpuset => "cpuset",
        }
    }
}

/// Where this process may make cgroups.
#[derive(Debug, Clone)]
pub struct Hierarchy {
    /// v2 directory below which instances live; `None`: no v2 for us.
    base: Option<PathBuf>,
    /// Mount point of v2.
    mount: PathBuf,
    /// Controllers that v2 can give to children of `base`.
    v2: BTreeSet<Controller>,
    v1: v1::Mounts,
    /// Why there is no tracking cgroup.
    reason: Option<String>,
    /// Why controllers that exist could not be enabled.
    refused: Option<String>,
}

impl Hierarchy {
    /// Looks at what this host and this user have. Never fails: a host without cgroups has a
    /// hierarchy without them, and [`Hierarchy::missing`] says so.
    pub fn detect() -> Hierarchy {
        detect::detect(None).unwrap_or_else(|error| Hierarchy::none(error.in_full()))
    }

    /// The same, with instances below the v2 cgroup `home`, which has to exist. A path below the
    /// mount, as in `/proc/PID/cgroup`: one that lives on when the cgroup of this process ends.
    pub fn detect_below(home: &str) -> Hierarchy {
        detect::detect(Some(home)).unwrap_or_else(|error| Hierarchy::none(error.in_full()))
    }

    /// No cgroups at all, for the reason given.
    pub fn none(reason: impl Into<String>) -> Hierarchy {
        Hierarchy {
            base: None,
            mount: PathBuf::new(),
            v2: BTreeSet::new(),
            v1: v1::Mounts::default(),
            reason: Some(reason.into()),
            refused: None,
        }
    }

    /// Whether services are tracked and killed by a v2 cgroup; the error says why not.
    pub fn tracking(&self) -> std::result::Result<&Path, &str> {
        match (&self.base, &self.reason) {
            (Some(base), _) => Ok(base),
            (None, reason) => Err(reason.as_deref().unwrap_or("there is no cgroup2 mount")),
        }
    }

    /// What cannot be had here, in words; empty on a host with everything.
    pub fn missing(&self) -> Vec<String> {
        let mut missing: Vec<_> = self
            .tracking()
            .err()
            .map(|reason| format!("no cgroup to track and kill services by: {reason}"))
            .into_iter()
            .collect();
        let why = self
            .refused
            .as_deref()
            .map(|why| format!(" ({why})"))
            .unwrap_or_default();
        missing.extend(
            Controller::ALL
                .into_iter()
                .filter(|controller| !self.v2.contains(controller) && !self.v1.has(*controller))
                .map(|controller| format!("no {} controller{why}", controller.name())),
        );
        missing
    }

    /// Controllers that come from v1, because v2 has none.
    pub fn legacy(&self) -> Vec<Controller> {
        let legacy =
            |controller: &Controller| !self.v2.contains(controller) && self.v1.has(*controller);
        Controller::ALL.into_iter().filter(legacy).collect()
    }

    /// Whether a controller can be had, from v2 or from v1.
    pub fn has(&self, controller: Controller) -> bool {
        self.v2.contains(&controller) || self.v1.has(controller)
    }

    /// The cgroup of a unit, whether it exists or not.
    pub fn unit(&self, instance: &str, unit: &str) -> UnitCgroup {
        let name = escape(unit);
        UnitCgroup {
            v2: self
                .base
                .as_ref()
                .map(|base| base.join(instance).join(&name)),
            mount: self.mount.clone(),
            v1: self.v1.unit(instance, &name, &self.v2),
        }
    }

    /// The cgroup of a unit that was made where [`UnitCgroup::path`] was `path`: by an earlier
    /// daemon, which may have had another base.
    pub fn unit_at(&self, path: &str, instance: &str, unit: &str) -> UnitCgroup {
        let group = self.unit(instance, unit);
        match self.mount.as_os_str().is_empty() {
            true => group,
            false => UnitCgroup {
                v2: Some(self.mount.join(path.trim_start_matches('/'))),
                ..group
            },
        }
    }

    /// Makes the cgroup of a unit, with `limits` on its payload. The strings tell which limits
    /// could not be applied and why. Fails when something still lives in an older one.
    pub fn create(
        &self,
        instance: &str,
        unit: &str,
        limits: &Limits,
    ) -> Result<(UnitCgroup, Vec<String>)> {
        let group = self.unit(instance, unit);
        // One that is left over has the limits of another life.
        group.remove()?;
        if let (Some(base), Some(dir)) = (&self.base, &group.v2) {
            let parent = base.join(instance);
            for dir in [&parent, dir, &dir.join("shim"), &dir.join("payload")] {
                make_dir(dir)?;
            }
            for level in [&parent, dir] {
                for controller in &self.v2 {
                    enable(level, *controller)?;
                }
            }
        }
        for dir in group.v1.dirs() {
            std::fs::create_dir_all(dir).context("make cgroup", dir.display())?;
        }
        let unapplied = limits.apply(&group, &self.v2);
        Ok((group, unapplied))
    }

    /// Kills and removes every cgroup of the instance that belongs to none of the units in `keep`:
    /// what a daemon left that died before it had recorded anything.
    pub fn remove_strays(&self, instance: &str, keep: &[&str]) -> Result<()> {
        let kept: BTreeSet<String> = keep.iter().map(|unit| escape(unit)).collect();
        for unit in self.units(instance).difference(&kept) {
            let group = UnitCgroup {
                v2: self
                    .base
                    .as_ref()
                    .map(|base| base.join(instance).join(unit)),
                mount: self.mount.clone(),
                v1: self.v1.unit(instance, unit, &BTreeSet::new()),
            };
            group.kill()?;
            group.remove()?;
        }
        Ok(())
    }

    /// Kills and removes every cgroup of the instance: for tests, demos, and the end of
    /// `shutdown`.
    pub fn remove_instance(&self, instance: &str) -> Result<()> {
        for unit in self.units(instance) {
            // Unit names in cgroup form escape to themselves once more only if they begin with '_';
            // so the directories are addressed as they are.
            let group = UnitCgroup {
                v2: self
                    .base
                    .as_ref()
                    .map(|base| base.join(instance).join(&unit)),
                mount: self.mount.clone(),
                v1: self.v1.unit(instance, &unit, &BTreeSet::new()),
            };
            group.kill()?;
            group.remove()?;
        }
        let v2 = self.base.iter().map(|base| base.join(instance));
        for dir in v2.chain(self.v1.instance_dirs(instance)) {
            tree::remove(&dir)?;
        }
        Ok(())
    }

    /// Names of the unit directories that exist, as they are escaped.
    fn units(&self, instance: &str) -> BTreeSet<String> {
        let v2 = self.base.iter().map(|base| base.join(instance));
        v2.chain(self.v1.instance_dirs(instance))
            .filter_map(|dir| std::fs::read_dir(dir).ok())
            .flatten()
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect()
    }
}

/// Moves this process into a leaf of its v2 cgroup. While it lives there, that cgroup stays, and can
/// give controllers to its children. Returns the path of that cgroup below the mount.
pub fn hold() -> Result<PathBuf> {
    detect::hold()
}

fn make_dir(dir: &Path) -> Result<()> {
    match std::fs::create_dir(dir) {
        Err(cause) if cause.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Error::new("make cgroup", dir.display(), cause))
        }
        _ => Ok(()),
    }
}

/// Gives a controller to the children of `dir`.
fn enable(dir: &Path, controller: Controller) -> Result<()> {
    let file = dir.join("cgroup.subtree_control");
    std::fs::write(&file, format!("+{}", controller.name())).context("write", file.display())
}

/// A unit name as a directory name that can't clash with the kernel's own files (systemd's rule).
fn escape(unit: &str) -> String {
    const RESERVED: [&str; 3] = ["notify_on_release", "release_agent", "tasks"];
    const PREFIXES: [&str; 16] = [
        "cgroup.",
        "cpu.",
        "cpuacct.",
        "cpuset.",
        "io.",
        "blkio.",
        "memory.",
        "devices.",
        "pids.",
        "hugetlb.",
        "rdma.",
        "misc.",
        "freezer.",
        "net_cls.",
        "net_prio.",
        "perf_event.",
    ];
    let clashes = unit.starts_with(['_', '.'])
        || RESERVED.contains(&unit)
        || PREFIXES.iter().any(|prefix| unit.starts_with(prefix));
    if clashes {
        format!("_{unit}")
    } else {
        unit.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_kernel_files_are_escaped() {
        for (unit, directory) in [
            ("web.service", "web.service"),
            ("memory.service", "_memory.service"),
            ("_x.service", "__x.service"),
            ("a@b\\x2dc.service", "a@b\\x2dc.service"),
        ] {
            assert_eq!(escape(unit), directory);
        }
    }

    #[test]
    fn without_cgroups_everything_is_missing_and_nothing_fails() {
        let none = Hierarchy::none("for a test");
        assert_eq!(none.missing().len(), 4);
        let limits = Limits {
            memory_max: Some(1 << 20),
            ..Limits::default()
        };
        let (group, unapplied) = none
            .create("i", "u.service", &limits)
            .expect("nothing to make");
        assert_eq!(unapplied.len(), 1, "{unapplied:?}");
        assert!(group.payload_fd().expect("nothing to open").is_none());
        group.kill().expect("nothing to kill");
        group.remove().expect("nothing to remove");
    }
}
