//! Units whose state follows that of others all the time: Upholds=, StopWhenUnneeded=
//! (systemd.unit(5)).
//!
//! Looked at when the unit itself or one that pulls it in has moved. Each unit gets at most one job
//! of this kind per step, so that a start which fails at once is not made again and again; one that
//! ran and ended comes back after RestartSec=, as with Restart=always.
use super::slot::{Phase, Slot};
use super::{Engine, Outbox};
use crate::api::JobType;
use crate::neighbours::pulled_in;
use crate::snapshot::UnitResult;
use gitproc_unit::{Family, UnitName};
use std::collections::BTreeSet;

impl Engine {
    /// Makes the jobs that follow from what has moved in this step. False when there are none.
    pub(super) fn keep_steady(&mut self, seen: &mut BTreeSet<UnitName>, out: &mut Outbox) -> bool {
        if !self.neighbours.has_steady() || self.apply.is_none() || self.shutdown.is_some() {
            return false;
        }
        let around = self
            .touched
            .iter()
            .filter_map(|name| self.slot(name)?.unit());
        let around = around.flat_map(|unit| pulled_in(&unit.unit));
        let concerned: Vec<UnitName> = self
            .touched
            .iter()
            .chain(around)
            .filter(|name| self.neighbours.is_steady(name) && !seen.contains(*name))
            .cloned()
            .collect();
        let mut moved = false;
        for name in concerned {
            if self.is_to_be_held_up(&name) {
                moved |= seen.insert(name.clone());
                self.put_start(&name, None, false, out);
                self.pull_in_requirements(&name, out);
            } else if self.is_unneeded(&name) {
                moved |= seen.insert(name.clone());
                if let Some(slot) = self.touch(&name) {
                    slot.started_by_operator = false;
                    slot.raised = None;
                }
                self.put_job(&name, JobType::Stop, None, false, out);
                let reason = "nothing needs it any more (StopWhenUnneeded=)";
                self.say_why_it_stops(&name, reason.to_owned());
            }
        }
        moved
    }

    /// It is down, and a unit that is up upholds it.
    fn is_to_be_held_up(&self, name: &UnitName) -> bool {
        let Some(slot) = self.slot(name) else {
            return false;
        };
        let down = matches!(slot.phase, Phase::Dead | Phase::Failed) && !slot.is_up();
        let may = slot.job.is_none()
            && !slot.stopped_by_operator
            && slot.is_runnable()
            && !is_futile(slot.result);
        down && may && self.is_upheld(name)
    }

    /// A unit that is up says Upholds= of it.
    pub(super) fn is_upheld(&self, name: &UnitName) -> bool {
        self.neighbours.pulling(name).any(|other| {
            self.slot(other).is_some_and(|slot| {
                let upholds = slot
                    .unit()
                    .is_some_and(|unit| unit.unit.upholds.contains(name));
                upholds && slot.is_up()
            })
        })
    }

    /// It is up by StopWhenUnneeded=, and nothing that pulls it in runs or is about to.
    fn is_unneeded(&self, name: &UnitName) -> bool {
        self.slot(name).is_some_and(|slot| {
            let up = slot.is_up() && slot.job.is_none() && !slot.is_built_in();
            up && slot.stops_when_unneeded()
        }) && !self.is_in_use(name, |other| {
            other.is_live() || other.is_up() || other.job.is_some()
        })
    }

    /// Whether some unit that pulls `name` in is so.
    fn is_in_use(&self, name: &UnitName, so: impl Fn(&Slot) -> bool) -> bool {
        self.neighbours.pulling(name).any(|other| {
            self.slot(other).is_some_and(|slot| {
                let pulls = slot
                    .unit()
                    .is_some_and(|unit| pulled_in(&unit.unit).any(|pulled| pulled == name));
                pulls && so(slot)
            })
        })
    }

    /// Of units that a target would start, those that nothing would need: the only ones that pull
    /// them in stay down themselves.
    pub(super) fn of_no_use(&self, to_start: &BTreeSet<UnitName>) -> BTreeSet<UnitName> {
        let mut spared = BTreeSet::new();
        loop {
            let useless = to_start.iter().find(|name| {
                let steady = self.slot(name).is_some_and(Slot::stops_when_unneeded);
                steady && !spared.contains(*name) && {
                    let comes =
                        |other: &UnitName| to_start.contains(other) && !spared.contains(other);
                    let pulls = self.neighbours.pulling(name).any(comes);
                    !pulls && !self.is_in_use(name, |other| other.is_live() || other.is_up())
                }
            });
            match useless {
                Some(name) => spared.insert(name.clone()),
                None => return spared,
            };
        }
    }
}

/// Another attempt would end as the last one did: it is made when what was lacking comes up
/// ([`Engine::start_finished`]), or when somebody asks for it.
fn is_futile(last: UnitResult) -> bool {
    matches!(
        last,
        UnitResult::StartLimitHit
            | UnitResult::Dependency
            | UnitResult::Condition
            | UnitResult::Assert
    )
}

impl Slot {
    fn stops_when_unneeded(&self) -> bool {
        self.unit()
            .is_some_and(|unit| unit.settings.is_true(Family::Unit, "StopWhenUnneeded"))
    }
}
