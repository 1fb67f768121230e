//! `SystemCallFilter=` and whatever else forbids system calls, as programs for seccomp(2).
use crate::spec::CallProgram;
use gitproc_unit::Unit;

/// The filters of the unit, in the order in which they are loaded.
pub(super) fn of(_unit: &Unit) -> Vec<CallProgram> {
    Vec::new()
}
