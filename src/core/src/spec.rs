//! What the daemon tells the helper about one invocation: the exec spec.
//!
//! It travels once, as JSON in a sealed memfd, and is versioned: a helper that does not know the
//! version refuses. Everything that needs the host's name services is resolved before (a static
//! helper has none). All paths are absolute.
use crate::{CommitId, InvocationId};
use gitproc_unit::{
    DirectoryKind, EnvironmentFile, ExecCommand, ExecRole, NotifyAccess, Preserve, Resource,
    Rlimit, ServiceType, UnitName,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where bare command names are looked up, and the default PATH (systemd's).
pub const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Version of [`ExecSpec`]; raised when a helper of the version before would misread it.
pub const SPEC_VERSION: u32 = 1;

/// Everything that the helper needs for one invocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecSpec {
    /// [`SPEC_VERSION`] of the writer.
    pub version: u32,
    /// This activation.
    pub invocation: InvocationId,
    /// The unit.
    pub unit: UnitName,
    /// The commit that the unit comes from.
    pub commit: Option<CommitId>,
    /// Decides what counts as the main process.
    pub service_type: ServiceType,
    /// The commands, by role, in order.
    pub commands: BTreeMap<ExecRole, Vec<ExecCommand>>,
    /// How processes are isolated.
    pub namespace: NamespaceMode,
    /// `cgroup.procs` files that each payload process writes itself into before anything else
    /// (v1 controllers). The v2 payload cgroup comes as an open directory ([`Fds`]).
    pub join_cgroup_files: Vec<String>,
    /// Log file of the unit; its directory exists.
    pub log_file: String,
    /// `None`: as the helper itself (rootless, or no User=).
    pub identity: Identity,
    /// Directories to make before the first command, and their environment variables.
    pub directories: Vec<DirectorySpec>,
    /// `PIDFile=`, absolute.
    pub pid_file: Option<String>,
    /// `GuessMainPID=`
    pub guess_main_pid: bool,
    /// `NotifyAccess=`
    pub notify_access: NotifyAccess,
    /// Directory to start in; `/` when the unit names none.
    pub working_directory: String,
    /// A missing working directory is no error (falls back to `/`).
    pub working_directory_optional: bool,
    /// Environment that does not come from files: systemd's own variables first, then
    /// `Environment=`; a later one of the same name wins.
    pub environment: Vec<(String, String)>,
    /// Read before each command, as root, after `environment`.
    pub environment_files: Vec<EnvironmentFile>,
    /// `UMask=`
    pub umask: u32,
    /// `Nice=`
    pub nice: Option<i32>,
    /// `OOMScoreAdjust=`
    pub oom_score_adjust: Option<i32>,
    /// `Limit…=`
    pub rlimits: BTreeMap<Resource, Rlimit>,
    /// `NoNewPrivileges=`
    pub no_new_privileges: bool,
    /// `CapabilityBoundingSet=`; bit n is capability n.
    pub capability_bounding_set: u64,
    /// `AmbientCapabilities=`
    pub ambient_capabilities: u64,
}

/// Whether the service has a PID namespace of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NamespaceMode {
    /// New PID and mount namespace with a /proc of its own; the helper is PID 1.
    Pid,
    /// The same inside a new user namespace (rootless).
    UserPid,
    /// None: the helper is a subreaper. Said in `status`.
    None,
}

/// Who the service runs as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `None`: keep the helper's ids.
    pub ids: Option<Ids>,
    /// `USER`, `LOGNAME`
    pub user_name: Option<String>,
    /// `HOME`
    pub home: Option<String>,
    /// `SHELL`
    pub shell: Option<String>,
}

/// Numeric ids, resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Ids {
    pub uid: u32,
    pub gid: u32,
    /// All supplementary groups; root's never leak.
    pub groups: Vec<u32>,
}

/// RuntimeDirectory= or a sibling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectorySpec {
    /// Which one; names the variable (`RUNTIME_DIRECTORY`).
    pub kind: DirectoryKind,
    /// Absolute base (`/run`), which is never chowned.
    pub base: String,
    /// Relative to `base`.
    pub paths: Vec<String>,
    /// Mode of the last component.
    pub mode: u32,
    /// Only Runtime is ever removed, and only if this says so. The daemon removes it, not the
    /// helper, because only the daemon knows whether a restart follows.
    pub preserve: Preserve,
}

/// File descriptors that the helper finds open, by number.
#[derive(Debug, Clone, Copy)]
pub struct Fds;

impl Fds {
    /// Sealed memfd with the [`ExecSpec`] as JSON.
    pub const SPEC: i32 = 3;
    /// Stream socket to the daemon that spawned it ([`crate::protocol`]).
    pub const LINK: i32 = 4;
    /// The invocation directory (`/run/gitproc/inv/<id>`), O_DIRECTORY.
    pub const DIR: i32 = 5;
    /// The v2 payload cgroup directory, or `/dev/null` when there is none.
    pub const CGROUP: i32 = 6;
}

/// Exit statuses of systemd for steps that fail before the service's first instruction
/// (systemd.exec(5), "Process exit codes").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum ExecStep {
    Chdir,
    Nice,
    Fds,
    Exec,
    Memory,
    Limits,
    OomAdjust,
    SignalMask,
    Stdin,
    Stdout,
    Chroot,
    Ioprio,
    Timerslack,
    Securebits,
    Setscheduler,
    CpuAffinity,
    Group,
    User,
    Capabilities,
    Cgroup,
    Setsid,
    Stderr,
    Pam,
    Network,
    Namespace,
    NoNewPrivileges,
    Seccomp,
    RuntimeDirectory,
    StateDirectory,
    CacheDirectory,
    LogsDirectory,
    ConfigurationDirectory,
}

impl ExecStep {
    /// Exit status, 200 and up.
    pub const fn status(self) -> u8 {
        match self {
            ExecStep::Chdir => 200,
            ExecStep::Nice => 201,
            ExecStep::Fds => 202,
            ExecStep::Exec => 203,
            ExecStep::Memory => 204,
            ExecStep::Limits => 205,
            ExecStep::OomAdjust => 206,
            ExecStep::SignalMask => 207,
            ExecStep::Stdin => 208,
            ExecStep::Stdout => 209,
            ExecStep::Chroot => 210,
            ExecStep::Ioprio => 211,
            ExecStep::Timerslack => 212,
            ExecStep::Securebits => 213,
            ExecStep::Setscheduler => 214,
            ExecStep::CpuAffinity => 215,
            ExecStep::Group => 216,
            ExecStep::User => 217,
            ExecStep::Capabilities => 218,
            ExecStep::Cgroup => 219,
            ExecStep::Setsid => 220,
            ExecStep::Stderr => 222,
            ExecStep::Pam => 224,
            ExecStep::Network => 225,
            ExecStep::Namespace => 226,
            ExecStep::NoNewPrivileges => 227,
            ExecStep::Seccomp => 228,
            ExecStep::RuntimeDirectory => 233,
            ExecStep::StateDirectory => 238,
            ExecStep::CacheDirectory => 239,
            ExecStep::LogsDirectory => 240,
            ExecStep::ConfigurationDirectory => 241,
        }
    }

    /// Name as systemd prints it: `GROUP`.
    pub const fn name(self) -> &'static str {
        match self {
            ExecStep::Chdir => "CHDIR",
            ExecStep::Nice => "NICE",
            ExecStep::Fds => "FDS",
            ExecStep::Exec => "EXEC",
            ExecStep::Memory => "MEMORY",
            ExecStep::Limits => "LIMITS",
            ExecStep::OomAdjust => "OOM_ADJUST",
            ExecStep::SignalMask => "SIGNAL_MASK",
            ExecStep::Stdin => "STDIN",
            ExecStep::Stdout => "STDOUT",
            ExecStep::Chroot => "CHROOT",
            ExecStep::Ioprio => "IOPRIO",
            ExecStep::Timerslack => "TIMERSLACK",
            ExecStep::Securebits => "SECUREBITS",
            ExecStep::Setscheduler => "SETSCHEDULER",
            ExecStep::CpuAffinity => "CPUAFFINITY",
            ExecStep::Group => "GROUP",
            ExecStep::User => "USER",
            ExecStep::Capabilities => "CAPABILITIES",
            ExecStep::Cgroup => "CGROUP",
            ExecStep::Setsid => "SETSID",
            ExecStep::Stderr => "STDERR",
            ExecStep::Pam => "PAM",
            ExecStep::Network => "NETWORK",
            ExecStep::Namespace => "NAMESPACE",
            ExecStep::NoNewPrivileges => "NO_NEW_PRIVILEGES",
            ExecStep::Seccomp => "SECCOMP",
            ExecStep::RuntimeDirectory => "RUNTIME_DIRECTORY",
            ExecStep::StateDirectory => "STATE_DIRECTORY",
            ExecStep::CacheDirectory => "CACHE_DIRECTORY",
            ExecStep::LogsDirectory => "LOGS_DIRECTORY",
            ExecStep::ConfigurationDirectory => "CONFIGURATION_DIRECTORY",
        }
    }
}
