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
//! events, and says what happened as [`Progress`]. [`events`] knows what an event means at each stage,
//! [`transitions`] goes from stage to stage, [`watchdog`] waits for signs of life, [`outcome`] judges
//! how it went.
mod events;
mod outcome;
mod transitions;
mod watchdog;

use crate::api::Effect;
use crate::protocol::{ProcessEnd, Whom};
use crate::snapshot::{ActiveState, UnitResult};
use crate::{CommitId, Instant, InvocationId};
use gitproc_unit::{ExecCommand, ExecRole, Family, ServiceSection, ServiceType, Unit};
use std::sync::Arc;

pub use outcome::{end_words, exit_variables};

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
    /// `Type=notify-reload`: it was told to reload, and has not said RELOADING=1 yet.
    ReloadSignal,
    /// It reloads, and will say READY=1.
    ReloadNotify,
    Stop(u32),
    /// It was sent `WatchdogSignal=`: it gave no sign of life in time (`WatchdogSec=`), or a
    /// timeout is to abort it (`TimeoutStopFailureMode=` and its kin).
    StopWatchdog,
    StopSigterm,
    StopSigkill,
    StopPost(u32),
    FinalSigterm,
    FinalWatchdog,
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
    /// It reloads without having been told to.
    Reloads,
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
    /// When the stage is over at the latest; `Running` has its own ([`Activation::due`]).
    pub deadline: Option<Instant>,
    /// When it came up.
    pub up_since: Option<Instant>,
    /// `EXTEND_TIMEOUT_USEC=` while it runs: not before this does `RuntimeMaxSec=` end it.
    extended: Option<Instant>,
    /// When it must have given a sign of life.
    pub watchdog: Option<Instant>,
    /// `WATCHDOG_USEC=` of a notification, µs: instead of the unit's.
    watchdog_us: Option<u64>,
    /// It was told to stop, by a job; what follows is no failure to be restarted.
    pub told: Option<Told>,
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
    /// `ERRNO=`, as the service gave it.
    pub status_errno: Option<i32>,
    /// What it is told of the unit whose end started it.
    pub raised_by: Vec<(String, String)>,
    /// No process of the service is left.
    pub empty: bool,
    pub oom_killed: bool,
    /// The main process lived when the helper was told to go (KillMode=none), and ends by that.
    main_released: bool,
    ready: bool,
    execed: bool,
    reload_ok: bool,
    /// When the reload began that is to be confirmed by RELOADING=1, and whether it was.
    reload_begun: Option<Instant>,
    reload_confirmed: bool,
}

/// What a job that stops is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It is to be down.
    Stop,
    /// It is to come back.
    Restart,
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

/// A reload means something to a service of this kind.
pub(super) fn knows_reload(service: &ServiceSection) -> bool {
    let commands = service.exec.get(&ExecRole::Reload);
    commands.is_some_and(|commands| !commands.is_empty())
        || service.service_type == ServiceType::NotifyReload
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
            up_since: None,
            extended: None,
            watchdog: None,
            watchdog_us: None,
            told: None,
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
            status_errno: None,
            raised_by: Vec::new(),
            empty: true,
            oom_killed: false,
            main_released: false,
            ready: false,
            execed: false,
            reload_ok: true,
            reload_begun: None,
            reload_confirmed: false,
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

    /// When something is to happen by itself.
    pub fn due(&self) -> Option<Instant> {
        let stage = match self.stage {
            Stage::Running => self.runtime_ends(),
            _ => self.deadline,
        };
        stage.into_iter().chain(self.watchdog).min()
    }

    /// When the stage itself is over.
    fn stage_ends(&self) -> Option<Instant> {
        match self.stage {
            Stage::Running => self.runtime_ends(),
            _ => self.deadline,
        }
    }

    /// `RuntimeMaxSec=`, and by chance up to `RuntimeRandomizedExtraSec=` more.
    fn runtime_ends(&self) -> Option<Instant> {
        let number = |key| self.unit.settings.number(Family::Service, key);
        let most = number("RuntimeMaxSec");
        if most == u64::MAX || most == 0 {
            return None;
        }
        // The invocation is as random as anything.
        let extra = match number("RuntimeRandomizedExtraSec") {
            0 => 0,
            extra => self.invocation.0 as u64 % extra.saturating_add(1).max(1),
        };
        let ends = self.up_since?.plus_us(most.saturating_add(extra));
        Some(self.extended.map_or(ends, |later| ends.max(later)))
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
            Stage::ReloadSignal => (ActiveState::Reloading, "reload-signal"),
            Stage::ReloadNotify => (ActiveState::Reloading, "reload-notify"),
            Stage::Stop(_) => (ActiveState::Deactivating, "stop"),
            Stage::StopWatchdog => (ActiveState::Deactivating, "stop-watchdog"),
            Stage::StopSigterm => (ActiveState::Deactivating, "stop-sigterm"),
            Stage::StopSigkill => (ActiveState::Deactivating, "stop-sigkill"),
            Stage::StopPost(_) => (ActiveState::Deactivating, "stop-post"),
            Stage::FinalSigterm => (ActiveState::Deactivating, "final-sigterm"),
            Stage::FinalWatchdog => (ActiveState::Deactivating, "final-watchdog"),
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
            Stage::Running
                | Stage::Exited
                | Stage::Reload(_)
                | Stage::ReloadSignal
                | Stage::ReloadNotify
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
    pub fn stop(&mut self, now: Instant, told: Told, out: &mut Vec<Effect>) {
        self.told = Some(told);
        match self.stage {
            Stage::Spawning => self.release(out),
            // ExecStop= is for what was up, and not while another command runs.
            Stage::Condition(_)
            | Stage::StartPre(_)
            | Stage::Start(_)
            | Stage::StartPost(_)
            | Stage::Reload(_)
            | Stage::ReloadSignal
            | Stage::ReloadNotify => self.enter_stop_sigterm(now, out),
            Stage::Running | Stage::Exited => self.enter_stop(now, out),
            Stage::Stop(_)
            | Stage::StopWatchdog
            | Stage::StopSigterm
            | Stage::StopSigkill
            | Stage::StopPost(_)
            | Stage::FinalSigterm
            | Stage::FinalWatchdog
            | Stage::FinalSigkill
            | Stage::Releasing => {}
        }
    }

    /// Whether [`Activation::reload`] applies.
    pub fn can_reload(&self) -> bool {
        matches!(self.stage, Stage::Running | Stage::Exited)
            && knows_reload(self.service())
            && !self.control
    }

    /// Send ReloadSignal= (Type=notify-reload), and run ExecReload=.
    pub fn reload(&mut self, now: Instant, out: &mut Vec<Effect>) {
        debug_assert!(self.can_reload());
        self.reload_ok = true;
        self.reload_confirmed = false;
        self.arm(now, self.service().timeout_start_us);
        if self.service().service_type == ServiceType::NotifyReload {
            self.reload_begun = Some(now);
            let signal = self.signal_of(Family::Service, "ReloadSignal", SIGHUP);
            self.signal(Whom::Main, signal, out);
        }
        match self.has(ExecRole::Reload) {
            true => {
                self.stage = Stage::Reload(0);
                self.run(ExecRole::Reload, 0, out);
            }
            false => self.stage = Stage::ReloadSignal,
        }
    }
}
