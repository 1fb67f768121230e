//! Who goes along: a stop takes down what needs the unit, a start pulls in what it needs, and what
//! excludes it goes.
use super::slot::Slot;
use super::{Engine, Outbox};
use crate::api::JobType;
use crate::neighbours::needs;
use gitproc_unit::{Unit, UnitName};
use std::collections::BTreeSet;

impl Engine {
    /// The unit and, transitively, what must go down with it: units that run, or are about to, and
    /// need it by Requires=, BindsTo=, Requisite= or PartOf=.
    pub(super) fn with_dependents(&self, unit: &UnitName) -> BTreeSet<UnitName> {
        let mut found = BTreeSet::from([unit.clone()]);
        let mut open = vec![unit.clone()];
        while let Some(name) = open.pop() {
            for other in self.neighbours.needing(&name) {
                let Some(slot) = self.slot(other) else {
                    continue;
                };
                let concerned = slot.is_live() || slot.job.is_some();
                let needs = slot.unit().is_some_and(|unit| needs(unit, &name));
                if concerned && needs && !slot.is_built_in() && found.insert(other.clone()) {
                    open.push(other.clone());
                }
            }
        }
        found
    }

    /// The unit and, transitively, what is stopped with it: besides those that need it, those that
    /// a PropagatesStopTo= or StopPropagatedFrom= names.
    pub(super) fn with_what_stops(&self, unit: &UnitName) -> BTreeSet<UnitName> {
        let mut found = BTreeSet::new();
        let mut open = vec![unit.clone()];
        while let Some(name) = open.pop() {
            for one in self.with_dependents(&name) {
                if !found.insert(one.clone()) {
                    continue;
                }
                let stopped = self.neighbours.stopping(&one).filter(|other| {
                    self.slot(other).is_some_and(|slot| {
                        (slot.is_live() || slot.job.is_some()) && !slot.is_built_in()
                    })
                });
                open.extend(stopped.cloned());
            }
        }
        found
    }

    /// What runs and must not run beside `unit` (Conflicts=, which either side may say).
    pub(super) fn conflicting(&self, unit: &UnitName) -> Vec<UnitName> {
        let mut live = self.conflicts_of(unit);
        live.retain(|other| self.slot(other).is_some_and(Slot::is_live));
        live
    }

    /// Units that a Conflicts= of either side sets against this one.
    pub(super) fn conflicts_of(&self, unit: &UnitName) -> Vec<UnitName> {
        let excludes = |a: &UnitName, b: &UnitName| {
            self.slot(a)
                .and_then(Slot::unit)
                .is_some_and(|unit| unit.unit.conflicts.contains(b))
        };
        self.neighbours
            .excluding(unit)
            .filter(|other| {
                self.slot(other).is_some_and(|slot| !slot.is_built_in())
                    && (excludes(unit, other) || excludes(other, unit))
            })
            .cloned()
            .collect()
    }

    /// BindsTo=: what is bound to a unit that is down goes too; and, as it goes down, what
    /// PropagatesStopTo= names.
    pub(super) fn stop_what_is_bound_to(
        &mut self,
        unit: &UnitName,
        goes_down: bool,
        out: &mut Outbox,
    ) {
        if self.slot(unit).is_some_and(|slot| slot.job.is_some()) {
            return; // a restart or a new start is on its way
        }
        let bound: Vec<UnitName> = self
            .neighbours
            .needing(unit)
            .filter(|name| {
                let own = self.slot(name).and_then(Slot::unit);
                own.is_some_and(|own| own.unit.binds_to.contains(unit))
            })
            .chain(self.neighbours.stopping(unit).filter(|_| goes_down))
            .filter(|name| {
                self.slot(name)
                    .is_some_and(|slot| slot.is_live() && slot.job.is_none() && !slot.is_built_in())
            })
            .cloned()
            .collect();
        for name in bound {
            for name in self.with_what_stops(&name) {
                // What only waits to start finds out by itself, and says so.
                if self.slot(&name).is_some_and(Slot::is_live) {
                    self.put_job(&name, JobType::Stop, None, false, out);
                    self.say_why_it_stops(&name, format!("stopped with {unit}, which went down"));
                }
            }
        }
    }

    pub(super) fn say_why_it_stops(&mut self, name: &UnitName, reason: String) {
        let Some(slot) = self.touch(name) else { return };
        match slot.activation_mut() {
            Some(activation) => activation.reason.get_or_insert(reason),
            None => slot.reason.get_or_insert(reason),
        };
    }

    /// Starts what `name` needs and what is down, unless an operator stopped it.
    pub(super) fn pull_in_requirements(&mut self, name: &UnitName, out: &mut Outbox) {
        let mut open = vec![name.clone()];
        let mut seen = BTreeSet::new();
        while let Some(next) = open.pop() {
            let Some((unit, _)) = self.slot(&next).and_then(|slot| slot.definition.clone()) else {
                continue;
            };
            for other in unit.unit.requires.iter().chain(&unit.unit.binds_to) {
                let down = self
                    .slot(other)
                    .is_some_and(|slot| !slot.is_live() && !slot.is_up() && slot.job.is_none());
                let ended_well = self
                    .slot(other)
                    .is_some_and(|slot| slot.completed.is_some());
                let stopped = self
                    .slot(other)
                    .is_some_and(|slot| slot.stopped_by_operator);
                if down && !stopped && !ended_well && seen.insert(other.clone()) {
                    self.put_start(other, None, false, out);
                    if let Some(slot) = self.touch(other) {
                        slot.wanted = true;
                    }
                    open.push(other.clone());
                }
            }
        }
    }
}

/// `unit` can't start without `other`.
pub(super) fn requires(unit: &Unit, other: &UnitName) -> bool {
    let section = &unit.unit;
    [&section.requires, &section.binds_to, &section.requisite]
        .iter()
        .any(|names| names.contains(other))
}

/// A restart of something else may take it along: it runs, and nothing has told it to stop.
pub(super) fn can_be_restarted(slot: &Slot) -> bool {
    let to_stop = slot
        .job
        .as_ref()
        .is_some_and(|job| job.kind == JobType::Stop);
    let stopping = slot
        .activation()
        .is_some_and(|activation| activation.told.is_some());
    slot.is_live() && slot.definition.is_some() && !to_stop && (!stopping || slot.job.is_some())
}
