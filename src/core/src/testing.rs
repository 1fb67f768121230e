//! What tests of this crate share.
use gitproc_unit::{HostFacts, TreeEntry, Unit, UnitName};

/// A service with these lines in [Service].
pub(crate) fn service(lines: &str) -> Unit {
    let name = UnitName::parse("a.service").expect("a name");
    let text = format!("[Service]\nExecStart=/bin/x\n{lines}\n");
    let (unit, _) = gitproc_unit::load_alone(&name, TreeEntry::File(text), &HostFacts::example());
    unit.expect("a unit")
}
