//! Dependencies: what a target pulls in, in which order, and what can't be. (Being written.)
use gitproc_unit::{Diagnostic, UnitName, UnitSet};
use std::collections::BTreeSet;

/// Units that `target` pulls in by Requires=, Wants=, BindsTo= and [Install], `target` included.
pub fn wanted(_units: &UnitSet, _target: &UnitName) -> BTreeSet<UnitName> {
    BTreeSet::new()
}

/// What is wrong with the set as a whole: ordering cycles (named edge by edge), requirements on
/// units that do not exist. Errors refuse the commit.
pub fn check(_units: &UnitSet) -> Vec<Diagnostic> {
    Vec::new()
}
