//! `ProtectSystem=`, `PrivateTmp=`, `BindPaths=` and the like, as mounts in order.
use crate::spec::Mounts;
use gitproc_unit::Unit;

/// The mounts of the unit.
pub(super) fn of(_unit: &Unit) -> Mounts {
    Mounts::default()
}
