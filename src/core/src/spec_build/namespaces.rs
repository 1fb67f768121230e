//! `PrivateNetwork=`, `PrivateIPC=`, `PrivateUsers=`, `ProtectHostname=`.
use crate::spec::Namespaces;
use gitproc_unit::Unit;

/// What the unit has for itself.
pub(super) fn of(_unit: &Unit) -> Namespaces {
    Namespaces::default()
}
