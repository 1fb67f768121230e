//! What operators ask for: the verbs of systemctl, of units by name.
//!
//! Each unit that is named makes a transaction ([`crate::transaction`]), which is done as a whole or
//! refused. A request is a wish that outlives its jobs: a stop by hand holds until a start by hand or
//! a commit that changes the unit, a start by hand holds for a unit that no target wants.
use super::slot::Slot;
use super::{Engine, Outbox};
use crate::JobId;
use crate::api::{Effect, JobMode, JobOutcome, JobResult, JobType, Verb};
use crate::neighbours::Neighbours;
use crate::snapshot::ActiveState;
use crate::transaction::{self, Standing, View};
use gitproc_unit::{Family, UnitName};
use std::collections::BTreeMap;

/// What a verb comes to, for one unit as it stands.
enum Asked {
    Job(JobType),
    /// There is nothing to do.
    Nothing,
}

impl Engine {
    pub(super) fn request(
        &mut self,
        job: JobId,
        verb: Verb,
        mode: JobMode,
        units: &[UnitName],
        out: &mut Outbox,
    ) {
        for unit in units {
            let done = self.request_one(job, verb, mode, unit, out);
            let (result, reason) = match done {
                Ok(true) => continue,
                Ok(false) => (JobResult::Done, None),
                Err((result, reason)) => (result, Some(reason)),
            };
            out.answers.push(Effect::JobDone(JobOutcome {
                job,
                unit: unit.clone(),
                result,
                reason,
            }));
        }
    }

    /// Whether a job was put on the unit, which will answer.
    fn request_one(
        &mut self,
        job: JobId,
        verb: Verb,
        mode: JobMode,
        unit: &UnitName,
        out: &mut Outbox,
    ) -> Result<bool, (JobResult, String)> {
        let Some(slot) = self.slot(unit) else {
            return Err((
                JobResult::NotFound,
                format!("no unit {unit} in this commit"),
            ));
        };
        let mode = match verb {
            Verb::Isolate => JobMode::Isolate,
            _ => mode,
        };
        let kind = match self.asked(slot, unit, verb)? {
            Asked::Nothing => return Ok(false),
            Asked::Job(kind) => kind,
        };
        let goes_up = kind != JobType::Stop;
        if goes_up && self.shutdown.is_some() {
            return Err((JobResult::Canceled, "gitproc is shutting down".into()));
        }
        if mode == JobMode::Isolate {
            may_isolate(slot, unit, kind)?;
        }
        let jobs = self
            .transaction(unit, kind, mode)
            .map_err(|refusal| (JobResult::Invalid, refusal))?;
        for (name, kind) in &jobs {
            self.take_as_wish(name, *kind, name == unit);
        }
        self.install_all(unit, &jobs, mode, Some(job), out);
        Ok(jobs.contains_key(unit))
    }

    /// The jobs that one job brings about, itself among them; or why it can't be.
    pub(super) fn transaction(
        &self,
        unit: &UnitName,
        kind: JobType,
        mode: JobMode,
    ) -> Result<BTreeMap<UnitName, JobType>, String> {
        let mut jobs =
            transaction::jobs(self, unit, kind, mode).map_err(|refusal| refusal.to_string())?;
        // What only passes a reload on has nothing to do itself.
        jobs.retain(|name, kind| {
            *kind != JobType::Reload || self.slot(name).is_some_and(Slot::knows_reload)
        });
        Ok(jobs)
    }

    /// Puts the jobs of a transaction on their units; `waiter` waits for that of `unit`.
    pub(super) fn install_all(
        &mut self,
        unit: &UnitName,
        jobs: &BTreeMap<UnitName, JobType>,
        mode: JobMode,
        waiter: Option<JobId>,
        out: &mut Outbox,
    ) {
        for (name, kind) in jobs {
            let waiter = waiter.filter(|_| name == unit);
            self.install(name, *kind, waiter, out);
            let unordered = mode == JobMode::IgnoreDependencies;
            if let Some(job) = self.touch(name).and_then(|slot| slot.job.as_mut()) {
                job.unordered |= unordered;
                job.alone |= unordered || mode == JobMode::IgnoreRequirements;
            }
        }
    }

    /// The job that a verb means, or why it means none.
    fn asked(
        &self,
        slot: &Slot,
        unit: &UnitName,
        verb: Verb,
    ) -> Result<Asked, (JobResult, String)> {
        let invalid = |reason: String| Err((JobResult::Invalid, reason));
        let (active, _) = slot.states();
        let leaving = matches!(
            active,
            ActiveState::Inactive | ActiveState::Failed | ActiveState::Deactivating
        );
        let reloads = slot.knows_reload();
        let passes_on = || self.neighbours.reloaded(unit).next().is_some();
        let kind = match verb {
            Verb::Start | Verb::Isolate => JobType::Start,
            Verb::Stop => JobType::Stop,
            Verb::Restart => JobType::Restart,
            Verb::TryRestart | Verb::TryReloadOrRestart if leaving => return Ok(Asked::Nothing),
            Verb::ReloadOrRestart if leaving => JobType::Start,
            Verb::ReloadOrRestart | Verb::TryReloadOrRestart if reloads => JobType::Reload,
            Verb::TryRestart | Verb::ReloadOrRestart | Verb::TryReloadOrRestart => JobType::Restart,
            Verb::Reload => JobType::Reload,
        };
        if slot.is_built_in() {
            return match kind {
                JobType::Start if slot.is_up() => Ok(Asked::Job(kind)),
                _ => invalid(format!("{unit} belongs to the host")),
            };
        }
        refused_by_hand(slot, unit, kind)?;
        match kind {
            JobType::Start | JobType::Restart if slot.definition.is_none() => Err((
                JobResult::NotFound,
                format!("no unit {unit} in this commit"),
            )),
            JobType::Start | JobType::Restart if !slot.is_runnable() => {
                invalid(format!("{} units are not run yet", unit.kind().suffix()))
            }
            JobType::Reload if slot.job_is(JobType::Stop) => {
                invalid(format!("{unit} is being stopped"))
            }
            JobType::Reload if !slot.is_up() => invalid(format!("{unit} is not active")),
            JobType::Reload if !reloads && !passes_on() => invalid(format!(
                "{unit} can't be reloaded (it has no ExecReload=, and is not of Type=notify-reload)"
            )),
            JobType::Start | JobType::Stop | JobType::Restart | JobType::Reload => {
                Ok(Asked::Job(kind))
            }
        }
    }

    /// What an operator wants holds on: a start lifts an earlier stop and begins a new count of
    /// restarts, a stop keeps it down. `by_name`: it was named, and not only pulled in.
    pub(super) fn take_as_wish(&mut self, unit: &UnitName, kind: JobType, by_name: bool) {
        let Some(slot) = self.touch(unit) else { return };
        match kind {
            JobType::Stop => {
                slot.stopped_by_operator = slot.wanted;
                slot.started_by_operator = false;
                slot.raised = None;
            }
            JobType::Restart if !by_name => {}
            JobType::Start | JobType::Restart => {
                slot.restarts = 0;
                slot.stopped_by_operator = false;
                slot.started_by_operator |= by_name && !slot.wanted;
                slot.wanted = true;
            }
            JobType::Reload => {}
        }
    }

    /// PropagatesReloadTo=, of a unit that reloads by itself: nothing that is under way is changed
    /// for that.
    pub(super) fn reload_along(&mut self, unit: &UnitName, out: &mut Outbox) {
        let jobs = transaction::jobs(self, unit, JobType::Reload, JobMode::Fail);
        for (name, kind) in jobs.unwrap_or_default() {
            let free = self.slot(&name).is_some_and(|slot| {
                slot.job.is_none() && slot.knows_reload() && kind == JobType::Reload
            });
            if free && name != *unit {
                self.put_job(&name, kind, None, false, out);
            }
        }
    }

    /// Puts a job of a transaction on its unit.
    fn install(&mut self, unit: &UnitName, kind: JobType, waiter: Option<JobId>, out: &mut Outbox) {
        // What runs an older definition is brought to the wanted one, not left as it is.
        match kind {
            JobType::Start if self.slot(unit).is_some_and(Slot::is_outdated) => {
                self.put_restart(unit, waiter, false, out);
            }
            kind => self.put_job(unit, kind, waiter, false, out),
        }
    }
}

/// RefuseManualStart=, RefuseManualStop=.
fn refused_by_hand(slot: &Slot, unit: &UnitName, kind: JobType) -> Result<(), (JobResult, String)> {
    let says = |key| {
        let definition = slot.unit();
        definition.is_some_and(|unit| unit.settings.is_true(Family::Unit, key))
    };
    let up = matches!(kind, JobType::Start | JobType::Restart) && says("RefuseManualStart");
    let down = matches!(kind, JobType::Stop | JobType::Restart) && says("RefuseManualStop");
    let key = match (up, down) {
        (true, _) => "RefuseManualStart=yes",
        (false, true) => "RefuseManualStop=yes",
        (false, false) => return Ok(()),
    };
    Err((
        JobResult::Invalid,
        format!("{unit} is started and stopped by other units only ({key})"),
    ))
}

/// AllowIsolate=; of the host's targets, those that are a way of running it.
pub(super) fn may_isolate(
    slot: &Slot,
    unit: &UnitName,
    kind: JobType,
) -> Result<(), (JobResult, String)> {
    if kind != JobType::Start {
        let reason = "--job-mode=isolate is for starts".to_owned();
        return Err((JobResult::Invalid, reason));
    }
    let of_host = ["default.target", "multi-user.target", "graphical.target"];
    let allows = match slot.is_built_in() {
        true => of_host.contains(&unit.as_str()),
        false => slot
            .unit()
            .is_some_and(|unit| unit.settings.is_true(Family::Unit, "AllowIsolate")),
    };
    match allows {
        true => Ok(()),
        false => Err((
            JobResult::Invalid,
            format!("{unit} can't be isolated (its [Unit] has no AllowIsolate=yes)"),
        )),
    }
}

impl View for Engine {
    fn look(&self, unit: &UnitName) -> Option<Standing<'_>> {
        let slot = self.slot(unit)?;
        let of_host = slot.is_built_in();
        if !of_host && !slot.is_runnable() && !slot.is_live() {
            return None;
        }
        let (state, _) = slot.states();
        Some(Standing {
            wanted: slot.definition.as_ref().map(|(unit, _)| &**unit),
            present: slot.unit().map(|unit| &**unit),
            state,
            job: slot.job.as_ref().map(|job| job.kind),
            can_reload: slot.is_up()
                && (slot.knows_reload() || self.neighbours.reloaded(unit).next().is_some()),
            current: !slot.is_outdated(),
            of_host,
        })
    }

    fn names(&self) -> Vec<UnitName> {
        self.slots.keys().cloned().collect()
    }

    fn neighbours(&self) -> &Neighbours {
        &self.neighbours
    }

    fn is_after(&self, a: &UnitName, b: &UnitName) -> bool {
        Engine::is_after(self, a, b)
    }
}

impl Slot {
    /// It runs something else than what would be started now.
    pub fn is_outdated(&self) -> bool {
        let wanted = self.definition.as_ref().map(|(unit, _)| unit.meaning);
        let running = self.activation().map(|activation| activation.unit.meaning);
        running.is_some() && running != wanted
    }

    /// `reload` means something to the service itself.
    fn knows_reload(&self) -> bool {
        self.unit()
            .and_then(|unit| unit.service.as_deref())
            .is_some_and(super::activation::knows_reload)
    }

    /// It has a job of this kind.
    pub fn job_is(&self, kind: JobType) -> bool {
        self.job.as_ref().is_some_and(|job| job.kind == kind)
    }
}
