//! Who may have to do with whom, so that a step need not look at every unit.
//!
//! Made anew with each target from all definitions, those that run and those that are wanted. It
//! says who has to be asked; the definitions themselves say yes or no.
use gitproc_unit::{Unit, UnitName};
use std::collections::{BTreeMap, BTreeSet};

type Edges = BTreeMap<UnitName, BTreeSet<UnitName>>;

/// Relations between units, from the side that the definitions do not show.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    ordered: Edges,
    needing: Edges,
    excluding: Edges,
    reloaded: Edges,
}

impl Neighbours {
    /// From all definitions that count.
    pub fn of<'a>(units: impl Iterator<Item = &'a Unit>) -> Neighbours {
        let mut new = Neighbours::default();
        for unit in units {
            let (name, section) = (&unit.name, &unit.unit);
            for other in section.after.iter().chain(&section.before) {
                join(&mut new.ordered, name, other);
                join(&mut new.ordered, other, name);
            }
            for other in &section.conflicts {
                join(&mut new.excluding, name, other);
                join(&mut new.excluding, other, name);
            }
            for other in &section.propagates_reload_to {
                join(&mut new.reloaded, name, other);
            }
            for other in &section.reload_propagated_from {
                join(&mut new.reloaded, other, name);
            }
            let needed = section.requires.iter().chain(&section.binds_to);
            for other in needed.chain(&section.requisite).chain(&section.part_of) {
                join(&mut new.needing, other, name);
            }
        }
        new
    }

    /// Units that an After= or Before= of either side relates to this one.
    pub fn ordered(&self, unit: &UnitName) -> impl Iterator<Item = &UnitName> {
        self.ordered.get(unit).into_iter().flatten()
    }

    /// Units that name this one in Requires=, BindsTo=, Requisite= or PartOf=.
    pub fn needing(&self, unit: &UnitName) -> impl Iterator<Item = &UnitName> {
        self.needing.get(unit).into_iter().flatten()
    }

    /// Units that are reloaded with this one: PropagatesReloadTo=, ReloadPropagatedFrom=.
    pub fn reloaded(&self, unit: &UnitName) -> impl Iterator<Item = &UnitName> {
        self.reloaded.get(unit).into_iter().flatten()
    }

    /// Units that a Conflicts= of either side relates to this one.
    pub fn excluding(&self, unit: &UnitName) -> impl Iterator<Item = &UnitName> {
        self.excluding.get(unit).into_iter().flatten()
    }
}

/// `unit` goes down, or is restarted, with `other`.
pub(super) fn needs(unit: &Unit, other: &UnitName) -> bool {
    let section = &unit.unit;
    [
        &section.requires,
        &section.binds_to,
        &section.requisite,
        &section.part_of,
    ]
    .iter()
    .any(|names| names.contains(other))
}

fn join(edges: &mut Edges, from: &UnitName, to: &UnitName) {
    edges.entry(from.clone()).or_default().insert(to.clone());
}
