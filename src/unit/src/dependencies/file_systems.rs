//! Dependencies of mounts and automounts: on what they lie, and between which targets.
use super::name;
use crate::draft::Draft;
use crate::name::{UnitKind, UnitName};
use crate::settle::is_of_the_system;
use crate::table::Family;

/// Types of file systems that need the network.
const NETWORK: [&str; 18] = [
    "afs",
    "ceph",
    "cifs",
    "davfs",
    "gfs",
    "gfs2",
    "glusterfs",
    "lustre",
    "ncp",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "orangefs",
    "pvfs2",
    "smb3",
    "smbfs",
    "sshfs",
];

/// A mount needs what lies above it, and the file or directory that it mounts.
pub(super) fn below(draft: &mut Draft, kind: UnitKind) {
    let family = match kind {
        UnitKind::Automount => Family::Automount,
        _ => Family::Mount,
    };
    let place = draft.settings.text(family, "Where");
    let parent = place.rsplit_once('/').map(|(parent, _)| match parent {
        "" => "/".to_owned(),
        parent => parent.to_owned(),
    });
    let mut needed: Vec<String> = parent.into_iter().filter(|_| place != "/").collect();
    if kind == UnitKind::Mount {
        let what = draft.settings.text(Family::Mount, "What");
        if what.starts_with('/') && !is_remote(draft) {
            needed.push(what.to_owned());
        }
    }
    draft.unit.requires_mounts_for.extend(needed);
}

fn options(draft: &Draft) -> impl Iterator<Item = &str> {
    draft.settings.text(Family::Mount, "Options").split(',')
}

fn is_remote(draft: &Draft) -> bool {
    let kind = draft.settings.text(Family::Mount, "Type");
    let kind = kind.strip_prefix("fuse.").unwrap_or(kind);
    NETWORK.contains(&kind) || options(draft).any(|option| option == "_netdev")
}

/// Those with `DefaultDependencies=yes`.
pub(super) fn defaults(draft: &mut Draft, unit: &UnitName) {
    if is_of_the_system(unit.stem()) {
        return;
    }
    let mount = unit.kind() == UnitKind::Mount;
    let (before, after) = match mount && is_remote(draft) {
        true => {
            draft.unit.wants.insert(name("network-online.target"));
            let network = [name("network-online.target"), name("network.target")];
            draft.unit.after.extend(network);
            ("remote-fs.target", "remote-fs-pre.target")
        }
        false => ("local-fs.target", "local-fs-pre.target"),
    };
    draft.unit.after.insert(name(after));
    if !options(draft).any(|option| option == "nofail") {
        draft.unit.before.insert(name(before));
    }
    // Its pages may have to go to swap.
    if mount && draft.settings.text(Family::Mount, "Type") == "tmpfs" {
        draft.unit.after.insert(name("swap.target"));
    }
    draft.unit.before.insert(name("umount.target"));
    draft.unit.conflicts.insert(name("umount.target"));
}
