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

/// A mount needs what lies above it, and the file or directory that it mounts; so does a swap.
pub(super) fn below(draft: &mut Draft, kind: UnitKind) {
    let family = match kind {
        UnitKind::Automount => Family::Automount,
        UnitKind::Swap => Family::Swap,
        _ => Family::Mount,
    };
    let mut needed = Vec::new();
    if kind != UnitKind::Swap {
        let place = draft.settings.text(family, "Where");
        let parent = place.rsplit_once('/').map(|(parent, _)| match parent {
            "" => "/".to_owned(),
            parent => parent.to_owned(),
        });
        needed.extend(parent.filter(|_| place != "/"));
    }
    if kind != UnitKind::Automount {
        let what = draft.settings.text(family, "What");
        let local = kind == UnitKind::Swap
            || !is_remote(draft)
            || has_option(draft, &["bind", "rbind", "loop"]);
        if what.starts_with('/') && local {
            needed.push(what.to_owned());
        }
    }
    let file = kind == UnitKind::Swap
        && !draft
            .settings
            .text(Family::Swap, "What")
            .starts_with("/dev/");
    if file {
        draft.unit.after.insert(name("systemd-remount-fs.service"));
    }
    draft.unit.requires_mounts_for.extend(needed);
    let quota = &["usrquota", "grpquota", "quota", "usrjquota", "grpjquota"];
    let own = !is_remote(draft) && !has_option(draft, &["bind", "rbind"]);
    if kind == UnitKind::Mount && own && has_option(draft, quota) {
        for service in ["systemd-quotacheck.service", "quotaon.service"] {
            draft.unit.wants.insert(name(service));
            draft.unit.before.insert(name(service));
        }
    }
}

fn options(draft: &Draft) -> impl Iterator<Item = &str> {
    draft.settings.text(Family::Mount, "Options").split(',')
}

/// Whether one of these options is given, with a value or without.
fn has_option(draft: &Draft, wanted: &[&str]) -> bool {
    options(draft).any(|option| {
        let key = option.split_once('=').map_or(option, |(key, _)| key);
        wanted.contains(&key)
    })
}

fn is_remote(draft: &Draft) -> bool {
    let kind = draft.settings.text(Family::Mount, "Type");
    let kind = kind.strip_prefix("fuse.").unwrap_or(kind);
    NETWORK.contains(&kind) || has_option(draft, &["_netdev"])
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
    if !has_option(draft, &["nofail"]) {
        draft.unit.before.insert(name(before));
    }
    // Its pages may have to go to swap.
    if mount && draft.settings.text(Family::Mount, "Type") == "tmpfs" {
        draft.unit.after.insert(name("swap.target"));
    }
    draft.unit.before.insert(name("umount.target"));
    draft.unit.conflicts.insert(name("umount.target"));
}
