//! The engine: the one owner of all unit states.
//!
//! Level-triggered where the target is concerned: each new target is compared with what *is*, and
//! jobs are made from the difference ([`target`]); operators ask for others ([`request`]). Jobs
//! merge ([`jobs`]), spread to other units ([`spread`], [`steady`]) and wait for each other ([`dispatch`]); a start
//! whose turn it is asks for its conditions first ([`check`]). One
//! activation of one service runs by itself ([`activation`]). A daemon that was away takes up what
//! lives ([`adopt`]).
//!
//! Each step ends the same way ([`publish`]): records first (write-ahead), then acts, then news, then
//! answers.
mod activation;
mod adopt;
mod check;
mod consequence;
mod dispatch;
mod jobs;
mod publish;
mod request;
mod restart;
mod slot;
mod spread;
mod steady;
mod target;

pub use activation::end_words;

use crate::api::{HelperEvent, JobType, KillWhom};
use crate::neighbours::Neighbours;
use crate::protocol::Whom;
use crate::snapshot::{UnitResult, UnitStatus};
use crate::{Effect, Input, Instant, InvocationId, JobId};
use activation::{Activation, Progress};
use consequence::Ending;
use gitproc_unit::UnitName;
use restart::{delay_us, restarts_after};
use slot::{Phase, Slot, Turn};
use std::collections::{BTreeMap, BTreeSet};
use target::Apply;

/// What the engine is told once.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// The target whose closure is to run.
    pub default_target: UnitName,
    /// Randomness for invocation ids, from the shell (128 bits of getrandom(2)).
    pub seed: u128,
}

/// Decides. See [`crate::api`].
#[derive(Debug)]
pub struct Engine {
    config: EngineConfig,
    /// How many invocation ids were made.
    drawn: u64,
    slots: BTreeMap<UnitName, Slot>,
    /// Which unit an invocation belongs to.
    invocations: BTreeMap<InvocationId, UnitName>,
    /// Units that have a job.
    jobs: BTreeSet<UnitName>,
    /// Who has to be asked when a unit moves.
    neighbours: Neighbours,
    /// The target, and what its apply waits for.
    apply: Option<Apply>,
    /// Everything is to go down.
    shutdown: Option<JobId>,
    /// Units touched in this step.
    touched: BTreeSet<UnitName>,
    /// Units touched since jobs were last looked at.
    stirred: BTreeSet<UnitName>,
    /// Units whose start waits for all others.
    idling: BTreeSet<UnitName>,
    /// Units on their way up or down, as of the last step.
    under_way: BTreeSet<UnitName>,
    /// What [`Engine::due`] says of each unit, as of the last step.
    deadlines: BTreeSet<(Instant, UnitName)>,
}

/// What one step produces, in the order in which it has to happen.
#[derive(Debug, Default)]
struct Outbox {
    acts: Vec<Effect>,
    answers: Vec<Effect>,
}

impl Engine {
    /// An engine that knows no units yet.
    pub fn new(config: EngineConfig) -> Engine {
        Engine {
            config,
            drawn: 0,
            slots: BTreeMap::new(),
            invocations: BTreeMap::new(),
            jobs: BTreeSet::new(),
            neighbours: Neighbours::default(),
            apply: None,
            shutdown: None,
            touched: BTreeSet::new(),
            stirred: BTreeSet::new(),
            idling: BTreeSet::new(),
            under_way: BTreeSet::new(),
            deadlines: BTreeSet::new(),
        }
    }

    /// Takes one input, and appends what has to be done to `out`.
    pub fn step(&mut self, now: Instant, input: Input, out: &mut Vec<Effect>) {
        let mut outbox = Outbox::default();
        match input {
            Input::Target { job, commit, units } => {
                self.retarget(now, job, &commit, &units, &mut outbox);
            }
            Input::Request {
                job,
                verb,
                mode,
                units,
            } => self.request(job, verb, mode, &units, &mut outbox),
            Input::Kill { unit, whom, signal } => self.kill(&unit, whom, signal, &mut outbox),
            Input::ResetFailed { units } => self.reset_failed(&units),
            Input::Helper { invocation, event } => {
                self.helper_event(now, invocation, event, &mut outbox);
            }
            Input::Checked {
                unit,
                invocation,
                conditions,
                asserts,
            } => self.checked(now, &unit, invocation, conditions, asserts, &mut outbox),
            Input::Adopt {
                record,
                unit,
                state,
                alive,
            } => {
                self.adopt(now, record, unit, &state, alive, &mut outbox);
            }
            Input::Restore { unit, record } => self.restore(now, unit, record),
            Input::Tick => self.tick(now, &mut outbox),
            Input::Shutdown { job } => self.begin_shutdown(job, &mut outbox),
        }
        let mut steady = BTreeSet::new();
        self.keep_steady(&mut steady, &mut outbox);
        self.run_jobs(now, &mut outbox);
        while self.keep_steady(&mut steady, &mut outbox) {
            self.run_jobs(now, &mut outbox);
        }
        self.settle(&mut outbox);
        self.publish(now, outbox, out);
    }

    /// When [`Input::Tick`] is to be given next.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// When something of a unit is due. A restart waits for the first target: until then the
    /// definition is not known, nor whether it is wanted at all.
    fn due(&self, slot: &Slot) -> Option<Instant> {
        let restarts = matches!(slot.phase, Phase::AutoRestart { .. });
        slot.deadline()
            .filter(|_| !restarts || self.apply.is_some())
    }

    /// All units, by name.
    pub fn statuses(&self) -> Vec<UnitStatus> {
        self.slots
            .iter()
            .map(|(name, slot)| slot.status(name))
            .collect()
    }

    /// One unit.
    pub fn status(&self, unit: &UnitName) -> Option<UnitStatus> {
        self.slots.get(unit).map(|slot| slot.status(unit))
    }

    /// Whether what the unit has stored is to be kept (`FileDescriptorStoreMax=`). Until the first
    /// target it is not known what is wanted.
    pub fn keeps_descriptors(&self, unit: &UnitName) -> bool {
        self.apply.is_none() || self.slots.get(unit).is_some_and(Slot::keeps_descriptors)
    }

    /// Units whose jobs the current apply waits for.
    pub fn waits_for(&self) -> Vec<UnitName> {
        let pending = self.apply.iter().flat_map(|apply| &apply.pending);
        pending.cloned().collect()
    }

    // ── The slots ───────────────────────────────────────────────────────────────────────────

    /// Read-only look at a unit.
    fn slot(&self, name: &UnitName) -> Option<&Slot> {
        self.slots.get(name)
    }

    /// The only way to change a unit: it is looked at again at the end of the step.
    fn touch(&mut self, name: &UnitName) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(name)?;
        self.touched.insert(name.clone());
        self.stirred.insert(name.clone());
        Some(slot)
    }

    /// As [`Engine::touch`], and makes the slot if there is none.
    fn touch_or_new(&mut self, now: Instant, name: &UnitName) -> &mut Slot {
        self.touched.insert(name.clone());
        self.stirred.insert(name.clone());
        self.slots
            .entry(name.clone())
            .or_insert_with(|| Slot::new(now))
    }

    fn draw_invocation(&mut self) -> InvocationId {
        self.drawn += 1;
        let low = mix(self.config.seed as u64 ^ self.drawn);
        let high = mix((self.config.seed >> 64) as u64 ^ low.rotate_left(17) ^ self.drawn);
        InvocationId(u128::from(high) << 64 | u128::from(low))
    }

    // ── Events ──────────────────────────────────────────────────────────────────────────────

    /// The one place where events of foreign invocations are dropped.
    fn helper_event(
        &mut self,
        now: Instant,
        invocation: InvocationId,
        event: HelperEvent,
        out: &mut Outbox,
    ) {
        let Some(name) = self.invocations.get(&invocation).cloned() else {
            return;
        };
        let Some(activation) = self.touch(&name).and_then(Slot::activation_mut) else {
            return;
        };
        let progress = activation.event(now, event, &mut out.acts);
        self.progressed(now, &name, progress, out);
    }

    fn tick(&mut self, now: Instant, out: &mut Outbox) {
        let due: Vec<UnitName> = self
            .deadlines
            .iter()
            .take_while(|(at, _)| *at <= now)
            .map(|(_, name)| name.clone())
            .collect();
        for name in due {
            let Some(slot) = self.touch(&name) else {
                continue;
            };
            if slot.job_expires().is_some_and(|at| at <= now) {
                self.job_timed_out(&name, out);
                continue;
            }
            match &mut slot.phase {
                Phase::Active(activation) => {
                    let progress = activation.timeout(now, &mut out.acts);
                    self.progressed(now, &name, progress, out);
                }
                Phase::AutoRestart { .. } => self.auto_restart(&name, out),
                Phase::Dead | Phase::Failed | Phase::Reached => {}
            }
        }
    }

    fn progressed(&mut self, now: Instant, name: &UnitName, progress: Progress, out: &mut Outbox) {
        match progress {
            Progress::None => {}
            Progress::Started => self.start_finished(name, out),
            Progress::Reloaded { ok } => self.reload_finished(name, ok, out),
            Progress::Reloads => self.reload_along(name, out),
            Progress::Gone => self.activation_gone(now, name, out),
        }
    }

    /// The helper and its cgroup are gone: what becomes of the unit?
    fn activation_gone(&mut self, now: Instant, name: &UnitName, out: &mut Outbox) {
        let shutting_down = self.shutdown.is_some();
        let upheld = self.is_upheld(name);
        let Some(slot) = self.touch(name) else { return };
        let Phase::Active(activation) = std::mem::replace(&mut slot.phase, Phase::Dead) else {
            return;
        };
        let Activation {
            invocation,
            unit,
            told,
            result,
            reason,
            main_end,
            exec_main_pid,
            ..
        } = *activation;
        slot.result = result;
        slot.reason = reason;
        slot.main_end = main_end;
        slot.exec_main_pid = exec_main_pid.or(slot.exec_main_pid);
        let ended_well = matches!(result, UnitResult::Success | UnitResult::ExecCondition);
        slot.completed = ended_well.then_some(unit.meaning);
        let service = unit
            .service
            .as_deref()
            .expect("only services are activated");
        let to_stop = slot
            .job
            .as_ref()
            .is_some_and(|job| job.kind == JobType::Stop);
        let ends_for_good = matches!(
            result,
            UnitResult::ExecCondition | UnitResult::StartLimitHit
        );
        let restarts = told.is_none()
            && !to_stop
            && !shutting_down
            && !ends_for_good
            && (upheld || restarts_after(service, result, main_end));
        if told.is_some() || to_stop {
            // It did not end by itself: a target that wants it starts it again.
            slot.attempted = None;
            slot.completed = None;
        }
        slot.phase = match (restarts, ended_well) {
            (true, _) => Phase::AutoRestart {
                at: now.plus_us(delay_us(
                    &unit,
                    service.restart_us,
                    slot.restarts,
                    invocation,
                )),
            },
            (false, true) => Phase::Dead,
            (false, false) => Phase::Failed,
        };
        // A job that brings it back brings back what it was started for.
        let comes_back = slot.job.as_ref().is_some_and(|job| {
            let again = job.kind == JobType::Start && job.turn == Turn::Waiting;
            job.kind == JobType::Restart || again
        });
        if !restarts && !comes_back {
            slot.raised = None;
        }
        // An end by itself or a failure; what was stopped well asks nothing of the host.
        let asks = !restarts && !comes_back && (!ended_well || (told.is_none() && !to_stop));
        self.invocations.remove(&invocation);
        self.job_after_end(name, ended_well, out);
        if !restarts {
            self.stop_what_is_bound_to(name, true, out);
            let ending = Ending {
                unit: &unit,
                invocation: Some(invocation),
                result,
                main_end,
            };
            self.raise_what_follows(now, &ending, !ended_well, out);
            if asks {
                let key = match ended_well {
                    true => "SuccessAction",
                    false => "FailureAction",
                };
                self.ask_of_host(&unit, key, main_end, out);
            }
        }
    }

    fn kill(&mut self, unit: &UnitName, whom: KillWhom, signal: i32, out: &mut Outbox) {
        let Some(activation) = self.slot(unit).and_then(Slot::activation) else {
            return;
        };
        let whom = match whom {
            KillWhom::Main => Whom::Main,
            KillWhom::Control => Whom::Control,
            KillWhom::All => Whom::All,
        };
        out.acts.push(Effect::Signal {
            invocation: activation.invocation,
            whom,
            signal,
        });
    }

    fn reset_failed(&mut self, units: &[UnitName]) {
        let names: Vec<UnitName> = match units.is_empty() {
            true => self.slots.keys().cloned().collect(),
            false => units.to_vec(),
        };
        for name in names {
            let Some(slot) = self.touch(&name) else {
                continue;
            };
            slot.starts.clear();
            slot.restarts = 0;
            if matches!(slot.phase, Phase::Failed) {
                slot.phase = Phase::Dead;
                slot.result = UnitResult::Success;
                slot.reason = Some("failed before; the failure was reset".to_owned());
            }
        }
    }
}

/// SplitMix64's finaliser: spreads a counter over 64 bits.
const fn mix(counter: u64) -> u64 {
    let mut z = counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
