//! `LoadCredential=`, `SetCredential=`.
use crate::spec::{Credentials, Octets};
use gitproc_unit::Family::Exec;
use gitproc_unit::{HostFacts, PropertyValue, Unit};

/// What the unit asks for, if anything.
pub(super) fn of(unit: &Unit, facts: &HostFacts) -> Option<Credentials> {
    let listed = |key| unit.settings.get(Exec, key).property();
    let pair = |item: &PropertyValue| match item.items() {
        [name, value] => Some((name.text().to_owned(), value.clone())),
        _ => None,
    };
    let load = listed("LoadCredential");
    let load = load.items().iter().filter_map(pair);
    let load: Vec<(String, String)> = load
        .map(|(name, source)| (name, source.text().to_owned()))
        .collect();
    let set = listed("SetCredential");
    let set = set.items().iter().filter_map(pair);
    let set = set.map(|(name, data)| (name, Octets(data.bytes())));
    let set: Vec<(String, Octets)> = set.collect();
    let some = !load.is_empty() || !set.is_empty();
    some.then(|| Credentials {
        dir: directory(unit, facts),
        load,
        set,
    })
}

/// As `%d` names it.
pub fn directory(unit: &Unit, facts: &HostFacts) -> String {
    format!("{}/credentials/{}", facts.runtime_dir, unit.name)
}
