//! `PrivateNetwork=`, `PrivateIPC=`, `PrivateUsers=`, `ProtectHostname=`, and namespaces by path.
use super::Joins;
use crate::spec::{Namespaces, Sharing};
use gitproc_unit::Family::Exec;
use gitproc_unit::Unit;

/// What the unit has for itself. A path is stronger than a namespace of its own, as under systemd.
pub(super) fn of(unit: &Unit, joins: Joins) -> Namespaces {
    let settings = &unit.settings;
    let sharing = |own, path, joined| match settings.text(Exec, path) {
        "" if settings.is_true(Exec, own) && joined => Sharing::Joined,
        "" if settings.is_true(Exec, own) => Sharing::Own,
        "" => Sharing::Host,
        path => Sharing::At(path.to_owned()),
    };
    Namespaces {
        network: sharing("PrivateNetwork", "NetworkNamespacePath", joins.network),
        ipc: sharing("PrivateIPC", "IPCNamespacePath", joins.ipc),
        host_name: settings.is_true(Exec, "ProtectHostname"),
        users: settings.is_true(Exec, "PrivateUsers"),
    }
}
