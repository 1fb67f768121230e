//! One history: draws what happens next, carries effects to the fake kernel and reports back,
//! and checks the invariants of docs/architecture.md.
use crate::kernel::Kernel;
use crate::random::Random;
use crate::units::{self, Era};
use gitproc_core::api::{Effect, HelperEvent, Input, KillWhom, UnitRecord, Verb};
use gitproc_core::protocol::{Failure, Notify, ProcessEnd};
use gitproc_core::snapshot::{ActiveState, UnitResult, UnitStatus};
use gitproc_core::spec::ExecStep;
use gitproc_core::{CommitId, Engine, EngineConfig, Instant, InvocationId, JobId, JobMode, graph};
use gitproc_unit::{
    ExecRole, Family, Origin, Outcome, Restart, ServiceType, Unit, UnitKind, UnitName, UnitSet,
    Verdict,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Turns with faults.
const FAULTY_TURNS: usize = 150;
/// Turns after which a history that does not come to rest is a liveness violation.
const CALM_TURNS: usize = 5_000;

/// One line of the story, if it is to be told.
macro_rules! tell {
    ($world:expr, $($line:tt)*) => {
        if $world.told {
            let line = format!($($line)*);
            let at = $world.now.0;
            $world.story.push(format!("{at:>12} {line}"));
        }
    };
}

pub struct World {
    random: Random,
    now: Instant,
    engine: Engine,
    kernel: Kernel,
    commit: CommitId,
    units: Arc<UnitSet>,
    commits: BTreeMap<CommitId, Arc<UnitSet>>,
    records: BTreeMap<UnitName, UnitRecord>,
    /// Requests and targets that are still to be answered.
    requests: BTreeSet<(JobId, UnitName)>,
    targets: BTreeSet<JobId>,
    /// Invocations that this daemon made or adopted.
    known: BTreeSet<InvocationId>,
    /// Questions about conditions that are not answered yet.
    checks: Vec<(InvocationId, Arc<Unit>)>,
    /// Invocations whose conditions and asserts held, with the definition that was asked about.
    held: BTreeMap<InvocationId, Arc<Unit>>,
    /// Units that an operator had started without what they require.
    loose: BTreeSet<UnitName>,
    era: Era,
    next_job: u64,
    faults: bool,
    shutting_down: bool,
    /// Whether the story is kept, which takes longer than the history.
    told: bool,
    story: Vec<String>,
}

/// It says itself when it is ready.
fn notifies(kind: ServiceType) -> bool {
    matches!(kind, ServiceType::Notify | ServiceType::NotifyReload)
}

fn default_target() -> UnitName {
    UnitName::parse("default.target").expect("valid")
}

fn new_engine(random: &mut Random) -> Engine {
    let seed = u128::from(random.next()) << 64 | u128::from(random.next());
    Engine::new(EngineConfig {
        default_target: default_target(),
        seed,
    })
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for line in &self.story {
                eprintln!("{line}");
            }
        }
    }
}

impl World {
    pub fn new(seed: u64, era: Era, told: bool) -> World {
        let mut random = Random::new(seed);
        let units = units::random_set(&mut random, era);
        let engine = new_engine(&mut random);
        World {
            random,
            now: Instant(1_000_000),
            engine,
            kernel: Kernel::default(),
            commit: CommitId("0".repeat(40)),
            units: Arc::clone(&units),
            commits: BTreeMap::from([(CommitId("0".repeat(40)), units)]),
            records: BTreeMap::new(),
            requests: BTreeSet::new(),
            targets: BTreeSet::new(),
            known: BTreeSet::new(),
            checks: Vec::new(),
            held: BTreeMap::new(),
            loose: BTreeSet::new(),
            era,
            next_job: 0,
            faults: true,
            shutting_down: false,
            told,
            story: Vec::new(),
        }
    }

    pub fn run(mut self) {
        self.target();
        for _ in 0..FAULTY_TURNS {
            self.faulty_turn();
        }
        self.faults = false;
        tell!(self, "── the faults stop ──");
        self.come_to_rest();
        self.check_liveness();
        if self.random.percent(40) {
            self.shut_down();
        }
    }

    fn job(&mut self) -> JobId {
        self.next_job += 1;
        JobId(self.next_job)
    }

    // ── Turns ───────────────────────────────────────────────────────────────────────────────

    fn faulty_turn(&mut self) {
        self.now = self.now.plus_us(self.random.next() % 50_000);
        match self.random.below(100) {
            35..42 if !self.checks.is_empty() => drop(self.answer_a_check()),
            0..40 => drop(self.deliver()),
            40..75 => self.kernel_does_something(),
            75..82 => self.tick(),
            82..90 => self.request(),
            90..93 => self.new_commit(),
            93..95 => self.crash("between two steps"),
            95..97 => self.foreign_event(),
            97..99 => self.lose_a_helper(),
            _ => self.reset_failed(),
        }
    }

    /// Gives the engine the oldest report of some invocation.
    fn deliver(&mut self) -> bool {
        let waiting: Vec<InvocationId> = self
            .kernel
            .queues
            .iter()
            .filter(|(_, queue)| !queue.is_empty())
            .map(|(invocation, _)| *invocation)
            .collect();
        let Some(&invocation) = self.random.pick(&waiting) else {
            return false;
        };
        let queue = self
            .kernel
            .queues
            .get_mut(&invocation)
            .expect("it is waiting");
        let event = queue.pop_front().expect("it is not empty");
        let gone = event == HelperEvent::Gone;
        tell!(self, "event {invocation} {event:?}");
        let crashed = self.step(Input::Helper { invocation, event });
        if gone && !crashed {
            // The shell forgets the invocation only after the engine has taken its end.
            self.kernel.remains.remove(&invocation);
            self.kernel.queues.remove(&invocation);
        }
        true
    }

    /// The host answers some question about conditions, the newest as likely as the oldest.
    fn answer_a_check(&mut self) -> bool {
        if self.checks.is_empty() {
            return false;
        }
        let place = self.random.below(self.checks.len());
        let (invocation, unit) = self.checks.swap_remove(place);
        let section = &unit.unit;
        let mut draw = || match self.random.below(8) {
            0 | 1 => Outcome::Failed,
            2 => Outcome::Error,
            _ => Outcome::Held,
        };
        let conditions = Verdict::of(&section.conditions, |_| draw());
        let asserts = match conditions.holds() {
            true => Verdict::of(&section.asserts, |_| draw()),
            false => Verdict::untested(&section.asserts),
        };
        let holds = conditions.holds() && asserts.holds();
        let name = unit.name.clone();
        tell!(self, "check of {name} {invocation} holds: {holds}");
        if holds {
            self.held.insert(invocation, unit);
        }
        self.step(Input::Checked {
            unit: name,
            invocation,
            conditions,
            asserts,
        });
        true
    }

    fn kernel_does_something(&mut self) {
        let living: Vec<InvocationId> = self.kernel.helpers.keys().copied().collect();
        let Some(&invocation) = self.random.pick(&living) else {
            return;
        };
        let helper = &self.kernel.helpers[&invocation];
        let ready = helper.state.ready;
        let control = helper.state.control.is_some();
        let main = helper.state.main_pid.is_some();
        let awaits = helper.awaits_pid_file;
        let notify = notifies(helper.service_type());
        let reloads = helper.reloads;
        let end = match self.random.below(8) {
            0..4 => ProcessEnd::Exited(0),
            4 => ProcessEnd::Exited(1),
            5 => ProcessEnd::Killed(15),
            6 => ProcessEnd::Killed(9),
            _ => ProcessEnd::Dumped(11),
        };
        tell!(self, "kernel moves {invocation} ({end:?})");
        if !ready {
            match self.random.percent(95) {
                true => self.kernel.make_ready(invocation),
                false => self.fail_setup(invocation),
            }
        } else if control {
            self.kernel.end_control(invocation, end);
        } else if awaits && self.random.percent(80) {
            self.kernel.write_pid_file(invocation);
        } else if reloads && self.random.percent(60) {
            self.kernel.reload(invocation, self.now);
        } else if main && notify && self.random.percent(70) {
            self.kernel.notify_ready(invocation);
        } else if main && self.era >= Era::Whole && self.random.percent(40) {
            self.process_speaks(invocation);
        } else if main && self.random.percent(40) {
            self.kernel.end_main(invocation, end);
        } else if let Some(helper) = self.kernel.helpers.get_mut(&invocation) {
            helper.deaf = self.random.percent(30);
        }
    }

    /// The main process says something, or the kernel kills it for want of memory.
    fn process_speaks(&mut self, invocation: InvocationId) {
        let said = match self.random.below(7) {
            0..3 => Notify {
                watchdog: true,
                ..Notify::default()
            },
            3 => Notify {
                watchdog_us: Some(50_000 + self.random.next() % 1_000_000),
                ..Notify::default()
            },
            4 => Notify {
                extend_timeout_us: Some(self.random.next() % 2_000_000),
                ..Notify::default()
            },
            5 => match self.random.below(3) {
                0 => Notify {
                    watchdog_trigger: true,
                    ..Notify::default()
                },
                1 => Notify {
                    stopping: true,
                    ..Notify::default()
                },
                _ => Notify {
                    reloading: true,
                    ..Notify::default()
                },
            },
            _ => return self.kernel.starve(invocation, self.random.percent(50)),
        };
        tell!(self, "{invocation} says {said:?}");
        self.kernel.notify(invocation, said);
    }

    fn fail_setup(&mut self, invocation: InvocationId) {
        let failure = Failure {
            step: ExecStep::Namespace,
            errno: 1,
            detail: "mount".into(),
        };
        if let Some(helper) = self.kernel.helpers.get_mut(&invocation) {
            helper.state.failed = Some(failure.clone());
        }
        let queue = self.kernel.queues.entry(invocation).or_default();
        queue.push_back(HelperEvent::Failed(failure));
        self.kernel.remove(invocation, true);
    }

    fn lose_a_helper(&mut self) {
        let living: Vec<InvocationId> = self.kernel.helpers.keys().copied().collect();
        if let Some(&invocation) = self.random.pick(&living) {
            tell!(self, "helper of {invocation} is killed");
            self.kernel.remove(invocation, false);
        }
    }

    fn tick(&mut self) {
        if let Some(at) = self.engine.deadline() {
            self.now = self.now.max(at);
            tell!(self, "tick");
            self.step(Input::Tick);
        }
    }

    fn some_unit(&mut self) -> UnitName {
        UnitName::parse(&format!("u{}.service", self.random.below(units::UNITS))).expect("valid")
    }

    fn request(&mut self) {
        let (verb, mode) = match self.era {
            Era::Related | Era::Whole => self.some_verb(),
            Era::Plain | Era::Conditions => {
                let verbs = [Verb::Start, Verb::Stop, Verb::Restart, Verb::Reload];
                (verbs[self.random.below(4)], JobMode::Replace)
            }
        };
        let unit = self.some_unit();
        if self.random.percent(10) {
            tell!(self, "kill {unit}");
            self.step(Input::Kill {
                unit,
                whom: KillWhom::All,
                signal: 15,
            });
            return;
        }
        if matches!(
            mode,
            JobMode::IgnoreRequirements | JobMode::IgnoreDependencies
        ) {
            self.loose.insert(unit.clone());
        }
        let job = self.job();
        tell!(self, "request {job:?} {verb:?} {unit} ({mode:?})");
        self.requests.insert((job, unit.clone()));
        self.step(Input::Request {
            job,
            verb,
            mode,
            units: vec![unit],
        });
    }

    fn some_verb(&mut self) -> (Verb, JobMode) {
        let verbs = [
            Verb::Start,
            Verb::Start,
            Verb::Stop,
            Verb::Stop,
            Verb::Restart,
            Verb::Reload,
            Verb::TryRestart,
            Verb::ReloadOrRestart,
            Verb::TryReloadOrRestart,
            Verb::Isolate,
        ];
        let mode = match self.random.below(10) {
            0 => JobMode::Fail,
            1 => JobMode::IgnoreRequirements,
            2 => JobMode::IgnoreDependencies,
            _ => JobMode::Replace,
        };
        (verbs[self.random.below(verbs.len())], mode)
    }

    fn reset_failed(&mut self) {
        let unit = self.some_unit();
        tell!(self, "reset-failed {unit}");
        self.step(Input::ResetFailed { units: vec![unit] });
    }

    fn new_commit(&mut self) {
        let back = self.random.percent(30);
        let known: Vec<CommitId> = self.commits.keys().cloned().collect();
        let commit = match back {
            true => self
                .random
                .pick(&known)
                .cloned()
                .expect("there is a first one"),
            false => CommitId(format!("{:040x}", self.commits.len())),
        };
        let units = match self.commits.get(&commit) {
            Some(units) => Arc::clone(units),
            None => units::random_set(&mut self.random, self.era),
        };
        self.commits.insert(commit.clone(), Arc::clone(&units));
        self.commit = commit;
        self.units = units;
        self.target();
    }

    fn target(&mut self) {
        let job = self.job();
        self.targets.insert(job);
        tell!(
            self,
            "target {} {job:?}",
            self.commit.0.trim_start_matches('0')
        );
        let input = Input::Target {
            job,
            commit: self.commit.clone(),
            units: Arc::clone(&self.units),
        };
        self.step(input);
    }

    fn foreign_event(&mut self) {
        let invocation = InvocationId(u128::from(self.random.next()));
        let event = match self.random.below(3) {
            0 => HelperEvent::Gone,
            1 => HelperEvent::Empty,
            _ => HelperEvent::MainExited(ProcessEnd::Killed(9)),
        };
        let before = format!("{:?}", self.engine.statuses());
        self.step(Input::Helper { invocation, event });
        assert_eq!(
            before,
            format!("{:?}", self.engine.statuses()),
            "a foreign event does nothing"
        );
    }

    // ── The daemon's death ──────────────────────────────────────────────────────────────────

    fn crash(&mut self, when: &str) {
        tell!(self, "── the daemon dies {when}, and starts again ──");
        self.engine = new_engine(&mut self.random);
        self.requests.clear();
        self.targets.clear();
        self.known.clear();
        self.kernel.queues.clear();
        self.checks.clear();
        for (unit, record) in self.records.clone() {
            self.step_uninterrupted(Input::Restore { unit, record });
        }
        let living: Vec<InvocationId> = self.kernel.helpers.keys().copied().collect();
        let dead: Vec<InvocationId> = self.kernel.remains.keys().copied().collect();
        for (invocation, alive) in living
            .into_iter()
            .map(|i| (i, true))
            .chain(dead.into_iter().map(|i| (i, false)))
        {
            let helper = match alive {
                true => &self.kernel.helpers[&invocation],
                false => &self.kernel.remains[&invocation].helper,
            };
            let lost_definition = self.random.percent(3);
            let unit = (!lost_definition).then(|| Arc::clone(&helper.unit));
            let (mut record, mut state) = (helper.record(), helper.state.clone());
            if self.era >= Era::Whole && self.random.percent(10) {
                record = without(&record, &["slice", "tmp_of"]);
                state = without(&state, &["oom_killed", "status_errno"]);
            }
            self.known.insert(invocation);
            tell!(self, "adopt {} {invocation} alive={alive}", record.unit);
            let gone = Input::Adopt {
                record,
                unit,
                state,
                alive,
            };
            self.step_uninterrupted(gone);
            if !alive {
                self.kernel.remains.remove(&invocation);
            }
        }
        self.live_without_a_target();
        self.target();
    }

    /// Until the store has been read, which may take its time.
    fn live_without_a_target(&mut self) {
        if !self.faults || self.random.percent(50) {
            return;
        }
        for _ in 0..self.random.below(8) {
            match self.random.below(10) {
                0..4 => drop(self.deliver()),
                4..7 => self.kernel_does_something(),
                _ => self.tick(),
            }
        }
    }

    // ── Steps and effects ───────────────────────────────────────────────────────────────────

    /// One step; the daemon may die between any two of its effects. True if it did.
    fn step(&mut self, input: Input) -> bool {
        let mut effects = Vec::new();
        self.engine.step(self.now, input, &mut effects);
        check_order(&effects);
        for effect in effects {
            if self.faults && self.random.percent(1) {
                self.crash("between two effects");
                return true;
            }
            self.act(effect);
        }
        self.check_safety();
        false
    }

    fn step_uninterrupted(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.engine.step(self.now, input, &mut effects);
        check_order(&effects);
        for effect in effects {
            self.act(effect);
        }
    }

    fn act(&mut self, effect: Effect) {
        tell!(self, "  {}", brief(&effect));
        match effect {
            Effect::Check { invocation, unit } => self.checks.push((invocation, unit)),
            Effect::Spawn {
                invocation,
                unit,
                commit,
                restarts,
            } => {
                self.check_conditions(invocation, &unit);
                assert_eq!(
                    self.kernel.living(&unit.name),
                    0,
                    "{} would live twice",
                    unit.name
                );
                self.check_requirements(&unit);
                self.known.insert(invocation);
                let fails = self.faults && self.random.percent(4);
                self.kernel.spawn(invocation, unit, commit, restarts, fails);
            }
            Effect::Run {
                invocation,
                role,
                index,
                ..
            } => {
                self.check_known(invocation);
                self.check_stop_order(invocation);
                let stray = self.random.percent(20);
                self.kernel.run(invocation, role, index, stray);
            }
            Effect::Signal {
                invocation,
                whom,
                signal,
            } => {
                self.check_known(invocation);
                self.check_stop_order(invocation);
                self.kernel.signal(invocation, whom, signal);
            }
            Effect::KillCgroup { invocation } => {
                self.check_known(invocation);
                self.kernel.kill_payload(invocation);
            }
            Effect::Release { invocation, .. } => {
                self.check_known(invocation);
                self.check_stop_order(invocation);
                self.kernel.remove(invocation, true);
            }
            Effect::JobDone(outcome) => {
                let asked = self.requests.remove(&(outcome.job, outcome.unit.clone()));
                assert!(asked, "{outcome:?} answers nothing that is open");
            }
            Effect::Settled { job, .. } => {
                assert!(self.targets.remove(&job), "{job:?} was not open");
            }
            Effect::Changed { from, to, sub, .. } => {
                let _ = sub;
                assert!(from != to || !sub.is_empty());
            }
            // The host does nothing, as one that does not allow it.
            Effect::HostAction { .. } => {}
            Effect::Record { unit, record } => {
                match record {
                    Some(record) => self.records.insert(unit, *record),
                    None => self.records.remove(&unit),
                };
            }
        }
    }

    // ── Safety ──────────────────────────────────────────────────────────────────────────────

    fn check_safety(&self) {
        for status in self.engine.statuses() {
            let living = self.kernel.living(&status.unit);
            assert!(living <= 1, "{} lives {living} times", status.unit);
            if matches!(status.active, ActiveState::Inactive | ActiveState::Failed) {
                assert_eq!(
                    living, 0,
                    "{} is {:?} and lives",
                    status.unit, status.active
                );
            }
        }
        for helper in self.kernel.helpers.values() {
            let known = self.engine.status(&helper.unit.name);
            assert!(
                known.is_some(),
                "{} lives and is not known",
                helper.unit.name
            );
        }
    }

    fn check_known(&self, invocation: InvocationId) {
        assert!(self.known.contains(&invocation), "{invocation} is foreign");
    }

    /// What has conditions starts only when they held, as its present definition says them.
    fn check_conditions(&self, invocation: InvocationId, unit: &Unit) {
        let section = &unit.unit;
        if section.conditions.is_empty() && section.asserts.is_empty() {
            return;
        }
        let asked = self.held.get(&invocation).map(|asked| &asked.unit);
        let Some(asked) = asked else {
            panic!("{} starts although its conditions never held", unit.name);
        };
        let same = (&asked.conditions, &asked.asserts) == (&section.conditions, &section.asserts);
        assert!(
            same,
            "{} starts by the conditions of another commit",
            unit.name
        );
    }

    /// What it requires, and is ordered after, is up in the wanted version.
    fn check_requirements(&self, unit: &gitproc_unit::Unit) {
        let section = &unit.unit;
        // Without an order, it may go down at the same moment.
        for other in section.requisite.intersection(&section.after) {
            let up = self.engine.status(other).is_some_and(|status| {
                matches!(status.active, ActiveState::Active | ActiveState::Reloading)
            });
            assert!(up, "{} starts without {other} (Requisite=)", unit.name);
        }
        let loose = self.loose.contains(&unit.name) || self.is_raised_alone(&unit.name);
        let required = section.requires.iter().filter(|_| !loose);
        for other in required.chain(&section.binds_to) {
            if !section.after.contains(other) || loose {
                continue;
            }
            let Some(status) = self.engine.status(other) else {
                panic!("{} starts without {other}", unit.name);
            };
            let ended_well = status.active == ActiveState::Inactive
                && matches!(
                    status.result,
                    UnitResult::Success | UnitResult::ExecCondition | UnitResult::Condition
                );
            let up = matches!(status.active, ActiveState::Active | ActiveState::Reloading);
            assert!(
                up || (ended_well && section.requires.contains(other)),
                "{} starts while {other} is {:?} ({})",
                unit.name,
                status.active,
                status.sub
            );
            if up
                && !self.may_be_given_up(other)
                && let Some(running) = status.running_meaning
            {
                let wanted = self.units.units.get(other).map(|unit| unit.meaning);
                assert_eq!(
                    Some(running),
                    wanted,
                    "{} starts on an old {other}",
                    unit.name
                );
            }
        }
    }

    /// The end of some unit may start it whatever it requires (OnFailureJobMode=).
    fn is_raised_alone(&self, unit: &UnitName) -> bool {
        let all = self.commits.values().flat_map(|units| units.units.values());
        all.into_iter().any(|by| {
            let alone = |key| by.settings.text(Family::Unit, key) == "ignore-dependencies";
            (by.unit.on_failure.contains(unit) && alone("OnFailureJobMode"))
                || (by.unit.on_success.contains(unit) && alone("OnSuccessJobMode"))
        })
    }

    /// A restart to the wanted version may have timed out as a job (JobTimeoutSec=), which is said.
    fn may_be_given_up(&self, unit: &UnitName) -> bool {
        self.commits.values().any(|units| {
            let unit = units.units.get(unit);
            let limited =
                |key| unit.is_some_and(|unit| unit.settings.number(Family::Unit, key) != u64::MAX);
            limited("JobTimeoutSec") || limited("JobRunningTimeoutSec")
        })
    }

    /// In a shutdown, nothing is touched while something that is ordered after it lives.
    fn check_stop_order(&self, invocation: InvocationId) {
        if !self.shutting_down {
            return;
        }
        let Some(helper) = self.kernel.helpers.get(&invocation) else {
            return;
        };
        let own = &helper.unit.name;
        for other in self.kernel.helpers.values() {
            // The order is that of the commit; a helper may run an older definition of it.
            let name = &other.unit.name;
            let after = self
                .units
                .units
                .get(name)
                .is_some_and(|unit| unit.unit.after.contains(own));
            let both = self.units.units.contains_key(own);
            assert!(!(after && both), "{own} is stopped before {name}");
        }
    }

    // ── Liveness ────────────────────────────────────────────────────────────────────────────

    /// No faults: processes behave, reports arrive, deadlines pass.
    fn come_to_rest(&mut self) {
        for _ in 0..CALM_TURNS {
            self.now = self.now.plus_us(1_000);
            if self.answer_a_check() || self.deliver() || self.kernel_behaves() {
                continue;
            }
            match self.engine.deadline() {
                Some(_) => self.tick(),
                None => return,
            }
        }
        panic!("does not come to rest in {CALM_TURNS} turns");
    }

    fn kernel_behaves(&mut self) -> bool {
        let living: Vec<InvocationId> = self.kernel.helpers.keys().copied().collect();
        for invocation in living {
            let Some(helper) = self.kernel.helpers.get_mut(&invocation) else {
                continue;
            };
            helper.deaf = false;
            let main = helper.state.main_pid.is_some();
            let kind = helper.service_type();
            if !helper.state.ready {
                self.kernel.make_ready(invocation);
            } else if helper.state.control.is_some() {
                self.kernel.end_control(invocation, ProcessEnd::Exited(0));
            } else if helper.awaits_pid_file {
                self.kernel.write_pid_file(invocation);
            } else if helper.reloads {
                self.kernel.reload(invocation, self.now);
            } else if main && notifies(kind) && !helper.state.notified_ready {
                self.kernel.notify_ready(invocation);
            } else if main && kind == ServiceType::Oneshot {
                self.kernel.end_main(invocation, ProcessEnd::Exited(0));
            } else {
                continue;
            }
            return true;
        }
        false
    }

    fn check_liveness(&self) {
        assert!(
            self.requests.is_empty(),
            "requests without an answer: {:?}",
            self.requests
        );
        let waits = self.engine.waits_for();
        assert!(
            self.targets.is_empty(),
            "{:?} never settled, waits for {waits:?}",
            self.targets
        );
        let wanted = graph::wanted(&self.units, &default_target());
        for status in self.engine.statuses() {
            assert_eq!(status.job, None, "{} still has a job", status.unit);
            let Some(unit) = self.units.units.get(&status.unit) else {
                let living = self.kernel.living(&status.unit);
                let given_up = self.may_be_given_up(&status.unit);
                assert!(living == 0 || given_up, "{} is not wanted", status.unit);
                continue;
            };
            if matches!(unit.origin, Origin::BuiltIn { .. }) {
                continue;
            }
            if !wanted.contains(&status.unit) && status.override_.is_none() && !status.wanted {
                let living = self.kernel.living(&status.unit);
                let given_up = self.may_be_given_up(&status.unit);
                assert!(living == 0 || given_up, "{} is not wanted", status.unit);
                continue;
            }
            if status.wanted {
                self.check_wanted(unit, &status);
            }
        }
        for name in &wanted {
            let in_tree = self.units.units.contains_key(name);
            assert!(
                !in_tree || self.engine.status(name).is_some(),
                "{name} is wanted, not known"
            );
        }
    }

    fn check_wanted(&self, unit: &gitproc_unit::Unit, status: &UnitStatus) {
        match status.active {
            ActiveState::Active => {
                let given_up = self.may_be_given_up(&unit.name);
                if unit.name.kind() == UnitKind::Service && !given_up {
                    assert_eq!(status.running_meaning, Some(unit.meaning), "{status:?}");
                }
            }
            ActiveState::Failed => assert!(status.reason.is_some(), "no reason: {status:?}"),
            ActiveState::Inactive => {
                let stopped = status.override_.is_some();
                // A commit may have changed the policy after the end, so all have to agree.
                let always = self.commits.values().all(|units| {
                    let service = units.units.get(&unit.name).map(|unit| &unit.service);
                    matches!(service, Some(Some(service)) if service.restart == Restart::Always)
                });
                let ended =
                    status.main_end.is_some() && status.result == UnitResult::Success && !always;
                let said = status.reason.is_some();
                let unbound = unit
                    .unit
                    .binds_to
                    .iter()
                    .chain(&unit.unit.part_of)
                    .any(|other| {
                        self.engine
                            .status(other)
                            .is_none_or(|s| s.active != ActiveState::Active)
                    });
                let nothing_to_start = unit.service.as_ref().is_some_and(|service| {
                    service.exec.get(&ExecRole::Start).is_none_or(Vec::is_empty)
                });
                assert!(
                    stopped || ended || said || unbound || nothing_to_start,
                    "{} is wanted and down, and nothing says why: {status:?}",
                    unit.name
                );
            }
            other => panic!("{} rests in {other:?} ({})", unit.name, status.sub),
        }
    }

    fn shut_down(&mut self) {
        tell!(self, "── shutdown ──");
        self.shutting_down = true;
        let job = self.job();
        self.targets.insert(job);
        self.step(Input::Shutdown { job });
        self.come_to_rest();
        assert!(self.targets.is_empty(), "the shutdown never settled");
        assert!(
            self.kernel.helpers.is_empty(),
            "something outlived the shutdown"
        );
    }
}

/// What is done is recorded before, so that a daemon that dies in between knows of it.
fn check_order(effects: &[Effect]) {
    let is_record = |effect: &Effect| matches!(effect, Effect::Record { .. });
    let acts = effects.iter().skip_while(|effect| is_record(effect));
    assert!(
        acts.filter(|effect| is_record(effect)).count() == 0,
        "an act before a record"
    );
}

/// As a version before these fields wrote it.
fn without<T: Serialize + DeserializeOwned>(whole: &T, fields: &[&str]) -> T {
    let mut value = serde_json::to_value(whole).expect("it can be written");
    let object = value.as_object_mut().expect("it has fields");
    for field in fields {
        assert!(object.remove(*field).is_some(), "there is a field {field}");
    }
    serde_json::from_value(value).expect("an older record is read")
}

fn brief(effect: &Effect) -> String {
    match effect {
        Effect::Spawn {
            invocation, unit, ..
        } => format!("SPAWN {} {invocation}", unit.name),
        Effect::Record { unit, record } => format!("record {unit} {record:?}"),
        other => format!("{other:?}"),
    }
}
