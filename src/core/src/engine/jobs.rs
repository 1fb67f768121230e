//! Jobs: one per unit, made by requests, by applies and by dependencies; how they merge, and end.
//!
//! The rules are systemd's (systemd.unit(5)). When a job's turn comes is told in [`super::dispatch`],
//! who goes along in [`super::spread`].
use super::slot::{Job, Phase, Slot, Turn};
use super::spread::{can_be_restarted, requires};
use super::{Engine, Outbox};
use crate::JobId;
use crate::api::{Effect, JobOutcome, JobResult, JobType};
use crate::snapshot::UnitResult;
use gitproc_unit::UnitName;

impl Engine {
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
            for name in self.with_what_stops(&other) {
                self.put_job(&name, JobType::Stop, None, apply, out);
                self.say_why_it_stops(&name, format!("{unit} excludes it (Conflicts=)"));
            }
        }
        // What runs an older definition is brought to the wanted one, not left as it is.
        match self.slot(unit).is_some_and(Slot::is_outdated) {
            true => self.put_restart(unit, waiter, apply, out),
            false => self.put_job(unit, JobType::Start, waiter, apply, out),
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
                self.put_job(&name, JobType::Restart, waiter, apply, out);
            } else if self.slot(&name).is_some_and(can_be_restarted) {
                self.put_job(&name, JobType::Restart, None, apply, out);
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
        kind: JobType,
        waiter: Option<JobId>,
        apply: bool,
        out: &mut Outbox,
    ) {
        let Some(slot) = self.touch(unit) else { return };
        let live = slot.is_live();
        let mut job = match slot.job.take() {
            None => Job::new(kind, apply),
            Some(old) => match (old.kind, kind) {
                (a, b) if a == b => old,
                // The older one does what the newer one asks for, and more.
                (JobType::Restart, JobType::Start)
                | (JobType::Restart | JobType::Start, JobType::Reload) => old,
                (JobType::Start, JobType::Restart) => Job {
                    kind: if live { kind } else { JobType::Start },
                    turn: Turn::Waiting,
                    ..old
                },
                (_, _) => {
                    self.cancel(unit, old, kind, out);
                    Job::new(kind, false)
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

    pub(super) fn cancel(&mut self, unit: &UnitName, job: Job, by: JobType, out: &mut Outbox) {
        if let Some(apply) = &mut self.apply {
            apply.pending.remove(unit);
        }
        for waiter in job.waiters {
            out.answers.push(Effect::JobDone(JobOutcome {
                job: waiter,
                unit: unit.clone(),
                result: JobResult::Canceled,
                reason: Some(format!("a {} of {unit} took its place", by.as_str())),
            }));
        }
    }

    // ── Ends of jobs ────────────────────────────────────────────────────────────────────────

    pub(super) fn start_finished(&mut self, name: &UnitName, out: &mut Outbox) {
        let starts = self
            .slot(name)
            .and_then(|slot| slot.job.as_ref())
            .is_some_and(|job| job.kind == JobType::Start);
        if starts {
            self.job_done(name, JobResult::Done, None, out);
        }
        self.start_what_lacked(name, out);
    }

    /// Units that are wanted or upheld, and whose start failed only because this one was not up, get
    /// their turn now.
    /// (systemd leaves them down; but what the commit wants is to run.)
    fn start_what_lacked(&mut self, name: &UnitName, out: &mut Outbox) {
        let lacking: Vec<UnitName> = self
            .neighbours
            .needing(name)
            .filter(|other| {
                self.slot(other).is_some_and(|slot| {
                    (slot.wanted || self.is_upheld(other))
                        && !slot.stopped_by_operator
                        && slot.job.is_none()
                        && matches!(slot.phase, Phase::Dead)
                        && slot.result == UnitResult::Dependency
                })
            })
            .cloned()
            .collect();
        for other in lacking {
            self.put_start(&other, None, false, out);
        }
    }

    pub(super) fn reload_finished(&mut self, name: &UnitName, ok: bool, out: &mut Outbox) {
        let reloads = self
            .slot(name)
            .and_then(|slot| slot.job.as_ref())
            .is_some_and(|job| job.kind == JobType::Reload);
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
        match job.kind {
            JobType::Stop => {
                slot.attempted = None;
                slot.completed = None;
                self.job_done(name, JobResult::Done, None, out);
            }
            JobType::Restart => {
                job.kind = JobType::Start;
                job.turn = Turn::Waiting;
                slot.is_still_to_start();
            }
            JobType::Start if job.turn == Turn::Waiting => slot.is_still_to_start(),
            JobType::Start if well => self.job_done(name, JobResult::Done, None, out),
            JobType::Start => {
                self.job_done(name, JobResult::Failed, reason, out);
                self.fail_waiting_dependents(name, out);
            }
            JobType::Reload => self.job_done(name, JobResult::Failed, reason, out),
        }
    }

    /// Starts that wait for a unit that they need, and that did not come up.
    pub(super) fn fail_waiting_dependents(&mut self, name: &UnitName, out: &mut Outbox) {
        let waiting: Vec<UnitName> =
            self.neighbours
                .needing(name)
                .filter(|other| {
                    self.slot(other).is_some_and(|slot| {
                        let starts = slot.job.as_ref().is_some_and(|job| {
                            job.kind == JobType::Start && job.turn == Turn::Waiting
                        });
                        let needs = slot
                            .definition
                            .as_ref()
                            .is_some_and(|(unit, _)| requires(unit, name));
                        starts && needs && !slot.is_live()
                    })
                })
                .cloned()
                .collect();
        for other in waiting {
            self.start_lacks(&other, format!("{name} did not come up"), out);
        }
    }

    /// JobTimeoutSec=, JobRunningTimeoutSec=: the job is given up; what runs goes on.
    pub(super) fn job_timed_out(&mut self, name: &UnitName, out: &mut Outbox) {
        let Some(slot) = self.touch(name) else { return };
        let Some(job) = &slot.job else { return };
        let unit = slot.unit().cloned();
        let (kind, waited) = (job.kind, job.turn == Turn::Waiting);
        let key = match waited {
            true => "JobTimeoutSec=",
            false => "JobTimeoutSec=, JobRunningTimeoutSec=",
        };
        let reason = format!("its {} job timed out ({key})", kind.as_str());
        let goes_up = matches!(kind, JobType::Start | JobType::Restart);
        if goes_up && !slot.is_live() {
            slot.reason = Some(reason.clone());
            slot.attempted = None;
            slot.completed = None;
            slot.news = true;
        } else if goes_up && slot.is_going_down() {
            // It stays down: nothing is left that would start it.
            self.say_why_it_stops(name, reason.clone());
        }
        self.job_done(name, JobResult::Timeout, Some(reason), out);
        if let Some(unit) = unit {
            self.ask_of_host(&unit, "JobTimeoutAction", None, out);
        }
        if kind == JobType::Start {
            self.fail_waiting_dependents(name, out);
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
            let failed = matches!(
                result,
                JobResult::Failed | JobResult::Dependency | JobResult::Assert | JobResult::Timeout
            );
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
