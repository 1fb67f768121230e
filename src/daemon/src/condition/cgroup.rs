//! Which cgroup controllers this host has.
use super::{Unjudged, files};
use nix::sys::statfs::{CGROUP2_SUPER_MAGIC, FsType, TMPFS_MAGIC, statfs};

const MOUNT: &str = "/sys/fs/cgroup";

/// Names that a unit may use, and in which hierarchies systemd looks for them: v2, v1. The `bpf-`
/// ones are no controllers of the kernel.
const CONTROLLERS: [(&str, bool, bool); 12] = [
    ("cpu", true, true),
    ("cpuacct", false, true),
    ("cpuset", true, false),
    ("io", true, false),
    ("blkio", false, true),
    ("memory", true, true),
    ("devices", false, true),
    ("pids", true, true),
    ("bpf-firewall", false, false),
    ("bpf-devices", false, false),
    ("bpf-foreign", false, false),
    ("bpf-socket-bind", false, false),
];

/// `v2`, `v1`, or names of controllers, all of which have to be there. Unknown names are passed
/// over, and of unknown names alone nothing is asked, as in systemd.
pub fn controllers(parameter: &str) -> Result<bool, Unjudged> {
    match parameter {
        "v2" => is_unified(),
        "v1" => Ok(!is_unified()?),
        names => {
            let wanted = CONTROLLERS
                .iter()
                .filter(|(known, ..)| names.split_whitespace().any(|name| name == *known));
            let there = available()?;
            Ok(wanted
                .map(|(name, ..)| *name)
                .all(|name| there.contains(&name)))
        }
    }
}

/// Everything is in one v2 hierarchy.
pub fn is_unified() -> Result<bool, Unjudged> {
    let found = statfs(MOUNT).map_err(|errno| Unjudged::new(format!("{MOUNT}: {errno}")))?;
    match found.filesystem_type() {
        CGROUP2_SUPER_MAGIC => Ok(true),
        TMPFS_MAGIC => Ok(false),
        FsType(_) => Err(Unjudged::new(format!("no cgroups are mounted at {MOUNT}"))),
    }
}

/// Controllers that the host can give.
pub fn available() -> Result<Vec<&'static str>, Unjudged> {
    let unified = is_unified()?;
    let listed = match unified {
        true => files::required(&format!("{}/cgroup.controllers", root()))?.unwrap_or_default(),
        false => String::new(),
    };
    let is_there = |(name, v2, v1): &(&'static str, bool, bool)| {
        let there = match unified {
            true => *v2 && listed.split_whitespace().any(|word| word == *name),
            false => *v1 && files::exist(format!("{MOUNT}/{name}")),
        };
        there.then_some(*name)
    };
    Ok(CONTROLLERS.iter().filter_map(is_there).collect())
}

/// The directory of the v2 root, as far as the first process of the host sees it.
pub fn root() -> String {
    let text = files::bytes("/proc/1/cgroup").unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let own = text.lines().find_map(|line| line.strip_prefix("0::"));
    let own = own.unwrap_or_default().trim_end_matches('/');
    let own = own.strip_suffix("/init.scope").unwrap_or(own);
    format!("{MOUNT}{own}")
}
