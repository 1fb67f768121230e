//! `ProtectSystem=`, `PrivateTmp=`, `BindPaths=` and the like, as mounts in order.
//!
//! [`meant`] says which places each directive means, as systemd 252 does; here they are put in order,
//! and what makes no difference is left out.
mod meant;
#[cfg(test)]
mod tests;

use crate::InvocationId;
use crate::spec::{Credentials, DirectorySpec, Mount, MountKind, Mounts};
use gitproc_unit::Family::Exec;
use gitproc_unit::Unit;

/// MS_SHARED of mount(2): what services mount, their own children see.
const SHARED: u64 = 1 << 20;

/// Where the `PrivateTmp=` directories of an invocation lie, and where the service sees them.
pub fn private_directories(invocation: InvocationId) -> [(String, &'static str); 2] {
    ["/tmp", "/var/tmp"].map(|place| (format!("{place}/gitproc-private-{invocation}"), place))
}

/// The databases that name a dynamic user: the host's with one more line. In the invocation
/// directory, and where the service sees them.
pub const USER_DATABASES: [(&str, &str); 2] = [("passwd", "/etc/passwd"), ("group", "/etc/group")];

/// The mounts of the unit; `tmp` says whose `PrivateTmp=` directories it has; `databases` is where [`USER_DATABASES`] are, if it needs them.
pub(super) fn of(
    unit: &Unit,
    tmp: InvocationId,
    directories: &[DirectorySpec],
    credentials: Option<&Credentials>,
    databases: Option<&str>,
) -> Mounts {
    let settings = &unit.settings;
    let root = settings.text(Exec, "RootDirectory");
    let root = Some(root.to_owned()).filter(|root| !matches!(root.as_str(), "" | "/"));
    let flags = settings.number(Exec, "MountFlags");
    let mut mounts = meant::mounts(unit, tmp, directories, credentials, root.as_deref());
    // A root directory of its own has databases of its own.
    let databases = databases.filter(|_| root.is_none());
    mounts.extend(databases.into_iter().flat_map(meant::user_databases));
    let mounts = in_order(mounts);
    let private = settings.is_true(Exec, "PrivateMounts");
    Mounts {
        own: private || flags != 0 || root.is_some() || !mounts.is_empty(),
        root,
        mounts,
        propagation: if flags == 0 { SHARED } else { flags },
    }
}

/// Parents first; of what is said of one place, what takes precedence; nothing below what is
/// inaccessible, and nothing that the place above says anyway.
fn in_order(mut mounts: Vec<Mount>) -> Vec<Mount> {
    let parts = |path: &str| -> Vec<String> {
        let parts = path.split('/').filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    };
    mounts.sort_by(|a, b| (parts(&a.path), &a.kind).cmp(&(parts(&b.path), &b.kind)));
    let mut kept: Vec<Mount> = Vec::new();
    for mount in mounts {
        let same = |other: &Mount| other.path == mount.path && covers(&other.kind, &mount.kind);
        let hidden = |other: &Mount| {
            other.kind == MountKind::Inaccessible && is_below(&mount.path, &other.path)
        };
        if kept.iter().any(|other| same(other) || hidden(other)) {
            continue;
        }
        // What nothing restricts need not be spared.
        let restricted = kept
            .iter()
            .any(|other| other.kind == MountKind::ReadOnly && is_below(&mount.path, &other.path));
        if mount.kind == MountKind::Spared && !restricted {
            continue;
        }
        kept.push(mount);
    }
    kept
}

/// What is said of a place by `strong` leaves nothing to say for `weak`. Whether something may be
/// written, whether programs may be executed, and what is mounted are three questions.
fn covers(strong: &MountKind, weak: &MountKind) -> bool {
    #[derive(PartialEq)]
    enum Question {
        All,
        Mounted,
        Written,
        Executed,
    }
    let about = |kind: &MountKind| match kind {
        MountKind::Inaccessible => Question::All,
        MountKind::Bind { .. }
        | MountKind::Private { .. }
        | MountKind::Devices
        | MountKind::Proc { .. }
        | MountKind::Temporary { .. }
        | MountKind::Queues => Question::Mounted,
        MountKind::ReadOnly | MountKind::ReadWrite | MountKind::Spared => Question::Written,
        MountKind::NoExec | MountKind::Exec => Question::Executed,
    };
    about(strong) == Question::All
        || about(strong) == about(weak)
        // A mount of its own has its own way.
        || about(strong) == Question::Mounted && *weak == MountKind::Spared
}

fn is_below(path: &str, above: &str) -> bool {
    let rest = path.strip_prefix(above.trim_end_matches('/'));
    path != above && rest.is_some_and(|rest| rest.starts_with('/'))
}
