//! Jobs: one per unit, made by requests, by applies and by dependencies; they wait for each other.
//!
//! The rules are systemd's (systemd.unit(5)). Requirement and order are apart: a start pulls in
//! what it needs, a stop takes along what needs it; After=/Before= only say who waits for whom. Of
//! two ordered units of which one goes down and one comes up, the one that goes down goes first.
use super::activation::Activation;
use super::slot::{Job, Phase, Slot};
use super::{Engine, Outbox};
use crate::api::{Effect, JobOutcome, JobResult, Verb};
use crate::snapshot::UnitResult;
use crate::{Instant, JobId};
use gitproc_unit::{Origin, UnitKind, UnitName};
use std::collections::BTreeSet;

impl Engine {
    // ── Requests ────────────────────────────────────────────────────────────────────────────

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
                    }
                    let waiter = (name == *unit).then_some(job);
                    self.put_job(&name, Verb::Stop, waiter, false, out);
                }
            }
            Verb::Reload if slot.job.as_ref().is_some_and(|job| job.verb == Verb::Stop) => {
                answer(JobResult::Invalid, format!("{unit} is being stopped"), out);
            }
            Verb::Reload => match slot.activation().map(Activation::can_reload) {
                Some(true) => self.put_job(unit, Verb::Reload, Some(job), false, out),
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

    // ── Making jobs ─────────────────────────────────────────────────────────────────────────

    /// A start, and the stop of what it conflicts with.
    pub(super) fn put_start(
        &mut self,
        unit: &UnitName,
        waiter: Option<JobId>,
        apply: bool,
        out: &mut Outbox,
    ) {
        let Some(slot) = self.slot(unit) else { return };
        if slot.is_built_in() || !slot.is_runnable() {
            return;
        }
        for other in self.conflicting(unit) {
            for name in self.with_dependents(&other) {
                self.put_job(&name, Verb::Stop, None, apply, out);
            }
        }
        // What runs an older definition is brought to the wanted one, not left as it is.
        let outdated = self.slot(unit).is_some_and(|slot| {
            let wanted = slot.definition.as_ref().map(|(unit, _)| unit.meaning);
            let running = slot.activation().map(|activation| activation.unit.meaning);
            running.is_some() && running != wanted
        });
        match outdated {
            true => self.put_restart(unit, waiter, apply, out),
            false => self.put_job(unit, Verb::Start, waiter, apply, out),
        }
    }

    /// A restart, and that of what needs the unit (systemd.unit(5): Requires=, PartOf=).
    pub(super) fn put_restart(
        &mut self,
        unit: &UnitName,
        waiter: Option<JobId>,
        apply: bool,
        out: &mut Outbox,
    ) {
        for name in self.with_dependents(unit) {
            if name == *unit {
                self.put_job(&name, Verb::Restart, waiter, apply, out);
            } else if self.slot(&name).is_some_and(can_be_restarted) {
                self.put_job(&name, Verb::Restart, None, apply, out);
            }
        }
    }

    /// Puts a job on a unit, merging it with the one that is there.
    ///
    /// The same verb, and start with restart, are one job; anything else replaces the older one,
    /// whose requests are told that they were canceled.
    pub(super) fn put_job(
        &mut self,
        unit: &UnitName,
        verb: Verb,
        waiter: Option<JobId>,
        apply: bool,
        out: &mut Outbox,
    ) {
        let Some(slot) = self.touch(unit) else { return };
        let live = slot.is_live();
        let mut job = match slot.job.take() {
            None => Job {
                verb,
                running: false,
                waiters: Vec::new(),
                apply,
            },
            Some(old) => match (old.verb, verb) {
                (a, b) if a == b => old,
                // The older one does what the newer one asks for, and more.
                (Verb::Restart, Verb::Start) | (Verb::Restart | Verb::Start, Verb::Reload) => old,
                (Verb::Start, Verb::Restart) => Job {
                    verb: if live { verb } else { Verb::Start },
                    running: false,
                    ..old
                },
                (_, _) => {
                    self.cancel(unit, old, verb, out);
                    Job {
                        verb,
                        running: false,
                        waiters: Vec::new(),
                        apply: false,
                    }
                }
            },
        };
        job.waiters.extend(waiter);
        job.apply |= apply;
        if apply && let Some(current) = &mut self.apply {
            current.pending.insert(unit.clone());
        }
        if let Some(slot) = self.touch(unit) {
            slot.job = Some(job);
        }
        self.jobs.insert(unit.clone());
    }

    fn cancel(&mut self, unit: &UnitName, job: Job, by: Verb, out: &mut Outbox) {
        if let Some(apply) = &mut self.apply {
            apply.pending.remove(unit);
        }
        for waiter in job.waiters {
            out.answers.push(Effect::JobDone(JobOutcome {
                job: waiter,
                unit: unit.clone(),
                result: JobResult::Canceled,
                reason: Some(format!("a {by:?} of {unit} took its place").to_lowercase()),
            }));
        }
    }

    /// The unit and, transitively, what must go down with it: units that run, or are about to, and
    /// need it by Requires=, BindsTo=, Requisite= or PartOf=.
    pub(super) fn with_dependents(&self, unit: &UnitName) -> BTreeSet<UnitName> {
        let mut found = BTreeSet::from([unit.clone()]);
        let mut open = vec![unit.clone()];
        while let Some(name) = open.pop() {
            for (other, slot) in &self.slots {
                let concerned = slot.is_live() || slot.job.is_some();
                let needs = slot.unit().is_some_and(|unit| {
                    let section = &unit.unit;
                    [
                        &section.requires,
                        &section.binds_to,
                        &section.requisite,
                        &section.part_of,
                    ]
                    .iter()
                    .any(|names| names.contains(&name))
                });
                if concerned && needs && !slot.is_built_in() && found.insert(other.clone()) {
                    open.push(other.clone());
                }
            }
        }
        found
    }

    fn conflicting(&self, unit: &UnitName) -> Vec<UnitName> {
        let Some((own, _)) = self.slot(unit).and_then(|slot| slot.definition.as_ref()) else {
            return Vec::new();
        };
        self.slots
            .iter()
            .filter(|(name, slot)| {
                let theirs = slot
                    .unit()
                    .is_some_and(|other| other.unit.conflicts.contains(unit));
                *name != unit
                    && !slot.is_built_in()
                    && slot.is_live()
                    && (theirs || own.unit.conflicts.contains(*name))
            })
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// BindsTo=: what is bound to a unit that went down by itself goes too.
    pub(super) fn stop_what_is_bound_to(&mut self, unit: &UnitName, out: &mut Outbox) {
        if self.slot(unit).is_some_and(|slot| slot.job.is_some()) {
            return; // a restart or a new start is on its way
        }
        let bound: Vec<UnitName> = self
            .slots
            .iter()
            .filter(|(_, slot)| {
                slot.is_live()
                    && slot.job.is_none()
                    && slot
                        .unit()
                        .is_some_and(|other| other.unit.binds_to.contains(unit))
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in bound {
            for name in self.with_dependents(&name) {
                // What only waits to start finds out by itself, and says so.
                if self.slot(&name).is_some_and(Slot::is_live) {
                    self.put_job(&name, Verb::Stop, None, false, out);
                    self.say_why_it_stops(&name, format!("{unit}, which it needs, went down"));
                }
            }
        }
    }

    fn say_why_it_stops(&mut self, name: &UnitName, reason: String) {
        if let Some(activation) = self.touch(name).and_then(Slot::activation_mut) {
            activation.reason.get_or_insert(reason);
        }
    }

    // ── Running jobs ────────────────────────────────────────────────────────────────────────

    /// Begins every job that waits for nothing, until nothing moves.
    pub(super) fn run_jobs(&mut self, now: Instant, out: &mut Outbox) {
        if self.apply.is_none() && self.shutdown.is_none() {
            return; // restored jobs need the definitions that the first target brings
        }
        loop {
            let ready: Vec<UnitName> = self
                .jobs
                .iter()
                .filter(|name| self.is_waiting(name) && !self.must_wait(name))
                .cloned()
                .collect();
            if let Some(name) = ready.first() {
                // One at a time: what one job does may hold up the next.
                self.begin(now, name, out);
                continue;
            }
            // Edges of definitions from different commits can close a circle that neither commit
            // has. When all jobs wait and nothing is under way, the first one goes ahead.
            let stuck = !self.jobs.is_empty()
                && self.jobs.iter().all(|name| self.is_waiting(name))
                && !self
                    .slots
                    .values()
                    .any(|slot| slot.activation().is_some_and(|a| !a.is_up()));
            match self.jobs.first().cloned() {
                Some(name) if stuck => self.begin(now, &name, out),
                _ => return,
            }
        }
    }

    fn is_waiting(&self, name: &UnitName) -> bool {
        self.slot(name)
            .and_then(|slot| slot.job.as_ref())
            .is_some_and(|job| !job.running)
    }

    /// Whether the job of `name` has to wait for another unit, or for its own unit to be down.
    fn must_wait(&self, name: &UnitName) -> bool {
        let Some(slot) = self.slot(name) else {
            return false;
        };
        let Some(job) = &slot.job else { return false };
        let goes_down = self.goes_down(slot);
        if job.verb == Verb::Start && slot.is_going_down() {
            return true;
        }
        self.jobs
            .iter()
            .filter(|other| *other != name)
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
        match slot.job.as_ref().map(|job| job.verb) {
            Some(Verb::Stop) => true,
            Some(Verb::Restart) => slot.is_live(),
            Some(Verb::Start) => slot.is_going_down(),
            Some(Verb::Reload) | None => false,
        }
    }

    /// `a` is ordered after `b`. Where one of them has left the target, only that one's own (last)
    /// definition speaks, so that the edges of two commits can't contradict each other.
    fn is_after(&self, a: &UnitName, b: &UnitName) -> bool {
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

    fn begin(&mut self, now: Instant, name: &UnitName, out: &mut Outbox) {
        let Some(slot) = self.touch(name) else { return };
        let live = slot.is_live();
        let Some(job) = &mut slot.job else {
            self.jobs.remove(name);
            return;
        };
        job.running = true;
        match job.verb {
            Verb::Start => self.begin_start(now, name, out),
            Verb::Stop => self.begin_stop(now, name, out),
            Verb::Restart => match live {
                true => self.begin_stop(now, name, out),
                false => {
                    job.verb = Verb::Start;
                    job.running = false; // it waits anew, now as a start
                }
            },
            Verb::Reload => match slot.activation_mut() {
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

    fn begin_stop(&mut self, now: Instant, name: &UnitName, out: &mut Outbox) {
        let Some(slot) = self.touch(name) else { return };
        match &mut slot.phase {
            Phase::Active(activation) => activation.stop(now, &mut out.acts),
            Phase::Reached | Phase::AutoRestart { .. } => {
                slot.phase = Phase::Dead;
                self.job_after_end(name, true, out);
            }
            Phase::Dead | Phase::Failed => self.job_done(name, JobResult::Done, None, out),
        }
    }

    fn begin_start(&mut self, now: Instant, name: &UnitName, out: &mut Outbox) {
        let Some(slot) = self.slot(name) else { return };
        if slot.is_up() {
            return self.job_done(name, JobResult::Done, None, out);
        }
        if slot.activation().is_some() {
            return; // on its way up: the job ends with that
        }
        match self.what_is_missing(name) {
            Some(reason) => self.start_lacks(name, reason, out),
            None => self.activate(now, name, out),
        }
    }

    /// A requirement that is not there, in words.
    fn what_is_missing(&self, name: &UnitName) -> Option<String> {
        let (unit, _) = self.slot(name)?.definition.as_ref()?;
        let section = &unit.unit;
        let up = |other: &UnitName| self.slot(other).is_some_and(Slot::is_up);
        for other in &section.requisite {
            if !up(other) {
                return Some(format!("{other} is not active (Requisite=)"));
            }
        }
        for other in section.requires.iter().chain(&section.binds_to) {
            let Some(slot) = self.slot(other) else {
                match host_owned(other) {
                    true => continue,
                    false => return Some(format!("{other} does not exist")),
                }
            };
            let ended_well = slot.completed.is_some()
                && matches!(slot.phase, Phase::Dead)
                && !section.binds_to.contains(other);
            let awaited = !self.is_after(name, other) && slot.job.is_some();
            if !slot.is_up() && !awaited && !ended_well {
                return Some(format!("{other} is not active (it {})", why_down(slot)));
            }
        }
        None
    }

    fn start_lacks(&mut self, name: &UnitName, reason: String, out: &mut Outbox) {
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

    /// Really starts a unit whose turn it is.
    pub(super) fn activate(&mut self, now: Instant, name: &UnitName, out: &mut Outbox) {
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
        let invocation = self.draw_invocation();
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
            slot.result = UnitResult::StartLimitHit;
            // What failed before says more than the limit alone.
            slot.reason = Some(match slot.reason.take() {
                Some(last) => format!("{last}; {reason}"),
                None => reason,
            });
            self.job_after_end(name, false, out);
            return self.stop_what_is_bound_to(name, out);
        }
        slot.starts.push_back(now);
        slot.result = UnitResult::Success;
        slot.reason = None;
        slot.main_end = None;
        slot.exec_main_pid = None;
        let restarts = slot.restarts;
        slot.phase = Phase::Active(Box::new(Activation::new(
            invocation,
            unit.clone(),
            commit.clone(),
            now,
        )));
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
        let to_stop = slot.job.as_ref().is_some_and(|job| job.verb == Verb::Stop);
        if slot.definition.is_none() || to_stop {
            slot.phase = Phase::Dead;
            return self.job_after_end(name, true, out);
        }
        slot.restarts += 1;
        slot.phase = Phase::Dead;
        slot.attempted = None; // until it is its turn, this start is still to be made
        // Units that need this one are restarted with it, as systemd's restart job does.
        for other in self.with_dependents(name) {
            if other != *name && self.slot(&other).is_some_and(can_be_restarted) {
                self.put_job(&other, Verb::Restart, None, false, out);
            }
        }
        self.pull_in_requirements(name, out);
        self.put_job(name, Verb::Start, None, false, out);
    }

    /// Starts what `name` needs and what is down, unless an operator stopped it.
    fn pull_in_requirements(&mut self, name: &UnitName, out: &mut Outbox) {
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
                    open.push(other.clone());
                }
            }
        }
    }

    // ── Ends of jobs ────────────────────────────────────────────────────────────────────────

    pub(super) fn start_finished(&mut self, name: &UnitName, out: &mut Outbox) {
        let starts = self
            .slot(name)
            .and_then(|slot| slot.job.as_ref())
            .is_some_and(|job| job.verb == Verb::Start);
        if starts {
            self.job_done(name, JobResult::Done, None, out);
        }
        self.start_what_lacked(name, out);
    }

    /// Wanted units whose start failed only because this one was not up get their turn now.
    /// (systemd leaves them down; but what the commit wants is to run.)
    fn start_what_lacked(&mut self, name: &UnitName, out: &mut Outbox) {
        let lacking: Vec<UnitName> = self
            .slots
            .iter()
            .filter(|(_, slot)| {
                slot.wanted
                    && !slot.stopped_by_operator
                    && slot.job.is_none()
                    && matches!(slot.phase, Phase::Dead)
                    && slot.result == UnitResult::Dependency
                    && slot.definition.as_ref().is_some_and(|(unit, _)| {
                        unit.unit.requires.contains(name) || unit.unit.binds_to.contains(name)
                    })
            })
            .map(|(name, _)| name.clone())
            .collect();
        for other in lacking {
            self.put_start(&other, None, false, out);
        }
    }

    pub(super) fn reload_finished(&mut self, name: &UnitName, ok: bool, out: &mut Outbox) {
        let reloads = self
            .slot(name)
            .and_then(|slot| slot.job.as_ref())
            .is_some_and(|job| job.verb == Verb::Reload);
        if reloads {
            let (result, reason) = match ok {
                true => (JobResult::Done, None),
                false => (
                    JobResult::Failed,
                    Some(format!("ExecReload= of {name} failed")),
                ),
            };
            self.job_done(name, result, reason, out);
        }
    }

    /// The unit is down; its job, if it has one, ends or turns into a start.
    pub(super) fn job_after_end(&mut self, name: &UnitName, well: bool, out: &mut Outbox) {
        let Some(slot) = self.touch(name) else { return };
        let reason = slot.reason.clone();
        let Some(job) = &mut slot.job else { return };
        match job.verb {
            Verb::Stop => {
                slot.attempted = None;
                slot.completed = None;
                self.job_done(name, JobResult::Done, None, out);
            }
            Verb::Restart => {
                job.verb = Verb::Start;
                job.running = false;
                if matches!(slot.phase, Phase::AutoRestart { .. }) {
                    slot.phase = Phase::Dead;
                }
            }
            Verb::Start if !job.running => {
                if matches!(slot.phase, Phase::AutoRestart { .. }) {
                    slot.phase = Phase::Dead;
                }
            }
            Verb::Start if well => self.job_done(name, JobResult::Done, None, out),
            Verb::Start => {
                self.job_done(name, JobResult::Failed, reason, out);
                self.fail_waiting_dependents(name, out);
            }
            Verb::Reload => self.job_done(name, JobResult::Failed, reason, out),
        }
    }

    /// Starts that wait for a unit that they need, and that did not come up.
    fn fail_waiting_dependents(&mut self, name: &UnitName, out: &mut Outbox) {
        let waiting: Vec<UnitName> = self
            .jobs
            .iter()
            .filter(|other| {
                self.slot(other).is_some_and(|slot| {
                    let starts = slot
                        .job
                        .as_ref()
                        .is_some_and(|job| job.verb == Verb::Start && !job.running);
                    let needs = slot.definition.as_ref().is_some_and(|(unit, _)| {
                        unit.unit.requires.contains(name)
                            || unit.unit.binds_to.contains(name)
                            || unit.unit.requisite.contains(name)
                    });
                    starts && needs && !slot.is_live()
                })
            })
            .cloned()
            .collect();
        for other in waiting {
            self.start_lacks(&other, format!("{name} did not come up"), out);
        }
    }

    pub(super) fn job_done(
        &mut self,
        name: &UnitName,
        result: JobResult,
        reason: Option<String>,
        out: &mut Outbox,
    ) {
        self.jobs.remove(name);
        let Some(job) = self.touch(name).and_then(|slot| slot.job.take()) else {
            return;
        };
        if job.apply
            && let Some(apply) = &mut self.apply
        {
            apply.pending.remove(name);
            let failed = matches!(result, JobResult::Failed | JobResult::Dependency);
            if failed {
                apply
                    .failed
                    .insert(name.clone(), reason.clone().unwrap_or_default());
            }
        }
        for waiter in job.waiters {
            out.answers.push(Effect::JobDone(JobOutcome {
                job: waiter,
                unit: name.clone(),
                result,
                reason: reason.clone(),
            }));
        }
    }
}

/// A restart of something else may take it along: it runs, and nothing has told it to stop.
fn can_be_restarted(slot: &Slot) -> bool {
    let to_stop = slot.job.as_ref().is_some_and(|job| job.verb == Verb::Stop);
    let stopping = slot
        .activation()
        .is_some_and(|activation| activation.told_to_stop);
    slot.is_live() && slot.definition.is_some() && !to_stop && (!stopping || slot.job.is_some())
}

/// Units of kinds that only the host has; their state is not followed.
pub(crate) const fn is_host_kind(kind: UnitKind) -> bool {
    match kind {
        UnitKind::Mount
        | UnitKind::Automount
        | UnitKind::Swap
        | UnitKind::Device
        | UnitKind::Slice
        | UnitKind::Scope => true,
        UnitKind::Service
        | UnitKind::Target
        | UnitKind::Socket
        | UnitKind::Timer
        | UnitKind::Path => false,
    }
}

fn host_owned(name: &UnitName) -> bool {
    is_host_kind(name.kind())
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
