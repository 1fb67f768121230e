//! What daemon and helper say to each other: JSON, one message per line, over a stream socket.
//!
//! The first link is an inherited socket pair; after a restart the daemon connects to `ctl.sock` in
//! the invocation directory. On every new link the helper first sends [`FromHelper::Hello`] with
//! its whole state, then events as they happen. A helper whose *first* link closes before `go` came
//! exits without running anything; later a closed link only means that the daemon is away. The
//! newest link wins: an older one is closed.
//!
//! The state is also kept in the invocation directory as `state.json`, replaced by rename *before*
//! a change is reported, so that a result survives daemon and helper.
use crate::{InvocationId, spec::ExecStep};
use gitproc_unit::{ExecRole, UnitName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of these messages and of `state.json`.
pub const PROTOCOL_VERSION: u32 = 1;

/// Longest line, in bytes, either way; a longer one closes the link.
pub const LINE_MAX: usize = 64 * 1024;

/// Daemon to helper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToHelper {
    /// The daemon has recorded the invocation: set up and be ready. Answered by
    /// [`FromHelper::Ready`] or [`FromHelper::Failed`].
    Go,
    /// Run one command of the spec.
    Run {
        /// Which Exec* line.
        role: ExecRole,
        /// Which command of it, from 0.
        index: u32,
        /// Extra environment: MAINPID, and for stop-post SERVICE_RESULT, EXIT_CODE, EXIT_STATUS.
        environment: Vec<(String, String)>,
    },
    /// Send a signal.
    Signal {
        /// To whom.
        whom: Whom,
        /// Number of the signal.
        signal: i32,
    },
    /// Kill whatever is left, write out the log, and exit.
    Quit,
}

/// Receiver of a signal, inside one invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whom {
    /// The main process.
    Main,
    /// The running command that is not the main process (start-pre, stop, …).
    Control,
    /// Every process of the service (not the helper).
    All,
}

/// Helper to daemon. Process ids are the host's, for people to read; they are never used to signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FromHelper {
    /// First message on each link.
    Hello {
        /// [`PROTOCOL_VERSION`]
        version: u32,
        /// Everything so far.
        state: HelperState,
    },
    /// Set-up is done; commands may be run.
    Ready,
    /// Set-up failed; the helper exits after this.
    Failed(Failure),
    /// A command's process exists (it has not necessarily executed the program yet).
    Forked {
        /// Which line.
        role: ExecRole,
        /// Which command.
        index: u32,
        /// Host pid.
        pid: u32,
    },
    /// The program was executed.
    Execed {
        /// Which line.
        role: ExecRole,
        /// Which command.
        index: u32,
    },
    /// A command's process has ended.
    Exited(Exit),
    /// The main process of a forking service is known (PIDFile= or guessed), or MAINPID= said so.
    MainPid {
        /// Host pid.
        pid: u32,
    },
    /// The main process, when it is not the one that the helper forked itself, has ended.
    MainExited(ProcessEnd),
    /// sd_notify(3): fields this version knows, from a sender that NotifyAccess= allows.
    Notify(Notify),
    /// No process of the service is left.
    Empty,
}

/// A command that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Which line.
    pub role: ExecRole,
    /// Which command.
    pub index: u32,
    /// How.
    pub end: ProcessEnd,
    /// Set when the program was never executed.
    pub failure: Option<Failure>,
}

/// How a process ended (`si_code` of waitid(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessEnd {
    /// Exit code.
    Exited(u8),
    /// Signal number.
    Killed(i32),
    /// Signal number; a core was dumped.
    Dumped(i32),
}

/// A step that failed before the service's first instruction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which step.
    pub step: ExecStep,
    /// errno; 0 when the cause is no system call.
    pub errno: i32,
    /// What was tried, in words: `user 'x' does not exist`.
    pub detail: String,
}

/// Fields of a notification that were set in it (sd_notify(3)).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Notify {
    #[serde(default)]
    pub ready: bool,
    #[serde(default)]
    pub reloading: bool,
    #[serde(default)]
    pub stopping: bool,
    #[serde(default)]
    pub watchdog: bool,
    #[serde(default)]
    pub watchdog_trigger: bool,
    /// µs
    #[serde(default)]
    pub watchdog_us: Option<u64>,
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    pub errno: Option<i32>,
    #[serde(default)]
    pub extend_timeout_us: Option<u64>,
    /// `MONOTONIC_USEC=`: when the service sent this, µs of CLOCK_MONOTONIC.
    #[serde(default)]
    pub monotonic_us: Option<u64>,
}

/// What a helper knows about its invocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelperState {
    /// [`PROTOCOL_VERSION`]
    pub version: u32,
    /// This activation.
    pub invocation: InvocationId,
    /// The unit.
    pub unit: UnitName,
    /// Set-up is done.
    pub ready: bool,
    /// Set-up failed.
    pub failed: Option<Failure>,
    /// Host pid of the main process while it lives.
    pub main_pid: Option<u32>,
    /// When the main process was started, µs since the epoch.
    pub main_started_us: Option<u64>,
    /// How the main process ended.
    pub main_end: Option<ProcessEnd>,
    /// When, µs since the epoch.
    pub main_ended_us: Option<u64>,
    /// The command that runs now and is not the main process.
    pub control: Option<(ExecRole, u32, u32)>,
    /// Last command that ended, by role.
    pub exits: BTreeMap<ExecRole, Exit>,
    /// The main program was executed (Type=exec).
    pub main_execed: bool,
    /// READY=1 was seen.
    pub notified_ready: bool,
    /// STOPPING=1 was seen.
    pub notified_stopping: bool,
    /// Last STATUS=.
    pub status_text: Option<String>,
    /// Last ERRNO=.
    #[serde(default)]
    pub status_errno: Option<i32>,
    /// No process is left.
    pub empty: bool,
    /// The kernel has killed something of the service for want of memory. The helper does not know
    /// it: the shell reads it from the cgroup when it adopts.
    #[serde(default)]
    pub oom_killed: bool,
}

impl HelperState {
    /// State of a helper that has done nothing yet.
    pub fn new(invocation: InvocationId, unit: UnitName) -> HelperState {
        HelperState {
            version: PROTOCOL_VERSION,
            invocation,
            unit,
            ready: false,
            failed: None,
            main_pid: None,
            main_started_us: None,
            main_end: None,
            main_ended_us: None,
            control: None,
            exits: BTreeMap::new(),
            main_execed: false,
            notified_ready: false,
            notified_stopping: false,
            status_text: None,
            status_errno: None,
            empty: true,
            oom_killed: false,
        }
    }
}
