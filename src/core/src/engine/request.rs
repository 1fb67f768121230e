//! What operators ask for: start, stop, restart, reload of units by name.
//!
//! A request is a wish that outlives its job: a stop by hand holds until a start by hand or a commit
//! that changes the unit, a start by hand holds for a unit that no target wants.
use super::activation::Activation;
use super::slot::Slot;
use super::{Engine, Outbox};
use crate::JobId;
use crate::api::{Effect, JobOutcome, JobResult, Verb};
use gitproc_unit::UnitName;
use std::collections::BTreeSet;

impl Engine {
    pub(super) fn request(&mut self, job: JobId, verb: Verb, units: &[UnitName], out: &mut Outbox) {
        for unit in units {
            self.request_one(job, verb, unit, out);
        }
    }

    fn request_one(&mut self, job: JobId, verb: Verb, unit: &UnitName, out: &mut Outbox) {
        let answer = |result, reason: String, out: &mut Outbox| {
            let reason = (!reason.is_empty()).then_some(reason);
            out.answers.push(Effect::JobDone(JobOutcome {
                job,
                unit: unit.clone(),
                result,
                reason,
            }));
        };
        let Some(slot) = self.slot(unit) else {
            return answer(
                JobResult::NotFound,
                format!("no unit {unit} in this commit"),
                out,
            );
        };
        let live = slot.is_live();
        if slot.is_built_in() {
            return match (verb, slot.is_up()) {
                (Verb::Start, true) => answer(JobResult::Done, String::new(), out),
                _ => answer(
                    JobResult::Invalid,
                    format!("{unit} belongs to the host"),
                    out,
                ),
            };
        }
        match verb {
            Verb::Start | Verb::Restart | Verb::Reload if self.shutdown.is_some() => {
                answer(JobResult::Canceled, "gitproc is shutting down".into(), out);
            }
            Verb::Start | Verb::Restart if slot.definition.is_none() => {
                answer(
                    JobResult::NotFound,
                    format!("no unit {unit} in this commit"),
                    out,
                );
            }
            Verb::Start | Verb::Restart if !slot.is_runnable() => answer(
                JobResult::Invalid,
                format!("{} units are not run yet", unit.kind().suffix()),
                out,
            ),
            Verb::Start => self.request_start(Some(job), unit, out),
            Verb::Restart if !live => self.request_start(Some(job), unit, out),
            Verb::Restart => {
                self.wish_up(unit, true);
                self.put_restart(unit, Some(job), false, out);
            }
            Verb::Stop => {
                for name in self.with_dependents(unit) {
                    if let Some(slot) = self.touch(&name) {
                        slot.stopped_by_operator = slot.wanted;
                        slot.started_by_operator = false;
                        slot.raised = None;
                    }
                    let waiter = (name == *unit).then_some(job);
                    self.put_job(&name, Verb::Stop, waiter, false, out);
                }
            }
            Verb::Reload if slot.job.as_ref().is_some_and(|job| job.verb == Verb::Stop) => {
                answer(JobResult::Invalid, format!("{unit} is being stopped"), out);
            }
            Verb::Reload => match slot.activation().map(Activation::can_reload) {
                Some(true) => {
                    self.put_job(unit, Verb::Reload, Some(job), false, out);
                    self.reload_along(unit, out);
                }
                // It has nothing to reload itself, and passes it on.
                _ if slot.is_up() && self.neighbours.reloaded(unit).next().is_some() => {
                    answer(JobResult::Done, String::new(), out);
                    self.reload_along(unit, out);
                }
                Some(false) if slot.is_up() => {
                    answer(
                        JobResult::Invalid,
                        format!("{unit} has no ExecReload="),
                        out,
                    );
                }
                _ => answer(JobResult::Invalid, format!("{unit} is not active"), out),
            },
        }
    }

    /// PropagatesReloadTo=, ReloadPropagatedFrom=: what is up and can be reloaded is.
    fn reload_along(&mut self, unit: &UnitName, out: &mut Outbox) {
        let mut seen = BTreeSet::from([unit.clone()]);
        let mut open = vec![unit.clone()];
        while let Some(name) = open.pop() {
            let others: Vec<UnitName> = self.neighbours.reloaded(&name).cloned().collect();
            for other in others
                .into_iter()
                .filter(|other| seen.insert(other.clone()))
            {
                let slot = self.slot(&other);
                let free = slot.is_some_and(|slot| slot.job.is_none());
                let able = slot
                    .and_then(Slot::activation)
                    .is_some_and(Activation::can_reload);
                if free && able {
                    self.put_job(&other, Verb::Reload, None, false, out);
                }
                open.push(other);
            }
        }
    }

    /// A start by hand pulls in what the unit needs, and lifts an earlier stop of all of that.
    fn request_start(&mut self, job: Option<JobId>, unit: &UnitName, out: &mut Outbox) {
        let mut closure = vec![unit.clone()];
        let mut seen = BTreeSet::from([unit.clone()]);
        while let Some(name) = closure.pop() {
            let Some((definition, _)) = self.slot(&name).and_then(|slot| slot.definition.clone())
            else {
                continue;
            };
            self.wish_up(&name, name == *unit);
            self.put_start(&name, (name == *unit).then_some(job).flatten(), false, out);
            let section = &definition.unit;
            for other in section
                .requires
                .iter()
                .chain(&section.binds_to)
                .chain(&section.wants)
            {
                if seen.insert(other.clone()) {
                    closure.push(other.clone());
                }
            }
        }
    }

    /// An operator wants it up: that lifts an earlier stop, and begins a new count of restarts.
    /// `by_name`: it was named, and not only pulled in.
    fn wish_up(&mut self, unit: &UnitName, by_name: bool) {
        let Some(slot) = self.touch(unit) else { return };
        slot.restarts = 0;
        slot.stopped_by_operator = false;
        slot.started_by_operator |= by_name && !slot.wanted;
        slot.wanted = true;
    }
}
