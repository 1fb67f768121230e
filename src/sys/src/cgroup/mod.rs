//! Control groups of the instance: `<base>/<instance>/<slices>/<unit>/{shim,payload}` in v2, and
//! `<controller>/<instance>/<slices>/<unit>` in v1 for controllers that v2 does not have here.
//!
//! v2 tracks and kills; it also limits where it has controllers. Where it has none (hybrid hosts)
//! the v1 hierarchies limit. What nobody can limit is told, never skipped in silence.
mod delegate;
mod detect;
mod leaf;
mod limits;
mod memory_events;
mod slice;
mod tree;
mod v1;

pub use delegate::CONTROL;
pub use leaf::{UnitCgroup, Usage};
pub use limits::{GroupFile, Limits};
pub use memory_events::MemoryEvents;
pub use slice::SliceGroup;

use crate::error::{Context, Error, Result};
use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
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

    /// Whether v2 has a controller of this name for services.
    pub fn gives(&self, controller: &str) -> bool {
        self.v2.iter().any(|given| given.name() == controller)
    }

    /// The cgroup of a unit, whether it exists or not. `slices` are those that it is in, from the
    /// outermost on.
    pub fn unit(&self, instance: &str, slices: &[&str], unit: &str) -> UnitCgroup {
        self.at(instance, &place(slices).join(escape(unit)), &self.v2)
    }

    /// The cgroup of a unit that was made where [`UnitCgroup::path`] was `path`: by an earlier
    /// daemon, which may have had another base.
    pub fn unit_at(&self, path: &str, instance: &str, slices: &[&str], unit: &str) -> UnitCgroup {
        let group = self.unit(instance, slices, unit);
        match self.mount.as_os_str().is_empty() {
            true => group,
            false => UnitCgroup {
                v2: Some(self.mount.join(path.trim_start_matches('/'))),
                ..group
            },
        }
    }

    /// A unit's cgroup by its place in the instance; in v1 with what `v2` lacks.
    fn at(&self, instance: &str, place: &Path, v2: &BTreeSet<Controller>) -> UnitCgroup {
        UnitCgroup {
            v2: self
                .base
                .as_ref()
                .map(|base| base.join(instance).join(place)),
            mount: self.mount.clone(),
            v1: self.v1.unit(instance, place, v2),
        }
    }

    /// Makes the cgroup of a unit, with `limits` on its payload, and its slices with theirs. The
    /// strings tell which limits could not be applied and why. Fails when something still lives in
    /// an older one.
    pub fn create(
        &self,
        instance: &str,
        slices: &[SliceGroup],
        unit: &str,
        limits: &Limits,
    ) -> Result<(UnitCgroup, Vec<String>)> {
        let names: Vec<&str> = slices.iter().map(|slice| slice.name.as_str()).collect();
        let group = self.unit(instance, &names, unit);
        // One that is left over has the limits of another life.
        group.remove()?;
        let mut unapplied = self.make(instance, slices, &group)?;
        unapplied.extend(limits.apply(group.payload().as_deref(), &group.v1, &self.v2));
        Ok((group, unapplied))
    }

    /// Makes the directories. A slice goes with its last unit, which may be just now: then it is
    /// made again.
    fn make(
        &self,
        instance: &str,
        slices: &[SliceGroup],
        group: &UnitCgroup,
    ) -> Result<Vec<String>> {
        const ATTEMPTS: usize = 100;
        let mut attempt = 0;
        loop {
            match self.try_to_make(instance, slices, group) {
                Err(error) if error.errno() == libc::ENOENT && attempt < ATTEMPTS => attempt += 1,
                done => return done,
            }
        }
    }

    fn try_to_make(
        &self,
        instance: &str,
        slices: &[SliceGroup],
        group: &UnitCgroup,
    ) -> Result<Vec<String>> {
        if let Some(base) = &self.base {
            self.make_level(&base.join(instance))?;
        }
        for dir in self.v1.instance_dirs(instance) {
            make_dir(&dir)?;
        }
        let mut unapplied = Vec::new();
        let mut inner = PathBuf::new();
        for slice in slices {
            inner.push(escape(&slice.name));
            let at = self.at(instance, &inner, &self.v2);
            if let Some(dir) = &at.v2 {
                self.make_level(dir)?;
            }
            for dir in at.v1.dirs() {
                make_dir(dir)?;
            }
            let lacking = slice.limits.apply(at.v2.as_deref(), &at.v1, &self.v2);
            unapplied.extend(lacking.iter().map(|why| format!("{}: {why}", slice.name)));
        }
        if let Some(dir) = &group.v2 {
            self.make_level(dir)?;
            for leaf in leaf::LEAVES {
                make_dir(&dir.join(leaf))?;
            }
        }
        for dir in group.v1.dirs() {
            make_dir(dir)?;
        }
        Ok(unapplied)
    }

    /// A directory of v2 that gives its controllers on.
    fn make_level(&self, dir: &Path) -> Result<()> {
        make_dir(dir)?;
        self.v2
            .iter()
            .try_for_each(|controller| enable(dir, *controller))
    }

    /// A cgroup of the instance for processes that belong to no unit; `None` without v2. `name` must
    /// be no unit's.
    pub fn beside(&self, instance: &str, name: &str) -> Result<Option<OwnedFd>> {
        let Some(base) = &self.base else {
            return Ok(None);
        };
        let top = base.join(instance);
        let dir = top.join(name);
        self.make_level(&top)?;
        make_dir(&dir)?;
        crate::file::open_dir(&dir).map(Some)
    }

    /// Kills and removes every cgroup of the instance that belongs to none of the units in `keep`:
    /// what a daemon left that died before it had recorded anything.
    pub fn remove_strays(&self, instance: &str, keep: &[&str]) -> Result<()> {
        let kept: BTreeSet<String> = keep.iter().map(|unit| escape(unit)).collect();
        let is_kept = |place: &Path| {
            let name = place.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| kept.contains(name))
        };
        for place in self.places(instance) {
            if !is_kept(&place) {
                let group = self.at(instance, &place, &BTreeSet::new());
                group.kill()?;
                group.remove()?;
            }
        }
        Ok(())
    }

    /// Kills and removes every cgroup of the instance: for tests, demos, and the end of
    /// `shutdown`.
    pub fn remove_instance(&self, instance: &str) -> Result<()> {
        self.remove_strays(instance, &[])?;
        let v2 = self.base.iter().map(|base| base.join(instance));
        for dir in v2.chain(self.v1.instance_dirs(instance)) {
            tree::remove(&dir)?;
        }
        Ok(())
    }

    /// Where the units lie that have directories, below the instance.
    fn places(&self, instance: &str) -> BTreeSet<PathBuf> {
        let v2 = self.base.iter().map(|base| base.join(instance));
        let mut places = BTreeSet::new();
        for top in v2.chain(self.v1.instance_dirs(instance)) {
            units_below(&top, Path::new(""), &mut places);
        }
        places
    }
}

/// Where the slices nest.
fn place(slices: &[&str]) -> PathBuf {
    slices.iter().map(|slice| escape(slice)).collect()
}

fn is_slice(dir: &Path) -> bool {
    dir.extension().is_some_and(|kind| kind == "slice")
}

fn units_below(top: &Path, place: &Path, found: &mut BTreeSet<PathBuf>) {
    let entries = std::fs::read_dir(top.join(place)).into_iter().flatten();
    for entry in entries.flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let inner = place.join(entry.file_name());
        match is_slice(&inner) {
            true => units_below(top, &inner, found),
            false => _ = found.insert(inner),
        }
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
            .create("i", &[], "u.service", &limits)
            .expect("nothing to make");
        assert_eq!(unapplied.len(), 1, "{unapplied:?}");
        assert!(group.payload_fd().expect("nothing to open").is_none());
        group.kill().expect("nothing to kill");
        group.remove().expect("nothing to remove");
    }
}
