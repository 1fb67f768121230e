//! Conditions and asserts of a unit whose turn it is to start (systemd.unit(5)).
//!
//! ```text
//! begin ─▶ Effect::Check ─▶ Input::Checked ─┬▶ a condition fails: skipped, the job is done
//!                                           ├▶ an assert fails: the job fails, and what needs it
//!                                           └▶ both hold: activate
//! ```
//! While the host is asked, the unit stays what it was; only its job knows. A job that goes takes the
//! question along, so an answer that comes too late finds nobody. Neither a skipped start nor a failed
//! assert counts as an attempt: each new target, and each start by hand, asks again, and nothing else
//! does.
use super::slot::{Phase, Slot, Turn};
use super::{Engine, Outbox};
use crate::api::{Effect, JobResult};
use crate::snapshot::{Checked, UnitResult};
use crate::{Instant, InvocationId};
use gitproc_unit::{UnitName, Verdict};

impl Engine {
    /// Asks for the conditions of a unit, if it has some, before it is activated.
    pub(super) fn check(&mut self, now: Instant, name: &UnitName, pushed: bool, out: &mut Outbox) {
        let invocation = self.draw_invocation();
        let Some(slot) = self.touch(name) else { return };
        let definition = slot.definition.as_ref().map(|(unit, _)| unit);
        let Some(unit) = definition.filter(|unit| {
            let section = &unit.unit;
            !section.conditions.is_empty() || !section.asserts.is_empty()
        }) else {
            slot.checked = None;
            return self.start_checked(now, name, invocation, out);
        };
        out.acts.push(Effect::Check {
            invocation,
            unit: std::sync::Arc::clone(unit),
        });
        if let Some(job) = &mut slot.job {
            job.turn = Turn::Checking { invocation, pushed };
        }
    }

    /// The host has answered.
    pub(super) fn checked(
        &mut self,
        now: Instant,
        name: &UnitName,
        invocation: InvocationId,
        conditions: Verdict,
        asserts: Verdict,
        out: &mut Outbox,
    ) {
        let turn = self
            .slot(name)
            .and_then(|slot| Some(slot.job.as_ref()?.turn));
        let Some(Turn::Checking { pushed, .. }) = turn.filter(|turn| {
            matches!(turn, Turn::Checking { invocation: awaited, .. } if *awaited == invocation)
        }) else {
            return;
        };
        // Others may have moved meanwhile. What has to wait again will ask again.
        if !pushed && self.must_wait(name) {
            return self.set_turn(name, Turn::Waiting);
        }
        self.set_turn(name, Turn::Running);
        let checked = Checked {
            at: now,
            conditions,
            asserts,
        };
        if let Some(why) = checked.conditions.failure("Condition") {
            self.skip(name, checked, format!("condition failed: {why}"), out);
        } else if let Some(why) = checked.asserts.failure("Assert") {
            self.refuse(name, checked, format!("assert failed: {why}"), out);
        } else {
            if let Some(slot) = self.touch(name) {
                slot.checked = Some(checked);
            }
            self.start_checked(now, name, invocation, out);
        }
    }

    fn set_turn(&mut self, name: &UnitName, turn: Turn) {
        if let Some(job) = self.touch(name).and_then(|slot| slot.job.as_mut()) {
            job.turn = turn;
        }
    }

    fn start_checked(
        &mut self,
        now: Instant,
        name: &UnitName,
        invocation: InvocationId,
        out: &mut Outbox,
    ) {
        match self.what_is_missing(name, |_| false) {
            Some(reason) => self.start_lacks(name, reason, out),
            None => self.activate(now, name, invocation, out),
        }
    }

    /// Not started, and that is no failure: what requires it goes on, what is bound to it can't.
    fn skip(&mut self, name: &UnitName, checked: Checked, reason: String, out: &mut Outbox) {
        let skipped = |slot: &mut Slot| slot.stays_down(UnitResult::Condition, &reason, checked);
        let apply = self.touch(name).is_some_and(skipped);
        if let Some(current) = self.apply.as_mut().filter(|_| apply) {
            current.skipped.insert(name.clone(), reason.clone());
        }
        self.job_done(name, JobResult::Done, Some(reason), out);
        self.stop_what_is_bound_to(name, false, out);
    }

    /// Not started, and what requires it is not either.
    fn refuse(&mut self, name: &UnitName, checked: Checked, reason: String, out: &mut Outbox) {
        if let Some(slot) = self.touch(name) {
            slot.stays_down(UnitResult::Assert, &reason, checked);
        }
        self.job_done(name, JobResult::Assert, Some(reason), out);
        self.fail_waiting_dependents(name, out);
        self.stop_what_is_bound_to(name, false, out);
    }
}

impl Slot {
    /// Whether its job belongs to the apply.
    fn stays_down(&mut self, result: UnitResult, reason: &str, checked: Checked) -> bool {
        self.phase = Phase::Dead;
        self.result = result;
        self.reason = Some(reason.to_owned());
        self.checked = Some(checked);
        self.attempted = None;
        self.completed = None;
        self.news = true;
        self.job.as_ref().is_some_and(|job| job.apply)
    }
}
