//! The methods: name, parameters, result, and the notifications of those that stream.
use gitproc_core::api::{JobMode, JobOutcome, KillWhom};
use gitproc_core::generation::{GenerationRecord, Outcome};
use gitproc_core::plan::Plan;
use gitproc_core::security::Exposure;
use gitproc_core::snapshot::UnitStatus;
use gitproc_core::{CommitId, Generation};
use gitproc_unit::{Diagnostic, PropertyValue, UnitName};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// One method. Parameters are always an object (`{}` when there are none).
pub trait Method {
    /// Name on the wire.
    const NAME: &'static str;
    /// Who may call it.
    const RIGHT: Right;
    /// Parameters.
    type Params: Serialize + DeserializeOwned;
    /// Result.
    type Result: Serialize + DeserializeOwned;
}

/// What a caller has to be allowed to do. The peer is known by SO_PEERCRED: root and the daemon's
/// own user may do all; members of group `gitproc` may `Control`; anyone else may `Read`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Look.
    Read,
    /// Change what runs.
    Control,
    /// Only the store's own hooks (user gitproc) and root.
    Hook,
}

macro_rules! methods {
    ($($(#[$doc:meta])* $type:ident = $name:literal, $right:ident, $params:ty => $result:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub enum $type {}
            impl Method for $type {
                const NAME: &'static str = $name;
                const RIGHT: Right = Right::$right;
                type Params = $params;
                type Result = $result;
            }
        )*
        /// Every method and the right that it needs.
        pub const METHODS: &[(&str, Right)] = &[$(($name, Right::$right)),*];
    };
}

methods! {
    /// Version and pid of the daemon.
    Ping = "ping", Read, Empty => Pong;
    /// The host: generation, commit, counts, degradations.
    Status = "status", Read, Empty => HostStatus;
    /// Units, one line each.
    List = "list", Read, ListParams => Vec<UnitRow>;
    /// Everything about some units, for `status UNIT`.
    UnitStatuses = "unit.status", Read, Units => Vec<UnitDetail>;
    /// Properties by systemd's names.
    Show = "show", Read, Units => Vec<UnitProperties>;
    /// How exposed services are; of none that is named: all of them.
    Security = "security", Read, Units => Vec<Exposure>;
    /// The files that a unit is made of.
    Cat = "cat", Read, Units => Vec<UnitFiles>;
    /// Start and wait.
    Start = "start", Control, JobParams => Vec<JobOutcome>;
    /// Stop and wait.
    Stop = "stop", Control, JobParams => Vec<JobOutcome>;
    /// Restart and wait.
    Restart = "restart", Control, JobParams => Vec<JobOutcome>;
    /// Restart what runs, and wait.
    TryRestart = "try-restart", Control, JobParams => Vec<JobOutcome>;
    /// Reload and wait.
    Reload = "reload", Control, JobParams => Vec<JobOutcome>;
    /// Reload what can be, restart or start the rest, and wait.
    ReloadOrRestart = "reload-or-restart", Control, JobParams => Vec<JobOutcome>;
    /// The same of what runs.
    TryReloadOrRestart = "try-reload-or-restart", Control, JobParams => Vec<JobOutcome>;
    /// Start one unit, stop what it does not pull in, and wait for the start.
    Isolate = "isolate", Control, JobParams => Vec<JobOutcome>;
    /// Send a signal.
    Kill = "kill", Control, KillParams => Empty;
    /// Forget failures.
    ResetFailed = "reset-failed", Control, Units => Empty;
    /// Log lines. They come as `log` notifications ([`LogEntry`]); the answer comes after the last
    /// (never, with `follow`, until the client hangs up).
    Logs = "logs", Read, LogsParams => Empty;
    /// What applying a commit would change.
    PlanFor = "plan", Read, RevParams => PlanView;
    /// Look for a new commit now, and apply it; `progress` notifications ([`Progress`]).
    Sync = "sync", Control, SyncParams => ApplyReport;
    /// Return to an earlier state by a new commit with the old tree; `progress` notifications.
    Rollback = "rollback", Control, RollbackParams => ApplyReport;
    /// Generations, newest first.
    History = "history", Read, HistoryParams => Vec<GenerationRecord>;
    /// Check a commit.
    Verify = "verify", Read, RevParams => VerifyReport;
    /// Stop every service in order, then the daemon. Answered when the services are down.
    Shutdown = "shutdown", Control, Empty => Empty;
    /// From the store's pre-receive hook: may these refs move?
    PreReceive = "hook.pre-receive", Hook, HookParams => HookVerdict;
    /// From the store's post-receive hook: they have moved; `progress` notifications.
    PostReceive = "hook.post-receive", Hook, HookParams => ApplyReport;
}

/// `{}`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

/// Answer to [`Ping`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Pong {
    pub version: String,
    pub pid: u32,
}

/// Unit names or globs (`web@*`), as people type them; a name without suffix means a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
#[serde(deny_unknown_fields)]
pub struct Units {
    pub units: Vec<String>,
}

/// For [`List`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListParams {
    /// Globs; all when empty.
    #[serde(default)]
    pub patterns: Vec<String>,
    /// ActiveState or SubState names; all when empty.
    #[serde(default)]
    pub states: Vec<String>,
    /// Also units that are inactive and not wanted, and built-in targets.
    #[serde(default)]
    pub all: bool,
}

/// For the job verbs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobParams {
    /// As in [`Units`].
    pub units: Vec<String>,
    /// Answer at once with an empty list.
    #[serde(default)]
    pub no_block: bool,
    /// What it does about other jobs and units.
    #[serde(default)]
    pub job_mode: JobMode,
}

/// For [`Kill`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KillParams {
    /// As in [`Units`].
    pub units: Vec<String>,
    /// Number.
    pub signal: i32,
    /// To whom.
    pub whom: KillWhom,
}

/// One line of `list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitRow {
    /// State.
    #[serde(flatten)]
    pub status: UnitStatus,
    /// µs since the state was entered.
    pub since_us_ago: u64,
    /// What the cgroup says; absent without one.
    pub usage: Usage,
}

/// What a service uses, from its cgroup.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Bytes.
    pub memory_current: Option<u64>,
    /// Bytes.
    pub memory_peak: Option<u64>,
    /// ns.
    pub cpu_usage_ns: Option<u64>,
    /// Number of tasks.
    pub tasks_current: Option<u64>,
}

/// For `status UNIT`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitDetail {
    /// State and usage.
    #[serde(flatten)]
    pub row: UnitRow,
    /// Path of the unit file in the tree; `None` for built-in targets.
    pub fragment: Option<String>,
    /// Paths of drop-ins.
    pub drop_ins: Vec<String>,
    /// Documentation=
    pub documentation: Vec<String>,
    /// Warnings of its definition.
    pub warnings: Vec<Diagnostic>,
    /// v2 cgroup, relative to the mount.
    pub control_group: Option<String>,
    /// How many descriptors it has stored, and how many it may; `None`: it may store none, or its
    /// keeper does not answer.
    #[serde(default)]
    pub descriptors_stored: Option<(u32, u32)>,
    /// Processes: host pid and command line.
    pub processes: Vec<(u32, String)>,
    /// Last lines of the log.
    pub log_tail: Vec<LogEntry>,
}

/// For [`Show`]: configured properties and those of the state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitProperties {
    /// The unit.
    pub unit: UnitName,
    /// By systemd's names, in the order of `systemctl show`'s groups.
    pub properties: Vec<(String, PropertyValue)>,
}

/// For [`Cat`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitFiles {
    /// The unit.
    pub unit: UnitName,
    /// The commit they are from.
    pub commit: Option<CommitId>,
    /// Path in the tree, and text.
    pub files: Vec<(String, String)>,
}

/// For [`Logs`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogsParams {
    /// As in [`Units`].
    pub units: Vec<String>,
    /// The last so many lines; all when absent.
    #[serde(default)]
    pub lines: Option<u64>,
    /// Go on with new ones.
    #[serde(default)]
    pub follow: bool,
    /// None before, µs since the epoch.
    #[serde(default)]
    pub since_us: Option<u64>,
    /// None after, µs since the epoch.
    #[serde(default)]
    pub until_us: Option<u64>,
    /// Only of this level of syslog(3) and more urgent ones.
    #[serde(default)]
    pub priority: Option<u8>,
    /// Only of this stream.
    #[serde(default)]
    pub stream: Option<LogStream>,
    /// Only those that this regular expression matches; in small letters it matches capital ones too.
    #[serde(default)]
    pub grep: Option<String>,
    /// Only of invocations whose id begins so.
    #[serde(default)]
    pub invocation: Option<String>,
    /// Only of invocations of this commit, as git names it, or of this generation (`@N`).
    #[serde(default)]
    pub rev: Option<String>,
}

/// Notification `log`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// The unit.
    pub unit: UnitName,
    /// µs since the epoch.
    pub time_us: u64,
    /// Where it came from.
    pub stream: LogStream,
    /// Level of syslog(3), 0 (emerg) to 7 (debug).
    #[serde(default = "info")]
    pub priority: u8,
    /// `SyslogIdentifier=`, with `_` for white space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// The line goes on in the next entry of this stream.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// The line.
    pub message: LogBytes,
}

fn info() -> u8 {
    gitproc_core::log_policy::INFO
}

/// Where a log line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogStream {
    /// stdout
    Stdout,
    /// stderr
    Stderr,
    /// gitproc's own remark
    Gitproc,
}

/// Text, or bytes as an array of numbers when they are no UTF-8 (as `journalctl -o json` does).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LogBytes {
    /// UTF-8
    Text(String),
    /// Anything else
    Bytes(Vec<u8>),
}

/// For [`Status`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostStatus {
    /// Host name.
    pub host: String,
    /// Version of the daemon.
    pub version: String,
    /// Its pid.
    pub pid: u32,
    /// The branch that is followed.
    pub branch: String,
    /// What is applied; `None` before the first commit.
    pub generation: Option<GenerationRecord>,
    /// Head of the branch, when it was refused or could not be read, and why.
    pub pending: Option<String>,
    /// Units that are active.
    pub active: usize,
    /// Units that failed.
    pub failed: usize,
    /// An apply is under way.
    pub applying: bool,
    /// What this host or this user can't give, one line each.
    pub degradations: Vec<String>,
    /// Warnings about the applied commit.
    pub warnings: Vec<Diagnostic>,
}

/// A revision: hex prefix, branch or tag, `HEAD~2`, or a generation number as `@N`/`gN`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevParams {
    /// Head of the branch when absent.
    #[serde(default)]
    pub rev: Option<String>,
}

/// For [`PlanFor`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PlanView {
    pub from: Option<CommitId>,
    pub to: CommitId,
    pub plan: Plan,
    pub diagnostics: Vec<Diagnostic>,
}

/// For [`Verify`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct VerifyReport {
    pub commit: CommitId,
    pub diagnostics: Vec<Diagnostic>,
}

/// For [`Sync`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncParams {
    /// Answer without waiting for the units.
    #[serde(default)]
    pub no_block: bool,
}

/// For [`Rollback`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackParams {
    /// Revision or generation to return to.
    pub to: String,
    /// Goes into the commit message.
    #[serde(default)]
    pub reason: Option<String>,
}

/// For [`History`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryParams {
    /// The newest so many, 1,000 at most; 100 when absent.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// Notification `progress`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// One line for people: `[1/3] web.service  active (41 ms, pid 4123)`.
    pub line: String,
}

/// How an apply ended; the default is that nothing was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyReport {
    /// The generation; `None` when there was nothing to do or the commit was refused.
    pub generation: Option<Generation>,
    /// The commit.
    pub commit: Option<CommitId>,
    /// How; `None` when nothing was to be done.
    pub outcome: Option<Outcome>,
    /// Units that failed, and why.
    pub failed: Vec<(UnitName, String)>,
    /// Units that were not started because of their conditions, which is no failure, and why.
    #[serde(default)]
    pub skipped: Vec<(UnitName, String)>,
    /// Errors and warnings of the commit.
    pub diagnostics: Vec<Diagnostic>,
}

/// From a hook.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookParams {
    /// `old new ref` lines of its standard input.
    pub updates: Vec<RefUpdate>,
    /// GIT_QUARANTINE_PATH.
    #[serde(default)]
    pub quarantine: Option<String>,
    /// `-o` options of the push.
    #[serde(default)]
    pub options: Vec<String>,
    /// Who pushes, as the daemon's git socket told receive-pack (GITPROC_PUSHER).
    #[serde(default)]
    pub pusher: Option<String>,
}

/// One moved ref.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
#[serde(deny_unknown_fields)]
pub struct RefUpdate {
    pub old: String,
    pub new: String,
    #[serde(rename = "ref")]
    pub reference: String,
}

/// May the refs move?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookVerdict {
    /// Yes.
    pub accepted: bool,
    /// What the pusher is to read (plan, warnings, errors).
    pub lines: Vec<String>,
}
