//! Who may have to do with whom, so that a step need not look at every unit.
//!
//! Made anew with each target from all definitions, those that run and those that are wanted. It
//! says who has to be asked; the definitions themselves say yes or no.
use gitproc_unit::{Family, Unit, UnitName, UnitSection};
use std::collections::{BTreeMap, BTreeSet};

type Edges = BTreeMap<UnitName, BTreeSet<UnitName>>;

/// Relations between units, from the side that the definitions do not show.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    ordered: Edges,
    needing: Edges,
    stopping: Edges,
    excluding: Edges,
    reloaded: Edges,
    pulling: Edges,
    /// Units with `StopWhenUnneeded=`, and units that another one upholds.
    steady: BTreeSet<UnitName>,
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
            for other in &section.propagates_stop_to {
                join(&mut new.stopping, name, other);
            }
            for other in &section.stop_propagated_from {
                join(&mut new.stopping, other, name);
            }
            for other in pulled_in(section) {
                join(&mut new.pulling, other, name);
            }
            new.steady.extend(section.upholds.iter().cloned());
            if unit.settings.is_true(Family::Unit, "StopWhenUnneeded") {
                new.steady.insert(name.clone());
            }
        }
        new
    }

    /// Units that an After= or Before= of either side relates to this one.
    pub fn ordered(&self, unit: &UnitName) -> impl Iterator<Item = &UnitName> {
        of(&self.ordered, unit)
    }

    /// Units that name this one in Requires=, BindsTo=, Requisite= or PartOf=.
    pub fn needing(&self, unit: &UnitName) -> impl Iterator<Item = &UnitName> {
        of(&self.needing, unit)
    }

    /// Units that are stopped with this one, and not restarted: PropagatesStopTo=,
    /// StopPropagatedFrom=.
    pub fn stopping(&self, unit: &UnitName) -> impl Iterator<Item = &UnitName> {
        of(&self.stopping, unit)
    }

    /// Units that are reloaded with this one: PropagatesReloadTo=, ReloadPropagatedFrom=.
    pub fn reloaded(&self, unit: &UnitName) -> impl Iterator<Item = &UnitName> {
        of(&self.reloaded, unit)
    }

    /// Units that a Conflicts= of either side relates to this one.
    pub fn excluding(&self, unit: &UnitName) -> impl Iterator<Item = &UnitName> {
        of(&self.excluding, unit)
    }

    /// Units that pull this one in: Requires=, BindsTo=, Wants=, Upholds=, Requisite=.
    pub fn pulling(&self, unit: &UnitName) -> impl Iterator<Item = &UnitName> {
        of(&self.pulling, unit)
    }

    /// Whether its state follows that of the units which pull it in, all the time.
    pub fn is_steady(&self, unit: &UnitName) -> bool {
        self.steady.contains(unit)
    }

    /// Whether there is any such unit.
    pub fn has_steady(&self) -> bool {
        !self.steady.is_empty()
    }
}

/// What a unit keeps in use: Requires=, BindsTo=, Wants=, Upholds=, Requisite= (systemd.unit(5),
/// StopWhenUnneeded=).
pub(crate) fn pulled_in(section: &UnitSection) -> impl Iterator<Item = &UnitName> {
    let hard = section.requires.iter().chain(&section.binds_to);
    let soft = section.wants.iter().chain(&section.upholds);
    hard.chain(soft).chain(&section.requisite)
}

/// `unit` goes down, or is restarted, with `other`.
pub(crate) fn needs(unit: &Unit, other: &UnitName) -> bool {
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

fn of<'a>(edges: &'a Edges, unit: &UnitName) -> impl Iterator<Item = &'a UnitName> {
    edges.get(unit).into_iter().flatten()
}

fn join(edges: &mut Edges, from: &UnitName, to: &UnitName) {
    edges.entry(from.clone()).or_default().insert(to.clone());
}
