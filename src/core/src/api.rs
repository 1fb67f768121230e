//! The engine's border: what goes in, what comes out.
//!
//! ```text
//! shell ──Input──▶ Engine::step(now, input, &mut effects) ──Effect──▶ shell
//! ```
//! No effect and no event about a process lacks its [`InvocationId`]; events of an invocation that
//! is not the unit's current one are dropped, in one place.
use crate::host_action::HostAction;
use crate::protocol::{Exit, Failure, FromHelper, HelperState, Notify, ProcessEnd, Whom};
use crate::snapshot::{ActiveState, Checked, UnitResult};
use crate::{CommitId, Instant, InvocationId, JobId};
use gitproc_unit::{ExecRole, MeaningHash, Unit, UnitName, UnitSet, Verdict};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What can happen to the engine.
#[derive(Debug, Clone)]
pub enum Input {
    /// This commit's units are wanted from now on. Replaces what was wanted before, also in the
    /// middle of a rollout. [`Effect::Settled`] with the same job tells when nothing is left to do.
    Target {
        /// Names the apply in [`Effect::Settled`].
        job: JobId,
        /// The commit.
        commit: CommitId,
        /// Its units.
        units: Arc<UnitSet>,
    },
    /// An operator's request. Each is answered by one [`Effect::JobDone`] per unit.
    Request {
        /// Names the request.
        job: JobId,
        /// What to do.
        verb: Verb,
        /// About jobs and units that it concerns otherwise.
        mode: JobMode,
        /// To which units; unknown ones are answered with [`JobResult::NotFound`].
        units: Vec<UnitName>,
    },
    /// Send a signal (`gitproc kill`).
    Kill {
        /// The unit.
        unit: UnitName,
        /// To whom.
        whom: KillWhom,
        /// Number.
        signal: i32,
    },
    /// Forget failures and start counters.
    ResetFailed {
        /// Which; all when empty.
        units: Vec<UnitName>,
    },
    /// Something happened to a helper.
    Helper {
        /// Which invocation.
        invocation: InvocationId,
        /// What.
        event: HelperEvent,
    },
    /// What [`Effect::Check`] found.
    Checked {
        /// The unit.
        unit: UnitName,
        /// The invocation that is to be; another one's check is dropped.
        invocation: InvocationId,
        /// `Condition…=`
        conditions: Verdict,
        /// `Assert…=`; untested when the conditions do not hold.
        asserts: Verdict,
    },
    /// At start, before the first `Target`: a helper that outlived the last daemon.
    Adopt {
        /// What was recorded when it was spawned.
        record: InvocationRecord,
        /// The definition it was spawned from, re-read from its commit; `None` if that is lost.
        unit: Option<Arc<Unit>>,
        /// What the helper says.
        state: HelperState,
        /// False when the helper itself is gone and `state` is what it left behind.
        alive: bool,
    },
    /// At start, before the first `Target`: what was recorded about a unit.
    Restore {
        /// The unit.
        unit: UnitName,
        /// Its record.
        record: UnitRecord,
    },
    /// A deadline may have passed.
    Tick,
    /// Stop everything in order. Answered by [`Effect::Settled`].
    Shutdown {
        /// Names it.
        job: JobId,
    },
}

/// Verbs of systemctl that ask for jobs (systemctl(1)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Verb {
    Start,
    Stop,
    Restart,
    /// Restart what runs; nothing otherwise.
    TryRestart,
    Reload,
    /// Reload what can be reloaded, restart or start anything else.
    ReloadOrRestart,
    /// As `ReloadOrRestart`, of what runs.
    TryReloadOrRestart,
    /// Start it, and stop everything that it does not pull in.
    Isolate,
}

impl Verb {
    /// As it is typed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verb::Start => "start",
            Verb::Stop => "stop",
            Verb::Restart => "restart",
            Verb::TryRestart => "try-restart",
            Verb::Reload => "reload",
            Verb::ReloadOrRestart => "reload-or-restart",
            Verb::TryReloadOrRestart => "try-reload-or-restart",
            Verb::Isolate => "isolate",
        }
    }
}

/// What a request does about jobs that units have already, and about other units (systemctl(1),
/// `--job-mode=`).
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum JobMode {
    /// Jobs that contradict it are replaced.
    #[default]
    Replace,
    /// It is refused where it contradicts a job; what need not be stopped is not.
    Fail,
    /// Everything that it does not pull in is stopped. For starts.
    Isolate,
    /// Nothing else comes along, and it waits for nothing.
    IgnoreDependencies,
    /// Nothing else comes along.
    IgnoreRequirements,
}

/// The kinds of job that a unit can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum JobType {
    Start,
    Stop,
    Restart,
    Reload,
}

impl JobType {
    /// As systemd writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            JobType::Start => "start",
            JobType::Stop => "stop",
            JobType::Restart => "restart",
            JobType::Reload => "reload",
        }
    }
}

/// `gitproc kill --kill-whom`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum KillWhom {
    Main,
    Control,
    All,
}

/// What a helper, or the shell on its behalf, reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HelperEvent {
    /// The helper could not be made; `Gone` does not follow.
    SpawnFailed(Failure),
    /// Set-up is done; commands may be run.
    Ready,
    /// Set-up failed; `Gone` follows.
    Failed(Failure),
    /// A command's process exists.
    Forked {
        /// Which line.
        role: ExecRole,
        /// Which command.
        index: u32,
        /// Host pid, for people.
        pid: u32,
    },
    /// The program was executed.
    Execed {
        /// Which line.
        role: ExecRole,
        /// Which command.
        index: u32,
    },
    /// A command has ended.
    Exited(Exit),
    /// The main process of a forking service is known.
    MainPid {
        /// Host pid, for people.
        pid: u32,
    },
    /// A main process that the helper did not fork itself has ended.
    MainExited(ProcessEnd),
    /// sd_notify(3)
    Notify(Notify),
    /// No process of the service is left.
    Empty,
    /// The kernel killed something of the cgroup for want of memory (memory.events `oom_kill`).
    OomKill,
    /// The helper is gone, nothing lives in its cgroup, and both are cleaned up. The last event.
    Gone,
}

impl HelperEvent {
    /// What a message tells the engine; `None` of a `Hello`, which is used where the link is made.
    pub fn of(message: FromHelper) -> Option<HelperEvent> {
        Some(match message {
            FromHelper::Hello { .. } => return None,
            FromHelper::Ready => HelperEvent::Ready,
            FromHelper::Failed(failure) => HelperEvent::Failed(failure),
            FromHelper::Forked { role, index, pid } => HelperEvent::Forked { role, index, pid },
            FromHelper::Execed { role, index } => HelperEvent::Execed { role, index },
            FromHelper::Exited(exit) => HelperEvent::Exited(exit),
            FromHelper::MainPid { pid } => HelperEvent::MainPid { pid },
            FromHelper::MainExited(end) => HelperEvent::MainExited(end),
            FromHelper::Notify(notify) => HelperEvent::Notify(notify),
            FromHelper::Empty => HelperEvent::Empty,
        })
    }
}

/// What the shell has to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask the host for the conditions and asserts of a unit that is to start. Answered by
    /// [`Input::Checked`]; nothing has to be undone when that never comes.
    Check {
        /// The invocation that is to be.
        invocation: InvocationId,
        /// The definition.
        unit: Arc<Unit>,
    },
    /// Make the cgroup and the helper. Answered by `Ready`, `Failed` or `SpawnFailed`.
    Spawn {
        /// New invocation.
        invocation: InvocationId,
        /// The definition to run.
        unit: Arc<Unit>,
        /// The commit it comes from.
        commit: CommitId,
        /// Automatic restarts so far.
        restarts: u32,
    },
    /// Have the helper run one command of the unit.
    Run {
        /// Which invocation.
        invocation: InvocationId,
        /// Which line.
        role: ExecRole,
        /// Which command.
        index: u32,
        /// MAINPID and so on (systemd.exec(5), "Environment variables set or propagated").
        environment: Vec<(String, String)>,
    },
    /// Have the helper send a signal.
    Signal {
        /// Which invocation.
        invocation: InvocationId,
        /// To whom.
        whom: Whom,
        /// Number.
        signal: i32,
    },
    /// SIGKILL to everything in the payload cgroup, by the kernel (`cgroup.kill`) where it can.
    KillCgroup {
        /// Which invocation.
        invocation: InvocationId,
    },
    /// End the helper: nothing of the service is to be left. Answered by `Gone`.
    Release {
        /// Which invocation.
        invocation: InvocationId,
        /// The runtime directory stays (a restart follows and RuntimeDirectoryPreserve= says so).
        keep_runtime_directory: bool,
    },
    /// An operator's request is done for this unit.
    JobDone(JobOutcome),
    /// A `Target` or `Shutdown` has nothing left to do.
    Settled {
        /// The job that it was given with.
        job: JobId,
        /// Units that should be up and are not, with the reason.
        failed: Vec<(UnitName, String)>,
        /// Units that this apply did not start because of their conditions, with the reason.
        skipped: Vec<(UnitName, String)>,
        /// A newer target took its place.
        superseded: bool,
    },
    /// A unit's state changed: for the log, events, and progress lines of an apply.
    Changed {
        /// The unit.
        unit: UnitName,
        /// This activation.
        invocation: Option<InvocationId>,
        /// Before.
        from: ActiveState,
        /// After.
        to: ActiveState,
        /// SubState after.
        sub: &'static str,
        /// Result after.
        result: UnitResult,
        /// In words, when something went wrong.
        reason: Option<String>,
        /// Host pid of the main process.
        main_pid: Option<u32>,
    },
    /// A unit asks something of the whole host; the configuration says whether it may.
    HostAction {
        /// The unit.
        unit: UnitName,
        /// The directive that asks, such as `FailureAction`.
        key: &'static str,
        /// What.
        action: HostAction,
        /// What gitproc is to exit with, where the action is that.
        exit_status: u8,
        /// `RebootArgument=`; empty: none.
        argument: String,
    },
    /// Keep this about the unit, by rename; `None`: forget it.
    Record {
        /// The unit.
        unit: UnitName,
        /// What to keep.
        record: Option<Box<UnitRecord>>,
    },
}

/// How a request ended for one unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobOutcome {
    /// The request.
    pub job: JobId,
    /// The unit.
    pub unit: UnitName,
    /// How.
    pub result: JobResult,
    /// Why, when it did not go well; or why a start was skipped, which is no failure.
    pub reason: Option<String>,
}

/// systemd's job results, as far as they occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobResult {
    /// As asked.
    Done,
    /// It did not come up (or did not reload).
    Failed,
    /// A unit that it needs did not come up.
    Dependency,
    /// An `Assert…=` of it failed.
    Assert,
    /// Another request took its place.
    Canceled,
    /// It did not end in time (`JobTimeoutSec=`, `JobRunningTimeoutSec=`).
    Timeout,
    /// It does not apply: reload of a unit that can't, or is not active.
    Invalid,
    /// No such unit.
    NotFound,
}

/// What outlives the daemon about a unit, apart from its helper. Under /run: a reboot clears it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitRecord {
    /// Format of this record.
    pub version: u32,
    /// An operator stopped it; it stays down until started again, or until its commit changes it.
    pub stopped_by_operator: bool,
    /// An operator started it although the default target does not pull it in.
    pub started_by_operator: bool,
    /// It was started because of how another unit ended (OnFailure=, OnSuccess=), and has not ended
    /// yet: what it is told of that.
    #[serde(default)]
    pub raised: Option<Vec<(String, String)>>,
    /// It is failed, with this result.
    pub failed: Option<UnitResult>,
    /// A oneshot or RemainAfterExit= unit that ran and counts as active or done, with its meaning.
    pub completed: Option<MeaningHash>,
    /// Why it failed, in words.
    pub reason: Option<String>,
    /// Automatic restarts since the last explicit start.
    pub restarts: u32,
    /// How the main process last ended.
    pub main_end: Option<ProcessEnd>,
    /// Host pid of the last main process, for people.
    #[serde(default)]
    pub exec_main_pid: Option<u32>,
    /// The meaning that was started last; a failed unit is tried again when its meaning changes.
    pub meaning: Option<MeaningHash>,
    /// The commit of that.
    pub commit: Option<CommitId>,
    /// It was waiting for its automatic restart.
    pub auto_restart: bool,
    /// Until when, monotonic µs. Records of older daemons lack it; they read the other.
    #[serde(default)]
    pub restart_at: Option<Instant>,
    /// A job that is under way; a daemon that starts again finishes it.
    #[serde(default)]
    pub job: Option<JobType>,
    /// The activation that lives. When its helper is not found again, it never came to be: the
    /// shell removes an invocation directory only after the engine has taken `Gone`.
    #[serde(default)]
    pub invocation: Option<InvocationId>,
    /// What the last start's conditions said.
    #[serde(default)]
    pub checked: Option<Checked>,
    /// When the activation came up, monotonic µs: RuntimeMaxSec= counts from then.
    #[serde(default)]
    pub up_since: Option<Instant>,
}

/// [`UnitRecord::version`] of this code.
pub const UNIT_RECORD_VERSION: u32 = 1;

/// What is written into the invocation directory (`invocation.json`) before the helper is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvocationRecord {
    /// Format of this record.
    pub version: u32,
    /// This activation.
    pub invocation: InvocationId,
    /// The unit.
    pub unit: UnitName,
    /// The commit of its definition, so that an adopting daemon can read it again.
    pub commit: CommitId,
    /// Meaning of its definition.
    pub meaning: MeaningHash,
    /// v2 cgroup directory of the unit, relative to the mount; `None` without cgroups.
    pub cgroup: Option<String>,
    /// `Slice=`, in which it lies.
    #[serde(default)]
    pub slice: Option<UnitName>,
    /// Whose `PrivateTmp=` directories it has; `None`: its own.
    #[serde(default)]
    pub tmp_of: Option<InvocationId>,
    /// Automatic restarts so far.
    pub restarts: u32,
}

/// [`InvocationRecord::version`] of this code.
pub const INVOCATION_RECORD_VERSION: u32 = 1;
