//! Dependencies that no file spells out: `DefaultDependencies=`, and targets after what they pull.
use crate::model::{Origin, Unit, UnitSection};
use crate::name::{UnitKind, UnitName};
use std::collections::{BTreeMap, BTreeSet};

/// Every set of names in [Unit].
pub(crate) fn sets_mut(unit: &mut UnitSection) -> [&mut BTreeSet<UnitName>; 8] {
    [
        &mut unit.after,
        &mut unit.before,
        &mut unit.requires,
        &mut unit.wants,
        &mut unit.requisite,
        &mut unit.binds_to,
        &mut unit.part_of,
        &mut unit.conflicts,
    ]
}

/// Adds what systemd adds to units with `DefaultDependencies=yes`.
pub(crate) fn add_defaults(units: &mut BTreeMap<UnitName, Unit>) {
    let name = |text| UnitName::parse(text).expect("a valid name");
    let (basic, sysinit) = (name("basic.target"), name("sysinit.target"));
    let shutdown = name("shutdown.target");
    let after: Vec<(UnitName, Vec<UnitName>)> = units
        .values()
        .filter(|unit| has_defaults(unit) && unit.name.kind() == UnitKind::Target)
        .map(|target| (target.name.clone(), pulled_first(target, units)))
        .collect();
    for unit in units.values_mut().filter(|unit| has_defaults(unit)) {
        if unit.name == shutdown {
            continue;
        }
        unit.unit.conflicts.insert(shutdown.clone());
        unit.unit.before.insert(shutdown.clone());
        if unit.name.kind() == UnitKind::Service {
            unit.unit.requires.insert(sysinit.clone());
            unit.unit.after.extend([sysinit.clone(), basic.clone()]);
        }
    }
    for (target, first) in after {
        if let Some(unit) = units.get_mut(&target) {
            unit.unit.after.extend(first);
        }
    }
}

fn has_defaults(unit: &Unit) -> bool {
    matches!(unit.origin, Origin::Tree { .. }) && unit.unit.default_dependencies
}

/// What a target pulls in and so waits for, unless one of the two says the opposite.
fn pulled_first(target: &Unit, units: &BTreeMap<UnitName, Unit>) -> Vec<UnitName> {
    let u = &target.unit;
    [&u.requires, &u.wants, &u.requisite, &u.binds_to]
        .into_iter()
        .flatten()
        .filter(|&name| {
            units.get(name).is_some_and(|other| {
                other.unit.default_dependencies
                    && !u.before.contains(name)
                    && !other.unit.after.contains(&target.name)
            })
        })
        .cloned()
        .collect()
}
