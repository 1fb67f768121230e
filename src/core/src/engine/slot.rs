//! What the engine knows of one unit, and how that is shown and recorded.
use super::activation::Activation;
use crate::api::{JobType, UNIT_RECORD_VERSION, UnitRecord};
use crate::protocol::ProcessEnd;
use crate::snapshot::{ActiveState, Checked, UnitResult, UnitStatus};
use crate::{CommitId, Instant, InvocationId, JobId};
use gitproc_unit::{Family, MeaningHash, Origin, Preserve, Unit, UnitKind, UnitName};
use std::collections::VecDeque;
use std::sync::Arc;

/// One unit.
#[derive(Debug)]
pub(super) struct Slot {
    /// The definition that is wanted, with its commit; `None` when the target has no such unit.
    pub definition: Option<(Arc<Unit>, CommitId)>,
    pub phase: Phase,
    pub job: Option<Job>,
    /// Pulled in by the default target, or by what an operator started.
    pub wanted: bool,
    pub stopped_by_operator: bool,
    pub started_by_operator: bool,
    /// It was started because of how another unit ended, which these variables tell; until it ends
    /// itself.
    pub raised: Option<Vec<(String, String)>>,
    /// Meaning of the last start; a unit that ended is not started again for the same meaning.
    pub attempted: Option<MeaningHash>,
    /// Meaning of the last start that ended well.
    pub completed: Option<MeaningHash>,
    /// What the conditions of the last start said.
    pub checked: Option<Checked>,
    pub result: UnitResult,
    pub reason: Option<String>,
    /// Something is to be told although the state is the same.
    pub news: bool,
    pub main_end: Option<ProcessEnd>,
    /// The last main process that is known of.
    pub exec_main_pid: Option<u32>,
    pub restarts: u32,
    /// Times of the last starts, for StartLimitBurst=.
    pub starts: VecDeque<Instant>,
    /// The meaning that these starts were of; another one begins a new count.
    pub limited: Option<MeaningHash>,
    /// What an operator asked of the last daemon, and what it did not finish.
    pub unfinished: Option<JobType>,
    /// Invocation of a record for which no helper has been found yet.
    pub unaccounted: Option<InvocationId>,
    /// When that came up, by its record.
    pub was_up_since: Option<Instant>,
    /// Until when its start waits for all others (`Type=idle`).
    pub idle_until: Option<Instant>,
    /// The deadline that the engine's index holds for it.
    pub tracked_deadline: Option<Instant>,
    /// When the state that is shown was entered.
    pub since: Instant,
    /// What was last shown and recorded, to tell what changed.
    pub shown: (ActiveState, &'static str),
    pub recorded: Option<UnitRecord>,
}

/// Where a unit stands between activations.
#[derive(Debug)]
pub(super) enum Phase {
    Dead,
    Failed,
    /// A target that is reached.
    Reached,
    Active(Box<Activation>),
    AutoRestart {
        at: Instant,
    },
}

/// The one job that a unit can have.
#[derive(Debug)]
pub(super) struct Job {
    pub kind: JobType,
    pub turn: Turn,
    /// Requests to be answered.
    pub waiters: Vec<JobId>,
    /// It belongs to the apply of the current target.
    pub apply: bool,
    /// It waits for nobody (`--job-mode=ignore-dependencies`).
    pub unordered: bool,
    /// Nothing came along, and what the unit requires need not be there (this one, and
    /// `--job-mode=ignore-requirements`).
    pub alone: bool,
    /// Since when there is one, and since when its turn has come: as of the end of the step.
    pub begun: Option<Instant>,
    pub running: Option<Instant>,
}

impl Job {
    pub fn new(kind: JobType, apply: bool) -> Job {
        Job {
            kind,
            turn: Turn::Waiting,
            waiters: Vec::new(),
            apply,
            unordered: false,
            alone: false,
            begun: None,
            running: None,
        }
    }

    /// When it is given up.
    fn expires(&self, unit: &Unit) -> Option<Instant> {
        let after = |key, from: Option<Instant>| {
            let us = unit.settings.number(Family::Unit, key);
            from.filter(|_| us != u64::MAX).map(|at| at.plus_us(us))
        };
        let waits = after("JobTimeoutSec", self.begun);
        let runs = after("JobRunningTimeoutSec", self.running);
        waits.into_iter().chain(runs).min()
    }
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It waits for others.
    Waiting,
    /// A start whose turn it is: the host is asked for the conditions of this invocation-to-be.
    Checking {
        invocation: InvocationId,
        /// It did not wait for its turn, because everything waited for each other.
        pushed: bool,
    },
    Running,
}

impl Slot {
    pub fn new(now: Instant) -> Slot {
        Slot {
            definition: None,
            phase: Phase::Dead,
            job: None,
            wanted: false,
            stopped_by_operator: false,
            started_by_operator: false,
            raised: None,
            attempted: None,
            completed: None,
            checked: None,
            result: UnitResult::Success,
            reason: None,
            news: false,
            main_end: None,
            exec_main_pid: None,
            restarts: 0,
            starts: VecDeque::new(),
            limited: None,
            unfinished: None,
            unaccounted: None,
            was_up_since: None,
            idle_until: None,
            tracked_deadline: None,
            since: now,
            shown: (ActiveState::Inactive, "dead"),
            recorded: None,
        }
    }

    pub fn activation(&self) -> Option<&Activation> {
        match &self.phase {
            Phase::Active(activation) => Some(activation),
            Phase::Dead | Phase::Failed | Phase::Reached | Phase::AutoRestart { .. } => None,
        }
    }

    pub fn activation_mut(&mut self) -> Option<&mut Activation> {
        match &mut self.phase {
            Phase::Active(activation) => Some(activation),
            Phase::Dead | Phase::Failed | Phase::Reached | Phase::AutoRestart { .. } => None,
        }
    }

    /// The definition that runs, or that would run.
    pub fn unit(&self) -> Option<&Arc<Unit>> {
        let wanted = self.definition.as_ref().map(|(unit, _)| unit);
        self.activation()
            .map(|activation| &activation.unit)
            .or(wanted)
    }

    /// A well-known target of the host that counts as reached.
    pub fn is_built_in(&self) -> bool {
        self.definition
            .as_ref()
            .is_some_and(|(unit, _)| matches!(unit.origin, Origin::BuiltIn { .. }))
    }

    /// Up: others that need it may start.
    pub fn is_up(&self) -> bool {
        match &self.phase {
            Phase::Reached => true,
            Phase::Active(activation) => activation.is_up(),
            Phase::Dead | Phase::Failed | Phase::AutoRestart { .. } => self
                .definition
                .as_ref()
                .is_some_and(|(unit, _)| matches!(unit.origin, Origin::BuiltIn { reached: true })),
        }
    }

    /// Something of it runs, is about to, or counts as running: a stop has something to do.
    pub fn is_live(&self) -> bool {
        match self.phase {
            Phase::Active(_) | Phase::Reached | Phase::AutoRestart { .. } => true,
            Phase::Dead | Phase::Failed => false,
        }
    }

    /// As `FileDescriptorStorePreserve=` says (systemd.service(5)).
    pub fn keeps_descriptors(&self) -> bool {
        let preserve = self.definition.as_ref().map(|(unit, _)| {
            let service = unit.service.as_deref();
            service.map_or(Preserve::No, |service| service.descriptor_store_preserve)
        });
        match (&self.phase, preserve) {
            (Phase::Active(_), _) | (_, Some(Preserve::Yes)) => true,
            (Phase::AutoRestart { .. }, Some(Preserve::Restart)) => true,
            (Phase::Dead | Phase::Failed, Some(Preserve::Restart)) => self.job.is_some(),
            (_, Some(Preserve::No) | None) | (Phase::Reached, _) => false,
        }
    }

    /// On its way down, and not because of its own restart policy.
    pub fn is_going_down(&self) -> bool {
        self.activation()
            .is_some_and(|activation| !activation.is_up() && !activation.is_starting())
    }

    pub fn states(&self) -> (ActiveState, &'static str) {
        match &self.phase {
            Phase::Dead if self.is_up() => (ActiveState::Active, "active"),
            Phase::Dead => (ActiveState::Inactive, "dead"),
            Phase::Failed => (ActiveState::Failed, "failed"),
            Phase::Reached => (ActiveState::Active, "active"),
            Phase::Active(activation) => activation.states(),
            Phase::AutoRestart { .. } => (ActiveState::Activating, "auto-restart"),
        }
    }

    /// When its job is given up.
    pub fn job_expires(&self) -> Option<Instant> {
        let job = self.job.as_ref()?;
        let (unit, _) = self.definition.as_ref()?;
        job.expires(unit)
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.own_deadline()
            .into_iter()
            .chain(self.job_expires())
            .min()
    }

    fn own_deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::AutoRestart { at } => Some(*at),
            Phase::Active(activation) => activation.due(),
            Phase::Dead | Phase::Failed | Phase::Reached => {
                let job = self.job.as_ref();
                let waits = job.is_some_and(|job| job.turn == Turn::Waiting);
                self.idle_until.filter(|_| waits)
            }
        }
    }

    /// What has to outlive the daemon; `None` when there is nothing to remember.
    pub fn record(&self) -> Option<UnitRecord> {
        let record = UnitRecord {
            version: UNIT_RECORD_VERSION,
            stopped_by_operator: self.stopped_by_operator,
            started_by_operator: self.started_by_operator,
            raised: self.raised.clone(),
            failed: matches!(self.phase, Phase::Failed).then_some(self.result),
            completed: self.completed,
            reason: self.reason.clone(),
            restarts: self.restarts,
            main_end: self.main_end,
            exec_main_pid: self.last_main_pid(),
            meaning: self.attempted,
            commit: self
                .activation()
                .map(|activation| activation.commit.clone()),
            auto_restart: matches!(self.phase, Phase::AutoRestart { .. }),
            restart_at: match self.phase {
                Phase::AutoRestart { at } => Some(at),
                _ => None,
            },
            // The stops of an apply follow from the target; its restarts do not, once half done.
            job: self
                .job
                .as_ref()
                .filter(|job| !job.apply || job.kind != JobType::Stop)
                .map(|job| job.kind),
            invocation: self.activation().map(|activation| activation.invocation),
            checked: self.checked.clone(),
            up_since: self.activation().and_then(|activation| activation.up_since),
        };
        let nothing = record.meaning.is_none()
            && record.checked.is_none()
            && !record.stopped_by_operator
            && !record.started_by_operator
            && record.raised.is_none()
            && record.job.is_none();
        (!nothing).then_some(record)
    }

    pub fn status(&self, name: &UnitName) -> UnitStatus {
        let (active, sub) = self.states();
        let activation = self.activation();
        let reason = activation
            .and_then(|a| a.reason.clone())
            .or_else(|| self.reason.clone());
        UnitStatus {
            unit: name.clone(),
            description: self
                .unit()
                .map_or_else(String::new, |u| u.unit.description.clone()),
            active,
            sub: sub.to_owned(),
            result: activation.map_or(self.result, |a| a.result),
            reason,
            wanted: self.wanted,
            override_: match (self.stopped_by_operator, self.started_by_operator) {
                (true, _) => Some("stopped by an operator".to_owned()),
                (false, true) => Some("started by an operator".to_owned()),
                (false, false) => self
                    .raised
                    .as_ref()
                    .map(|_| "started by another unit".to_owned()),
            },
            since: self.since.0,
            invocation: activation.map(|a| a.invocation),
            main_pid: activation.and_then(|a| a.main_pid),
            exec_main_pid: self.last_main_pid(),
            control_pid: activation.and_then(|a| a.control_pid),
            main_end: activation.and_then(|a| a.main_end).or(self.main_end),
            restarts: self.restarts,
            status_text: activation.and_then(|a| a.status_text.clone()),
            status_errno: activation.and_then(|a| a.status_errno),
            commit: activation
                .map(|a| a.commit.clone())
                .or_else(|| self.definition.as_ref().map(|(_, commit)| commit.clone())),
            running_meaning: activation.map(|a| a.unit.meaning),
            job: self.job.as_ref().map(|job| {
                let kind = job.kind.as_str();
                let turn = match job.turn {
                    Turn::Waiting => "waiting",
                    Turn::Checking { .. } | Turn::Running => "running",
                };
                format!("{kind} {turn}")
            }),
            restart_at: match self.phase {
                Phase::AutoRestart { at } => Some(at.0),
                _ => None,
            },
            checked: self.checked.clone(),
        }
    }

    /// Down because its conditions did not hold: what requires it may start all the same.
    pub fn is_skipped(&self) -> bool {
        matches!(self.phase, Phase::Dead) && self.result == UnitResult::Condition
    }

    /// It is down, and its job is to start it; a new target, which drops the job, finds it so.
    pub fn is_still_to_start(&mut self) {
        self.attempted = None;
        self.completed = None;
        if matches!(self.phase, Phase::AutoRestart { .. }) {
            self.phase = Phase::Dead;
        }
    }

    fn last_main_pid(&self) -> Option<u32> {
        self.activation()
            .and_then(|activation| activation.exec_main_pid)
            .or(self.exec_main_pid)
    }

    /// A kind that this version runs.
    pub fn is_runnable(&self) -> bool {
        self.definition.as_ref().is_some_and(|(unit, _)| {
            matches!(unit.name.kind(), UnitKind::Service | UnitKind::Target)
        })
    }
}
