//! Whose turn it is: jobs wait for each other by After= and Before=, and then begin.
//!
//! Order only says who waits for whom. Of two ordered units of which one goes down and one comes up,
//! the one that goes down goes first.
use super::activation::{Activation, Told};
use super::consequence::Ending;
use super::slot::{Phase, Slot, Turn};
use super::spread::can_be_restarted;
use super::{Engine, Outbox};
use crate::api::{Effect, JobResult, JobType};
use crate::graph::is_host_kind;
use crate::snapshot::UnitResult;
use crate::{Instant, InvocationId};
use gitproc_unit::{Origin, ServiceType, UnitKind, UnitName};
use std::collections::BTreeSet;

impl Engine {
    /// Begins every job that waits for nothing, until nothing moves.
    pub(super) fn run_jobs(&mut self, now: Instant, out: &mut Outbox) {
        if self.apply.is_none() && self.shutdown.is_none() {
            return; // restored jobs need the definitions that the first target brings
        }
        loop {
            let mut moved = false;
            let asked = self.jobs_to_ask();
            let (idle, others): (Vec<_>, Vec<_>) =
                asked.into_iter().partition(|name| self.is_idle(name));
            for name in others {
                // Asked anew for each: what one job does may hold up the next.
                if self.is_waiting(&name) && !self.must_wait(&name) {
                    self.begin(now, &name, false, out);
                    moved = true;
                }
            }
            if moved {
                // First everything that can begin, to the end.
                self.idling.extend(idle);
                continue;
            }
            for name in idle {
                if self.is_waiting(&name) && !self.must_wait(&name) && !self.idles(now, &name) {
                    self.begin(now, &name, false, out);
                    moved = true;
                }
            }
            if !moved && !self.push_a_stuck_job(now, out) {
                return;
            }
        }
    }

    /// Jobs whose answer may have changed: those of units that were touched, and of units that are
    /// ordered with them.
    fn jobs_to_ask(&mut self) -> BTreeSet<UnitName> {
        let stirred = std::mem::take(&mut self.stirred);
        self.idling.retain(|name| self.jobs.contains(name));
        let around = stirred
            .iter()
            .flat_map(|name| self.neighbours.ordered(name));
        let concerned = stirred.iter().chain(around).chain(&self.idling);
        concerned
            .filter(|name| self.jobs.contains(*name))
            .cloned()
            .collect()
    }

    /// Edges of definitions from different commits can close a circle that neither commit has.
    /// When all jobs wait and nothing is under way, the first one goes ahead.
    fn push_a_stuck_job(&mut self, now: Instant, out: &mut Outbox) -> bool {
        let moves = |name: &UnitName| {
            let activation = self.slot(name).and_then(Slot::activation);
            activation.is_some_and(|activation| !activation.is_up())
        };
        if self.under_way.iter().chain(&self.touched).any(moves) {
            return false;
        }
        if !self.jobs.iter().all(|name| self.is_waiting(name)) {
            return false;
        }
        let Some(first) = self.jobs.first().cloned() else {
            return false;
        };
        self.begin(now, &first, true, out);
        true
    }

    pub(super) fn is_waiting(&self, name: &UnitName) -> bool {
        self.slot(name)
            .and_then(|slot| slot.job.as_ref())
            .is_some_and(|job| job.turn == Turn::Waiting)
    }

    /// Whether the job is the start of a service of `Type=idle`.
    fn is_idle(&self, name: &UnitName) -> bool {
        self.slot(name).is_some_and(|slot| {
            let service = slot.unit().and_then(|unit| unit.service.as_deref());
            let starts = slot.job.as_ref().map(|job| job.kind) == Some(JobType::Start);
            starts && service.is_some_and(|service| service.service_type == ServiceType::Idle)
        })
    }

    /// A service of `Type=idle` starts when no other job is under way, or a while after its turn has
    /// come (systemd.service(5)).
    fn idles(&mut self, now: Instant, name: &UnitName) -> bool {
        const LONGEST_US: u64 = 5_000_000;
        let busy = |other: &UnitName| {
            let job = self.slot(other).and_then(|slot| slot.job.as_ref());
            job.is_some_and(|job| job.turn != Turn::Waiting)
        };
        let waits = self.jobs.iter().any(busy);
        let Some(slot) = waits.then(|| self.touch(name)).flatten() else {
            self.idling.remove(name);
            if let Some(slot) = self.slots.get_mut(name) {
                slot.idle_until = None;
            }
            return false;
        };
        let until = *slot.idle_until.get_or_insert(now.plus_us(LONGEST_US));
        if until <= now {
            slot.idle_until = None;
            self.idling.remove(name);
            return false;
        }
        self.idling.insert(name.clone());
        true
    }

    /// Whether the job of `name` has to wait for another unit, or for its own unit to be down.
    pub(super) fn must_wait(&self, name: &UnitName) -> bool {
        let Some(slot) = self.slot(name) else {
            return false;
        };
        let Some(job) = &slot.job else { return false };
        let goes_down = self.goes_down(slot);
        if job.kind == JobType::Start && slot.is_going_down() {
            return true;
        }
        if job.unordered {
            return false;
        }
        self.neighbours
            .ordered(name)
            .filter(|other| self.jobs.contains(*other))
            .any(|other| {
                let Some(theirs) = self.slot(other) else {
                    return false;
                };
                match (goes_down, self.goes_down(theirs)) {
                    (false, true) => self.is_after(name, other) || self.is_after(other, name),
                    (false, false) => self.is_after(name, other),
                    (true, true) => self.is_after(other, name),
                    (true, false) => false,
                }
            })
    }

    /// The job takes its unit down first (a stop, or the first half of a restart).
    fn goes_down(&self, slot: &Slot) -> bool {
        match slot.job.as_ref().map(|job| job.kind) {
            Some(JobType::Stop) => true,
            Some(JobType::Restart) => slot.is_live(),
            Some(JobType::Start) => slot.is_going_down(),
            Some(JobType::Reload) | None => false,
        }
    }

    /// `a` is ordered after `b`. Where one of them has left the target, only that one's own (last)
    /// definition speaks, so that the edges of two commits can't contradict each other.
    pub(super) fn is_after(&self, a: &UnitName, b: &UnitName) -> bool {
        let (Some(slot_a), Some(slot_b)) = (self.slot(a), self.slot(b)) else {
            return false;
        };
        let says_a = slot_a
            .unit()
            .is_some_and(|unit| unit.unit.after.contains(b));
        let says_b = slot_b
            .unit()
            .is_some_and(|unit| unit.unit.before.contains(a));
        match (slot_a.definition.is_some(), slot_b.definition.is_some()) {
            (true, false) => says_b,
            (false, true) => says_a,
            (true, true) | (false, false) => says_a || says_b,
        }
    }

    /// `pushed`: others that it should wait for can't move before it.
    fn begin(&mut self, now: Instant, name: &UnitName, pushed: bool, out: &mut Outbox) {
        let Some(slot) = self.touch(name) else { return };
        let live = slot.is_live();
        let Some(job) = &mut slot.job else {
            self.jobs.remove(name);
            return;
        };
        job.turn = Turn::Running;
        match job.kind {
            JobType::Start => self.begin_start(now, name, pushed, out),
            JobType::Stop => self.begin_stop(now, name, Told::Stop, out),
            JobType::Restart => match live {
                true => self.begin_stop(now, name, Told::Restart, out),
                false => {
                    job.kind = JobType::Start;
                    job.turn = Turn::Waiting; // it waits anew, now as a start
                }
            },
            JobType::Reload => match slot.activation_mut() {
                Some(activation) if activation.can_reload() => {
                    activation.reload(now, &mut out.acts);
                }
                _ => {
                    let reason = format!("{name} is not active");
                    self.job_done(name, JobResult::Invalid, Some(reason), out);
                }
            },
        }
    }

    pub(super) fn begin_stop(
        &mut self,
        now: Instant,
        name: &UnitName,
        told: Told,
        out: &mut Outbox,
    ) {
        let Some(slot) = self.touch(name) else { return };
        match &mut slot.phase {
            Phase::Active(activation) => activation.stop(now, told, &mut out.acts),
            Phase::Reached | Phase::AutoRestart { .. } => {
                slot.phase = Phase::Dead;
                self.job_after_end(name, true, out);
            }
            Phase::Dead | Phase::Failed => self.job_done(name, JobResult::Done, None, out),
        }
    }

    fn begin_start(&mut self, now: Instant, name: &UnitName, pushed: bool, out: &mut Outbox) {
        let Some(slot) = self.slot(name) else { return };
        if slot.is_up() {
            return self.job_done(name, JobResult::Done, None, out);
        }
        if slot.activation().is_some() {
            return; // on its way up: the job ends with that
        }
        match self.what_is_missing(name, Slot::is_skipped) {
            Some(reason) => self.start_lacks(name, reason, out),
            None => self.check(now, name, pushed, out),
        }
    }

    /// A requirement that is not there, in words. What a unit is bound to may be `excused`.
    pub(super) fn what_is_missing(
        &self,
        name: &UnitName,
        excused: fn(&Slot) -> bool,
    ) -> Option<String> {
        let own = self.slot(name)?;
        let (unit, _) = own.definition.as_ref()?;
        let section = &unit.unit;
        let alone = own.job.as_ref().is_some_and(|job| job.alone);
        let up = |other: &UnitName| self.slot(other).is_some_and(Slot::is_up);
        for other in &section.requisite {
            if !up(other) {
                return Some(format!("{other} is not active (Requisite=)"));
            }
        }
        let required = section.requires.iter().filter(|_| !alone);
        for other in required.chain(&section.binds_to) {
            let Some(slot) = self.slot(other) else {
                match is_host_kind(other.kind()) {
                    true => continue,
                    false => return Some(format!("{other} does not exist")),
                }
            };
            let ended_well = slot.completed.is_some() && matches!(slot.phase, Phase::Dead);
            let enough = match section.binds_to.contains(other) {
                true => excused(slot),
                false => ended_well || slot.is_skipped(),
            };
            let awaited = !self.is_after(name, other) && slot.job.is_some();
            if !slot.is_up() && !awaited && !enough {
                return Some(format!("{other} is not active (it {})", why_down(slot)));
            }
        }
        None
    }

    pub(super) fn start_lacks(&mut self, name: &UnitName, reason: String, out: &mut Outbox) {
        if let Some(slot) = self.touch(name) {
            slot.phase = Phase::Dead;
            slot.result = UnitResult::Dependency;
            slot.reason = Some(reason.clone());
            slot.attempted = None;
            slot.completed = None;
        }
        self.job_done(name, JobResult::Dependency, Some(reason), out);
        self.fail_waiting_dependents(name, out);
    }

    /// Really starts a unit whose turn it is, and whose conditions hold.
    pub(super) fn activate(
        &mut self,
        now: Instant,
        name: &UnitName,
        invocation: InvocationId,
        out: &mut Outbox,
    ) {
        let Some((unit, commit)) = self.slot(name).and_then(|slot| slot.definition.clone()) else {
            let reason = format!("{name} is not in this commit");
            return self.job_done(name, JobResult::NotFound, Some(reason), out);
        };
        if unit.name.kind() == UnitKind::Target {
            if let Some(slot) = self.touch(name) {
                slot.phase = Phase::Reached;
                slot.attempted = Some(unit.meaning);
                slot.result = UnitResult::Success;
                slot.reason = None;
            }
            return self.start_finished(name, out);
        }
        let Some(slot) = self.touch(name) else { return };
        if slot.limited != Some(unit.meaning) {
            slot.starts.clear();
            slot.limited = Some(unit.meaning);
        }
        slot.attempted = Some(unit.meaning);
        slot.completed = None;
        let section = &unit.unit;
        let window = section.start_limit_interval_us;
        slot.starts.retain(|at| at.plus_us(window) > now);
        if window > 0 && slot.starts.len() >= section.start_limit_burst as usize {
            let reason = format!(
                "start request repeated too quickly ({} starts in {} s; `gitproc reset-failed \
                 {name}` lifts this)",
                slot.starts.len(),
                window / 1_000_000,
            );
            slot.phase = Phase::Failed;
            let again = slot.result == UnitResult::StartLimitHit;
            slot.result = UnitResult::StartLimitHit;
            // What failed before says more than the limit alone, and the limit is said once.
            slot.reason = Some(match slot.reason.take() {
                Some(said) if again => said,
                Some(last) => format!("{last}; {reason}"),
                None => reason,
            });
            slot.raised = None;
            let ending = Ending {
                unit: &unit,
                invocation: None,
                result: UnitResult::StartLimitHit,
                main_end: slot.main_end,
            };
            self.job_after_end(name, false, out);
            self.stop_what_is_bound_to(name, false, out);
            self.raise_what_follows(now, &ending, true, out);
            for key in ["StartLimitAction", "FailureAction"] {
                self.ask_of_host(&unit, key, ending.main_end, out);
            }
            return;
        }
        slot.starts.push_back(now);
        slot.result = UnitResult::Success;
        slot.reason = None;
        slot.main_end = None;
        slot.exec_main_pid = None;
        let restarts = slot.restarts;
        let mut activation = Activation::new(invocation, unit.clone(), commit.clone(), now);
        activation.raised_by = slot.raised.clone().unwrap_or_default();
        slot.phase = Phase::Active(Box::new(activation));
        self.invocations.insert(invocation, name.clone());
        out.acts.push(Effect::Spawn {
            invocation,
            unit,
            commit,
            restarts,
        });
    }

    /// `RestartSec=` is over.
    pub(super) fn auto_restart(&mut self, name: &UnitName, out: &mut Outbox) {
        let Some(slot) = self.touch(name) else { return };
        let to_stop = slot
            .job
            .as_ref()
            .is_some_and(|job| job.kind == JobType::Stop);
        if slot.definition.is_none() || to_stop {
            slot.phase = Phase::Dead;
            slot.attempted = None; // no target yet: the first one that wants it starts it
            return self.job_after_end(name, true, out);
        }
        slot.restarts += 1;
        slot.phase = Phase::Dead;
        slot.attempted = None; // until it is its turn, this start is still to be made
        // Units that need this one are restarted with it, as systemd's restart job does.
        for other in self.with_dependents(name) {
            if other != *name && self.slot(&other).is_some_and(can_be_restarted) {
                self.put_job(&other, JobType::Restart, None, false, out);
            }
        }
        self.pull_in_requirements(name, out);
        self.put_job(name, JobType::Start, None, false, out);
    }
}

fn why_down(slot: &Slot) -> String {
    match (&slot.phase, &slot.reason) {
        (Phase::Failed, Some(reason)) => format!("failed: {reason}"),
        (Phase::Failed, None) => "failed".to_owned(),
        (Phase::AutoRestart { .. }, _) => "waits for its restart".to_owned(),
        (_, _) if slot.stopped_by_operator => "was stopped by an operator".to_owned(),
        (_, _) if !slot.is_runnable() => "is of a kind that is not run yet".to_owned(),
        (_, Some(reason)) => format!("did not start: {reason}"),
        (_, None) => match slot.definition.as_ref().map(|(unit, _)| &unit.origin) {
            Some(Origin::BuiltIn { reached: false }) => "is never reached".to_owned(),
            _ => "is not started".to_owned(),
        },
    }
}
