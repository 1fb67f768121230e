//! One activation of one service: systemd's service state machine, from spawn to release.
//!
//! ```text
//! Spawning ─▶ Condition ─▶ StartPre ─▶ Start ─▶ StartPost ─▶ Running ⇄ Reload
//!    │            │            │         │          │           │ └──▶ Exited
//!    │            └────────────┴─────────┴──────────┤           ▼
//!    │                                   (failure)  │         Stop
//!    │                                              ▼           ▼
//!    │                                           StopSigterm ◀──┘
//!    │                                              ▼     └▶ StopSigkill
//!    │                                           StopPost ◀──────┘
//!    │                                              ▼
//!    │                                         FinalSigterm ─▶ FinalSigkill
//!    │                                              ▼               │
//!    └────────────────────────────────────────▶ Releasing ◀─────────┘ ─▶ (gone)
//! ```
//! It knows nothing of jobs, other units or restarts: it is told to stop or to reload, is fed
//! events, and says what happened as [`Progress`]. All transitions are in this file.
use crate::api::{Effect, HelperEvent};
use crate::protocol::{Exit, Failure, Notify, ProcessEnd, Whom};
use crate::snapshot::{ActiveState, UnitResult};
use crate::{CommitId, Instant, InvocationId};
use gitproc_unit::{ExecCommand, ExecRole, KillMode, Preserve, ServiceSection, ServiceType, Unit};
use std::sync::Arc;

/// Where an activation stands. The number is the index of the command that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The helper is being made.
    Spawning,
    Condition(u32),
    StartPre(u32),
    /// The start command runs, and is not yet ready in the sense of `Type=`.
    Start(u32),
    StartPost(u32),
    Running,
    /// Nothing runs, and it counts as active (RemainAfterExit=).
    Exited,
    Reload(u32),
    Stop(u32),
    StopSigterm,
    StopSigkill,
    StopPost(u32),
    FinalSigterm,
    FinalSigkill,
    /// The helper was told to go.
    Releasing,
}

impl Stage {
    /// The stage in which this command runs.
    pub fn of_command(role: ExecRole, index: u32) -> Stage {
        match role {
            ExecRole::Condition => Stage::Condition(index),
            ExecRole::StartPre => Stage::StartPre(index),
            ExecRole::Start => Stage::Start(index),
            ExecRole::StartPost => Stage::StartPost(index),
            ExecRole::Reload => Stage::Reload(index),
            ExecRole::Stop => Stage::Stop(index),
            ExecRole::StopPost => Stage::StopPost(index),
        }
    }
}

/// What an event meant for the unit as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing that others need to know.
    None,
    /// It is up.
    Started,
    /// A reload is over.
    Reloaded { ok: bool },
    /// Helper and cgroup are gone.
    Gone,
}

/// One activation; lives from [`Effect::Spawn`] to [`HelperEvent::Gone`].
#[derive(Debug)]
pub(super) struct Activation {
    pub invocation: InvocationId,
    pub unit: Arc<Unit>,
    pub commit: CommitId,
    pub stage: Stage,
    pub deadline: Option<Instant>,
    /// It was told to stop, by a job; what follows is no failure to be restarted.
    pub told_to_stop: bool,
    /// The start was completed once, so ExecStop= applies.
    pub started: bool,
    pub main: Main,
    /// A command that is not the main process was ordered, and has not ended.
    pub control: bool,
    pub control_pid: Option<u32>,
    /// First thing that went wrong.
    pub result: UnitResult,
    pub reason: Option<String>,
    pub main_end: Option<ProcessEnd>,
    pub main_pid: Option<u32>,
    /// As `main_pid`; stays when it has ended.
    pub exec_main_pid: Option<u32>,
    pub status_text: Option<String>,
    /// No process of the service is left.
    pub empty: bool,
    pub oom_killed: bool,
    ready: bool,
    execed: bool,
    reload_ok: bool,
}

/// What is known of the main process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Main {
    /// Not started yet, or not known (forking without PIDFile=).
    Unknown,
    /// Its command was ordered; no news yet.
    Ordered,
    Alive,
    Ended,
}

/// Signals whose receipt is a clean end for a daemon (systemd.service(5), SuccessExitStatus=):
/// SIGHUP, SIGINT, SIGPIPE, SIGTERM.
const CLEAN_SIGNALS: [i32; 4] = [1, 2, 13, 15];
const SIGKILL: i32 = 9;
const SIGHUP: i32 = 1;

impl Activation {
    /// A new one, whose helper is being made.
    pub fn new(
        invocation: InvocationId,
        unit: Arc<Unit>,
        commit: CommitId,
        now: Instant,
    ) -> Activation {
        let mut new = Activation {
            invocation,
            unit,
            commit,
            stage: Stage::Spawning,
            deadline: None,
            told_to_stop: false,
            started: false,
            main: Main::Unknown,
            control: false,
            control_pid: None,
            result: UnitResult::Success,
            reason: None,
            main_end: None,
            main_pid: None,
            exec_main_pid: None,
            status_text: None,
            empty: true,
            oom_killed: false,
            ready: false,
            execed: false,
            reload_ok: true,
        };
        new.arm(now, new.service().timeout_start_us);
        new
    }

    fn service(&self) -> &ServiceSection {
        self.unit
            .service
            .as_deref()
            .expect("only services are activated")
    }

    pub(super) fn commands(&self, role: ExecRole) -> &[ExecCommand] {
        self.service().exec.get(&role).map_or(&[], Vec::as_slice)
    }

    fn arm(&mut self, now: Instant, timeout_us: Option<u64>) {
        self.deadline = timeout_us.map(|us| now.plus_us(us));
    }

    /// systemd's ActiveState and SubState.
    pub fn states(&self) -> (ActiveState, &'static str) {
        match self.stage {
            Stage::Spawning if self.has(ExecRole::Condition) => {
                (ActiveState::Activating, "condition")
            }
            Stage::Spawning if self.has(ExecRole::StartPre) => {
                (ActiveState::Activating, "start-pre")
            }
            Stage::Spawning | Stage::Start(_) => (ActiveState::Activating, "start"),
            Stage::Condition(_) => (ActiveState::Activating, "condition"),
            Stage::StartPre(_) => (ActiveState::Activating, "start-pre"),
            Stage::StartPost(_) => (ActiveState::Activating, "start-post"),
            Stage::Running => (ActiveState::Active, "running"),
            Stage::Exited => (ActiveState::Active, "exited"),
            Stage::Reload(_) => (ActiveState::Reloading, "reload"),
            Stage::Stop(_) => (ActiveState::Deactivating, "stop"),
            Stage::StopSigterm => (ActiveState::Deactivating, "stop-sigterm"),
            Stage::StopSigkill => (ActiveState::Deactivating, "stop-sigkill"),
            Stage::StopPost(_) => (ActiveState::Deactivating, "stop-post"),
            Stage::FinalSigterm => (ActiveState::Deactivating, "final-sigterm"),
            Stage::FinalSigkill | Stage::Releasing => (ActiveState::Deactivating, "final-sigkill"),
        }
    }

    fn has(&self, role: ExecRole) -> bool {
        !self.commands(role).is_empty()
    }

    /// It is up: active, or reloading.
    pub fn is_up(&self) -> bool {
        matches!(
            self.stage,
            Stage::Running | Stage::Exited | Stage::Reload(_)
        )
    }

    /// It is on its way up.
    pub fn is_starting(&self) -> bool {
        matches!(
            self.stage,
            Stage::Spawning
                | Stage::Condition(_)
                | Stage::StartPre(_)
                | Stage::Start(_)
                | Stage::StartPost(_)
        )
    }

    // ── What the engine asks for ────────────────────────────────────────────────────────────

    /// Stop, because of a job.
    pub fn stop(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.told_to_stop = true;
        match self.stage {
            Stage::Spawning => self.release(out),
            // ExecStop= is for what was up, and not while another command runs.
            Stage::Condition(_)
            | Stage::StartPre(_)
            | Stage::Start(_)
            | Stage::StartPost(_)
            | Stage::Reload(_) => self.enter_stop_sigterm(now, out),
            Stage::Running | Stage::Exited => self.enter_stop(now, out),
            Stage::Stop(_)
            | Stage::StopSigterm
            | Stage::StopSigkill
            | Stage::StopPost(_)
            | Stage::FinalSigterm
            | Stage::FinalSigkill
            | Stage::Releasing => {}
        }
    }

    /// Whether [`Activation::reload`] applies.
    pub fn can_reload(&self) -> bool {
        matches!(self.stage, Stage::Running | Stage::Exited)
            && self.has(ExecRole::Reload)
            && !self.control
    }

    /// Run ExecReload=.
    pub fn reload(&mut self, now: Instant, out: &mut Vec<Effect>) {
        debug_assert!(self.can_reload());
        self.reload_ok = true;
        self.stage = Stage::Reload(0);
        self.arm(now, self.service().timeout_start_us);
        self.run(ExecRole::Reload, 0, out);
    }

    // ── Events ──────────────────────────────────────────────────────────────────────────────

    /// Takes an event of this invocation.
    pub fn event(&mut self, now: Instant, event: HelperEvent, out: &mut Vec<Effect>) -> Progress {
        match event {
            HelperEvent::SpawnFailed(failure) => {
                self.fail_set_up(&failure);
                Progress::Gone
            }
            HelperEvent::Failed(failure) => {
                self.fail_set_up(&failure);
                self.release(out);
                Progress::None
            }
            HelperEvent::Ready => match self.stage {
                Stage::Spawning => self.next_start_step(now, ExecRole::Condition, 0, out),
                _ => Progress::None,
            },
            HelperEvent::Forked { role, pid, .. } => self.forked(now, role, pid, out),
            HelperEvent::Execed { role, .. } => {
                self.execed |= role == ExecRole::Start;
                self.check_readiness(now, out)
            }
            HelperEvent::Exited(exit) => self.exited(now, exit, out),
            HelperEvent::MainPid { pid } => {
                self.main_lives(pid);
                match self.stage {
                    Stage::Start(_) if self.service().service_type == ServiceType::Forking => {
                        self.check_readiness(now, out)
                    }
                    _ => Progress::None,
                }
            }
            HelperEvent::MainExited(end) => self.main_ended(now, end, false, out),
            HelperEvent::Notify(notify) => self.notified(now, notify, out),
            HelperEvent::Empty => {
                self.empty = true;
                self.became_empty(now, out)
            }
            HelperEvent::OomKill => {
                self.oom_killed = true;
                if self.stage == Stage::Running {
                    // OOMPolicy=stop, the default: the rest of the service goes too.
                    self.fail(UnitResult::OomKill, "killed for want of memory".into());
                    self.enter_stop_sigterm(now, out);
                }
                Progress::None
            }
            HelperEvent::Gone => {
                if self.stage != Stage::Releasing
                    && matches!(self.main, Main::Ordered | Main::Alive)
                {
                    self.note_main_end(ProcessEnd::Killed(SIGKILL), false);
                }
                if self.stage != Stage::Releasing && !self.told_to_stop {
                    self.fail(UnitResult::Resources, "its helper is gone".into());
                }
                self.empty = true;
                Progress::Gone
            }
        }
    }

    /// For adoption: what was seen before this daemon began.
    pub(super) fn recall_readiness(&mut self, ready: bool, execed: bool) {
        self.ready = ready;
        self.execed = execed;
    }

    /// For adoption: judges readiness anew.
    pub(super) fn recheck(&mut self, now: Instant, out: &mut Vec<Effect>) -> Progress {
        self.check_readiness(now, out)
    }

    /// A deadline has passed.
    pub fn timeout(&mut self, now: Instant, out: &mut Vec<Effect>) -> Progress {
        self.deadline = None;
        match self.stage {
            Stage::Spawning => {
                self.fail(
                    UnitResult::Timeout,
                    "timed out while its helper was set up".into(),
                );
                self.release(out);
                Progress::None
            }
            Stage::Condition(_) | Stage::StartPre(_) | Stage::Start(_) | Stage::StartPost(_) => {
                let (_, sub) = self.states();
                self.fail(
                    UnitResult::Timeout,
                    format!("timed out in {sub} (TimeoutStartSec=)"),
                );
                self.enter_stop_sigterm(now, out);
                Progress::None
            }
            Stage::Reload(_) => {
                self.signal(Whom::Control, SIGKILL, out);
                self.reload_ok = false;
                self.enter_running(now, out);
                Progress::Reloaded { ok: false }
            }
            Stage::Stop(_) => {
                self.fail(
                    UnitResult::Timeout,
                    "ExecStop= timed out (TimeoutStopSec=)".into(),
                );
                self.enter_stop_sigterm(now, out);
                Progress::None
            }
            Stage::StopSigterm => {
                self.fail(
                    UnitResult::Timeout,
                    "did not stop on its signal (TimeoutStopSec=), killed".into(),
                );
                match self.service().kill.send_sigkill {
                    true => {
                        self.stage = Stage::StopSigkill;
                        self.arm(now, self.service().timeout_stop_us);
                        self.kill_hard(out);
                        Progress::None
                    }
                    false => self.enter_stop_post(now, 0, out),
                }
            }
            Stage::StopSigkill => self.enter_stop_post(now, 0, out),
            Stage::StopPost(_) => {
                self.fail(
                    UnitResult::Timeout,
                    "ExecStopPost= timed out (TimeoutStopSec=)".into(),
                );
                self.signal(Whom::Control, SIGKILL, out);
                self.enter_final_sigterm(now, out)
            }
            Stage::FinalSigterm => {
                self.stage = Stage::FinalSigkill;
                self.arm(now, self.service().timeout_stop_us);
                out.push(Effect::KillCgroup {
                    invocation: self.invocation,
                });
                Progress::None
            }
            Stage::FinalSigkill => {
                self.release(out);
                Progress::None
            }
            // Releasing is bounded by the shell, which kills the helper and reports `Gone`.
            Stage::Running | Stage::Exited | Stage::Releasing => Progress::None,
        }
    }

    fn forked(
        &mut self,
        now: Instant,
        role: ExecRole,
        pid: u32,
        out: &mut Vec<Effect>,
    ) -> Progress {
        self.empty = false;
        if role == ExecRole::Start && self.service().service_type != ServiceType::Forking {
            self.main_lives(pid);
            return self.check_readiness(now, out);
        }
        self.control_pid = Some(pid);
        Progress::None
    }

    fn main_lives(&mut self, pid: u32) {
        self.main = Main::Alive;
        self.main_pid = Some(pid);
        self.exec_main_pid = Some(pid);
        self.main_end = None;
    }

    fn exited(&mut self, now: Instant, exit: Exit, out: &mut Vec<Effect>) -> Progress {
        let ignore = self
            .commands(exit.role)
            .get(exit.index as usize)
            .is_some_and(|command| command.ignore_failure);
        if exit.role == ExecRole::Start && self.service().service_type != ServiceType::Forking {
            if let Some(failure) = &exit.failure
                && !ignore
            {
                self.fail_step(failure);
            }
            return self.main_ended(now, exit.end, ignore, out);
        }
        self.control = false;
        self.control_pid = None;
        let ok = ignore || self.is_clean(exit.end, exit.role);
        let next = exit.index + 1;
        match (self.stage, exit.role) {
            (Stage::Condition(_), ExecRole::Condition) => match exit.end {
                _ if ok => self.next_start_step(now, ExecRole::Condition, next, out),
                ProcessEnd::Exited(1..=254) if exit.failure.is_none() => {
                    // systemd.service(5): 1 to 254 skip the unit, which is no failure.
                    self.fail(
                        UnitResult::ExecCondition,
                        "skipped by ExecCondition=".into(),
                    );
                    self.enter_stop_post(now, 0, out)
                }
                _ => self.control_failed(now, &exit, out),
            },
            (Stage::StartPre(_), ExecRole::StartPre)
            | (Stage::StartPost(_), ExecRole::StartPost) => match ok {
                true => self.next_start_step(now, exit.role, next, out),
                false => self.control_failed(now, &exit, out),
            },
            (Stage::Start(_), ExecRole::Start) => match ok {
                // Forking: the parent is done; what counts now is the main process.
                true => {
                    self.ready = true;
                    self.check_readiness(now, out)
                }
                false => self.control_failed(now, &exit, out),
            },
            (Stage::Reload(_), ExecRole::Reload) => {
                self.reload_ok &= ok;
                if ok && (next as usize) < self.commands(ExecRole::Reload).len() {
                    self.stage = Stage::Reload(next);
                    self.run(ExecRole::Reload, next, out);
                    return Progress::None;
                }
                self.enter_running(now, out);
                Progress::Reloaded { ok: self.reload_ok }
            }
            (Stage::Stop(_), ExecRole::Stop) => {
                if !ok {
                    self.fail_exit(&exit);
                }
                if ok && (next as usize) < self.commands(ExecRole::Stop).len() {
                    self.stage = Stage::Stop(next);
                    self.run(ExecRole::Stop, next, out);
                    return Progress::None;
                }
                self.enter_stop_sigterm(now, out);
                Progress::None
            }
            (Stage::StopSigterm | Stage::StopSigkill, _) => self.stopped_if_all_gone(now, out),
            (Stage::FinalSigterm | Stage::FinalSigkill, _) if self.empty && self.all_gone() => {
                self.release(out);
                Progress::None
            }
            (Stage::StopPost(_), ExecRole::StopPost) => {
                if !ok {
                    // As on every line: what comes after a command that failed is not run.
                    self.fail_exit(&exit);
                    return self.enter_final_sigterm(now, out);
                }
                self.enter_stop_post(now, next, out)
            }
            // A command that was told to die and only now did.
            _ => Progress::None,
        }
    }

    pub(super) fn main_ended(
        &mut self,
        now: Instant,
        end: ProcessEnd,
        ignore: bool,
        out: &mut Vec<Effect>,
    ) -> Progress {
        self.note_main_end(end, ignore);
        let failed = self.result != UnitResult::Success;
        match self.stage {
            Stage::Start(index) => match self.service().service_type {
                ServiceType::Oneshot if !failed => {
                    let next = index + 1;
                    match (next as usize) < self.commands(ExecRole::Start).len() {
                        true => {
                            self.enter_start(now, next, out);
                            Progress::None
                        }
                        false => self.next_start_step(now, ExecRole::StartPost, 0, out),
                    }
                }
                ServiceType::Notify if !failed => {
                    self.fail(
                        UnitResult::Protocol,
                        "ended before it said READY=1 (Type=notify)".into(),
                    );
                    self.enter_stop_sigterm(now, out);
                    Progress::None
                }
                ServiceType::Simple
                | ServiceType::Idle
                | ServiceType::Exec
                | ServiceType::Forking
                | ServiceType::Notify
                | ServiceType::Oneshot => match failed {
                    true => {
                        self.enter_stop_sigterm(now, out);
                        Progress::None
                    }
                    // It was so quick that its end came before the news of its start.
                    false => {
                        self.execed = true;
                        self.check_readiness(now, out)
                    }
                },
            },
            Stage::Running => {
                self.enter_running(now, out);
                Progress::None
            }
            Stage::StopSigterm | Stage::StopSigkill => self.stopped_if_all_gone(now, out),
            // What runs now decides when it is done (systemd.service(5)).
            Stage::Spawning
            | Stage::Condition(_)
            | Stage::StartPre(_)
            | Stage::StartPost(_)
            | Stage::Exited
            | Stage::Reload(_)
            | Stage::Stop(_)
            | Stage::StopPost(_)
            | Stage::FinalSigterm
            | Stage::FinalSigkill
            | Stage::Releasing => Progress::None,
        }
    }

    fn notified(&mut self, now: Instant, notify: Notify, out: &mut Vec<Effect>) -> Progress {
        if let Some(text) = notify.status {
            self.status_text = Some(text);
        }
        if let (Some(us), Some(_)) = (notify.extend_timeout_us, self.deadline) {
            self.arm(now, Some(us));
        }
        if notify.ready && self.service().service_type == ServiceType::Notify {
            self.ready = true;
            return self.check_readiness(now, out);
        }
        Progress::None
    }

    fn became_empty(&mut self, now: Instant, out: &mut Vec<Effect>) -> Progress {
        match self.stage {
            Stage::StopSigterm | Stage::StopSigkill => self.stopped_if_all_gone(now, out),
            Stage::FinalSigterm | Stage::FinalSigkill if self.all_gone() => {
                self.release(out);
                Progress::None
            }
            Stage::Running if self.main != Main::Alive => {
                self.enter_running(now, out);
                Progress::None
            }
            Stage::Start(_) if self.ready && self.main != Main::Alive => {
                // Forking: everything is gone, and no main process was ever found.
                self.fail(
                    UnitResult::Protocol,
                    "the start command ended and left no process behind (Type=forking)".into(),
                );
                self.enter_stop_sigterm(now, out);
                Progress::None
            }
            _ => Progress::None,
        }
    }

    // ── The way up ──────────────────────────────────────────────────────────────────────────

    /// Goes on with command `index` of `role`, or with what comes after that line.
    pub fn next_start_step(
        &mut self,
        now: Instant,
        role: ExecRole,
        index: u32,
        out: &mut Vec<Effect>,
    ) -> Progress {
        let more = (index as usize) < self.commands(role).len();
        self.arm(now, self.service().timeout_start_us);
        match role {
            ExecRole::Condition if more => {
                self.stage = Stage::Condition(index);
                self.run(role, index, out);
                Progress::None
            }
            ExecRole::Condition => self.next_start_step(now, ExecRole::StartPre, 0, out),
            ExecRole::StartPre if more => {
                self.stage = Stage::StartPre(index);
                self.run(role, index, out);
                Progress::None
            }
            ExecRole::StartPre => self.next_start_step(now, ExecRole::Start, 0, out),
            ExecRole::Start if more => {
                self.enter_start(now, index, out);
                Progress::None
            }
            // A oneshot with ExecStop= alone has nothing to start.
            ExecRole::Start => self.next_start_step(now, ExecRole::StartPost, 0, out),
            ExecRole::StartPost if more => {
                self.stage = Stage::StartPost(index);
                self.run(role, index, out);
                Progress::None
            }
            ExecRole::StartPost => {
                self.started = true;
                self.enter_running(now, out);
                Progress::Started
            }
            ExecRole::Reload | ExecRole::Stop | ExecRole::StopPost => {
                unreachable!("not on the way up")
            }
        }
    }

    fn enter_start(&mut self, now: Instant, index: u32, out: &mut Vec<Effect>) {
        self.stage = Stage::Start(index);
        self.arm(now, self.service().timeout_start_us);
        self.run(ExecRole::Start, index, out);
    }

    /// In `Start`: goes on when the service is ready in the sense of its `Type=`.
    fn check_readiness(&mut self, now: Instant, out: &mut Vec<Effect>) -> Progress {
        if !matches!(self.stage, Stage::Start(_)) {
            return Progress::None;
        }
        let ready = match self.service().service_type {
            ServiceType::Simple | ServiceType::Idle => self.main_is_known(),
            ServiceType::Exec => self.main_is_known() && self.execed,
            ServiceType::Notify => self.ready,
            ServiceType::Forking => {
                self.ready && (self.main == Main::Alive || self.service().pid_file.is_none())
            }
            ServiceType::Oneshot => false,
        };
        match ready {
            true => self.next_start_step(now, ExecRole::StartPost, 0, out),
            false => Progress::None,
        }
    }

    /// Up, as far as there is something that is up (`service_enter_running` of systemd).
    fn enter_running(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let service = self.service();
        let forking = service.service_type == ServiceType::Forking;
        let good = match self.main {
            Main::Alive => true,
            Main::Unknown => forking && !self.empty,
            Main::Ordered | Main::Ended => false,
        };
        let remain = service.remain_after_exit;
        self.deadline = None;
        if self.result != UnitResult::Success {
            self.enter_stop_sigterm(now, out);
        } else if good {
            self.stage = Stage::Running;
        } else if remain {
            self.stage = Stage::Exited;
        } else {
            self.enter_stop(now, out);
        }
    }

    // ── The way down ────────────────────────────────────────────────────────────────────────

    fn enter_stop(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if self.has(ExecRole::Stop) && self.started {
            self.stage = Stage::Stop(0);
            self.arm(now, self.service().timeout_stop_us);
            self.run(ExecRole::Stop, 0, out);
        } else {
            self.enter_stop_sigterm(now, out);
        }
    }

    fn enter_stop_sigterm(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.stage = Stage::StopSigterm;
        let kill = self.service().kill.clone();
        self.arm(now, self.service().timeout_stop_us);
        if self.all_gone() || kill.mode == KillMode::None {
            self.enter_stop_post(now, 0, out);
            return;
        }
        let signals = [Some(kill.kill_signal), kill.send_sighup.then_some(SIGHUP)];
        for signal in signals.into_iter().flatten() {
            match kill.mode {
                KillMode::ControlGroup => self.signal(Whom::All, signal, out),
                KillMode::Mixed | KillMode::Process => {
                    if matches!(self.main, Main::Ordered | Main::Alive) {
                        self.signal(Whom::Main, signal, out);
                    }
                    if self.control {
                        self.signal(Whom::Control, signal, out);
                    }
                }
                KillMode::None => {}
            }
        }
    }

    fn kill_hard(&mut self, out: &mut Vec<Effect>) {
        match self.service().kill.mode {
            KillMode::ControlGroup | KillMode::Mixed => {
                out.push(Effect::KillCgroup {
                    invocation: self.invocation,
                });
            }
            KillMode::Process | KillMode::None => {
                self.signal(Whom::Main, SIGKILL, out);
                self.signal(Whom::Control, SIGKILL, out);
            }
        }
    }

    /// Nothing is left that the stop has to wait for (systemd.kill(5)). What was ordered counts
    /// as there: the news of its start may still be on the way.
    fn all_gone(&self) -> bool {
        let commands_ended = !self.control && !matches!(self.main, Main::Ordered | Main::Alive);
        match self.service().kill.mode {
            KillMode::ControlGroup => self.empty && commands_ended,
            KillMode::Mixed | KillMode::Process => commands_ended,
            KillMode::None => true,
        }
    }

    fn main_is_known(&self) -> bool {
        matches!(self.main, Main::Alive | Main::Ended)
    }

    fn stopped_if_all_gone(&mut self, now: Instant, out: &mut Vec<Effect>) -> Progress {
        match self.all_gone() {
            true => self.enter_stop_post(now, 0, out),
            false => Progress::None,
        }
    }

    fn enter_stop_post(&mut self, now: Instant, index: u32, out: &mut Vec<Effect>) -> Progress {
        if (index as usize) < self.commands(ExecRole::StopPost).len() {
            self.stage = Stage::StopPost(index);
            self.arm(now, self.service().timeout_stop_us);
            self.run(ExecRole::StopPost, index, out);
            return Progress::None;
        }
        self.enter_final_sigterm(now, out)
    }

    fn enter_final_sigterm(&mut self, now: Instant, out: &mut Vec<Effect>) -> Progress {
        let mode = self.service().kill.mode;
        if (self.empty && !self.control) || matches!(mode, KillMode::Process | KillMode::None) {
            // What these modes leave behind ends with the namespace (docs/units.md, KillMode=).
            self.release(out);
            return Progress::None;
        }
        self.arm(now, self.service().timeout_stop_us);
        match mode {
            KillMode::ControlGroup => {
                self.stage = Stage::FinalSigterm;
                self.signal(Whom::All, self.service().kill.kill_signal, out);
            }
            KillMode::Mixed | KillMode::Process | KillMode::None => {
                self.stage = Stage::FinalSigkill;
                out.push(Effect::KillCgroup {
                    invocation: self.invocation,
                });
            }
        }
        Progress::None
    }

    fn release(&mut self, out: &mut Vec<Effect>) {
        self.stage = Stage::Releasing;
        self.deadline = None;
        let keep = match self.service().runtime_directory_preserve {
            Preserve::Yes => true,
            Preserve::No => false,
            // Whether a restart follows is only known afterwards; what would be lost by guessing
            // wrong is more than what would be left.
            Preserve::Restart => !self.told_to_stop,
        };
        out.push(Effect::Release {
            invocation: self.invocation,
            keep_runtime_directory: keep,
        });
    }

    // ── Effects and results ─────────────────────────────────────────────────────────────────

    fn signal(&self, whom: Whom, signal: i32, out: &mut Vec<Effect>) {
        out.push(Effect::Signal {
            invocation: self.invocation,
            whom,
            signal,
        });
    }

    fn run(&mut self, role: ExecRole, index: u32, out: &mut Vec<Effect>) {
        match role == ExecRole::Start && self.service().service_type != ServiceType::Forking {
            true => self.main = Main::Ordered,
            false => self.control = true,
        }
        let mut environment = Vec::new();
        // systemd.exec(5): all that clean up are told what happened.
        if matches!(role, ExecRole::Stop | ExecRole::StopPost) {
            environment.push(("SERVICE_RESULT".to_owned(), self.result.as_str().to_owned()));
            if let Some(end) = self.main_end {
                let (code, status) = match end {
                    ProcessEnd::Exited(code) => ("exited", code.to_string()),
                    ProcessEnd::Killed(signal) => ("killed", signal_words(signal)),
                    ProcessEnd::Dumped(signal) => ("dumped", signal_words(signal)),
                };
                environment.push(("EXIT_CODE".to_owned(), code.to_owned()));
                environment.push(("EXIT_STATUS".to_owned(), status));
            }
        }
        // MAINPID= is added by the helper, which alone knows it as the service sees it.
        out.push(Effect::Run {
            invocation: self.invocation,
            role,
            index,
            environment,
        });
    }

    pub(super) fn note_main_end(&mut self, end: ProcessEnd, ignore: bool) {
        self.main = Main::Ended;
        self.main_pid = None;
        self.main_end = Some(end);
        // What lives on until the release (KillMode=none) is ended by it, which is no failure.
        if ignore || self.stage == Stage::Releasing || self.is_clean(end, ExecRole::Start) {
            return;
        }
        if self.oom_killed {
            self.fail(UnitResult::OomKill, "killed for want of memory".into());
            return;
        }
        self.fail(result_of(end), format!("main process {}", end_words(end)));
    }

    pub(super) fn is_clean(&self, end: ProcessEnd, role: ExecRole) -> bool {
        let service = self.service();
        let daemon = role == ExecRole::Start && service.service_type != ServiceType::Oneshot;
        match end {
            ProcessEnd::Exited(0) => true,
            ProcessEnd::Exited(code) => {
                role == ExecRole::Start && service.success_exit_status.codes.contains(&code)
            }
            ProcessEnd::Killed(signal) => {
                (daemon && CLEAN_SIGNALS.contains(&signal))
                    || (role == ExecRole::Start
                        && service.success_exit_status.signals.contains(&signal))
            }
            ProcessEnd::Dumped(signal) => {
                role == ExecRole::Start && service.success_exit_status.signals.contains(&signal)
            }
        }
    }

    /// Keeps the first thing that went wrong.
    pub(super) fn fail(&mut self, result: UnitResult, reason: String) {
        if self.result == UnitResult::Success {
            self.result = result;
            self.reason = Some(reason);
        }
    }

    /// Nothing has run. systemd takes these steps in the main process, and shows them so.
    pub(super) fn fail_set_up(&mut self, failure: &Failure) {
        self.main_end = Some(ProcessEnd::Exited(failure.step.status()));
        self.fail_step(failure);
    }

    fn fail_step(&mut self, failure: &Failure) {
        let status = failure.step.status();
        let name = failure.step.name();
        self.fail(
            UnitResult::ExitCode,
            format!(
                "failed at step {name}: {} (status={status}/{name})",
                failure.detail
            ),
        );
    }

    pub(super) fn fail_exit(&mut self, exit: &Exit) {
        match &exit.failure {
            Some(failure) => self.fail_step(failure),
            None => self.fail(
                result_of(exit.end),
                format!("{} {}", role_words(exit.role), end_words(exit.end)),
            ),
        }
    }

    fn control_failed(&mut self, now: Instant, exit: &Exit, out: &mut Vec<Effect>) -> Progress {
        self.fail_exit(exit);
        self.enter_stop_sigterm(now, out);
        Progress::None
    }
}

const fn result_of(end: ProcessEnd) -> UnitResult {
    match end {
        ProcessEnd::Exited(_) => UnitResult::ExitCode,
        ProcessEnd::Killed(_) => UnitResult::Signal,
        ProcessEnd::Dumped(_) => UnitResult::CoreDump,
    }
}

fn signal_words(signal: i32) -> String {
    gitproc_unit::value::signal_name(signal).map_or_else(
        || signal.to_string(),
        |name| name.strip_prefix("SIG").unwrap_or(name).to_owned(),
    )
}

/// `exited with status 3`, `was killed by SIGKILL`.
pub fn end_words(end: ProcessEnd) -> String {
    match end {
        ProcessEnd::Exited(code) => format!("exited with status {code}"),
        ProcessEnd::Killed(signal) => format!("was killed by SIG{}", signal_words(signal)),
        ProcessEnd::Dumped(signal) => format!("dumped core on SIG{}", signal_words(signal)),
    }
}

const fn role_words(role: ExecRole) -> &'static str {
    match role {
        ExecRole::Condition => "ExecCondition=",
        ExecRole::StartPre => "ExecStartPre=",
        ExecRole::Start => "ExecStart=",
        ExecRole::StartPost => "ExecStartPost=",
        ExecRole::Reload => "ExecReload=",
        ExecRole::Stop => "ExecStop=",
        ExecRole::StopPost => "ExecStopPost=",
    }
}
