//! What readers see: immutable, serialisable copies of the engine's state.
use crate::{CommitId, Instant, InvocationId, protocol::ProcessEnd};
use gitproc_unit::{MeaningHash, UnitName, Verdict};
use serde::{Deserialize, Serialize};

/// systemd's ActiveState.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum ActiveState {
    Active,
    Reloading,
    Inactive,
    Failed,
    Activating,
    Deactivating,
}

impl ActiveState {
    /// As systemd writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ActiveState::Active => "active",
            ActiveState::Reloading => "reloading",
            ActiveState::Inactive => "inactive",
            ActiveState::Failed => "failed",
            ActiveState::Activating => "activating",
            ActiveState::Deactivating => "deactivating",
        }
    }
}

/// systemd's Result of a service.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum UnitResult {
    #[default]
    Success,
    Resources,
    Protocol,
    Timeout,
    ExitCode,
    Signal,
    CoreDump,
    Watchdog,
    StartLimitHit,
    OomKill,
    ExecCondition,
    /// A unit that it requires failed or is missing (systemd's job result `dependency`).
    Dependency,
    /// A `Condition…=` did not hold, so the start was skipped: no failure (systemd has no word).
    Condition,
    /// An `Assert…=` did not hold, so the start failed (systemd's job result `assert`).
    Assert,
}

impl UnitResult {
    /// As systemd writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            UnitResult::Success => "success",
            UnitResult::Resources => "resources",
            UnitResult::Protocol => "protocol",
            UnitResult::Timeout => "timeout",
            UnitResult::ExitCode => "exit-code",
            UnitResult::Signal => "signal",
            UnitResult::CoreDump => "core-dump",
            UnitResult::Watchdog => "watchdog",
            UnitResult::StartLimitHit => "start-limit-hit",
            UnitResult::OomKill => "oom-kill",
            UnitResult::ExecCondition => "exec-condition",
            UnitResult::Dependency => "dependency",
            UnitResult::Condition => "condition",
            UnitResult::Assert => "assert",
        }
    }
}

/// The state of one unit at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitStatus {
    /// The unit.
    pub unit: UnitName,
    /// `Description=`
    pub description: String,
    /// systemd's ActiveState.
    pub active: ActiveState,
    /// systemd's SubState: `running`, `auto-restart`, `stop-sigterm`, …
    pub sub: String,
    /// systemd's Result of the last run.
    pub result: UnitResult,
    /// Why, in words, when it failed or waits: `start request repeated too quickly`.
    pub reason: Option<String>,
    /// The default target pulls it in (or an operator started it).
    pub wanted: bool,
    /// The last explicit word of an operator, where it differs from the commit: `stopped by …`.
    pub override_: Option<String>,
    /// Monotonic µs of the last change of state ([`crate::Instant`]).
    pub since: u64,
    /// This activation.
    pub invocation: Option<InvocationId>,
    /// Host pid of the main process.
    pub main_pid: Option<u32>,
    /// As `main_pid`; stays when it has ended (ExecMainPID).
    #[serde(default)]
    pub exec_main_pid: Option<u32>,
    /// Host pid of the control process.
    pub control_pid: Option<u32>,
    /// How the main process last ended.
    pub main_end: Option<ProcessEnd>,
    /// Automatic restarts since the last explicit start.
    pub restarts: u32,
    /// STATUS= of sd_notify(3).
    pub status_text: Option<String>,
    /// ERRNO= of sd_notify(3).
    #[serde(default)]
    pub status_errno: Option<i32>,
    /// Commit of the definition that runs (or would run).
    pub commit: Option<CommitId>,
    /// Meaning of the definition that runs.
    pub running_meaning: Option<MeaningHash>,
    /// A job that waits or runs: `start waiting`, `stop running`.
    pub job: Option<String>,
    /// When the next automatic restart is due, monotonic µs.
    pub restart_at: Option<u64>,
    /// What the last start's conditions said.
    #[serde(default)]
    pub checked: Option<Checked>,
}

/// What conditions and asserts said when a unit was to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// When, monotonic µs.
    pub at: Instant,
    /// `Condition…=`
    pub conditions: Verdict,
    /// `Assert…=`
    pub asserts: Verdict,
}
