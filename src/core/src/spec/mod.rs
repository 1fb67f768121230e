//! What the daemon tells the helper about one invocation: the exec spec.
//!
//! It travels once, as JSON in a sealed memfd, and is versioned: a helper that does not know the
//! version refuses. Everything that needs the host's name services is resolved before (a static
//! helper has none). All paths are absolute.
mod credentials;
mod mounts;
mod namespaces;
mod octets;
mod privileges;
mod scheduling;
mod step;
mod streams;
mod system_calls;

pub use credentials::Credentials;
pub use mounts::{Mount, MountKind, Mounts};
pub use namespaces::{Namespaces, Sharing};
pub use octets::Octets;
pub use privileges::{Keyring, PrivilegeSpec};
pub use scheduling::{CpuScheduling, IoPriority, NumaPolicy, Scheduling};
pub use step::ExecStep;
pub use streams::{FileMode, Input, LogCopies, Output, Streams, Taking, Terminal};
pub use system_calls::CallProgram;

use crate::log_files::LogRotation;
use crate::{CommitId, InvocationId};
use gitproc_unit::{
    DirectoryKind, EnvironmentFile, ExecCommand, ExecRole, NotifyAccess, Preserve, ServiceType,
    UnitName,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where bare command names are looked up, and the default PATH (systemd's).
pub const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Version of [`ExecSpec`]; raised when a helper of the version before would misread it.
pub const SPEC_VERSION: u32 = 3;

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
    /// `tasks` files that each payload process, of one thread then, writes itself into before
    /// anything else (v1 controllers). The v2 payload cgroup comes as an open directory ([`Fds`]).
    pub join_cgroup_files: Vec<String>,
    /// `Delegate=`: the payload is the service's own to divide, so commands that come beside its
    /// main process have a group of their own.
    #[serde(default)]
    pub delegate: bool,
    /// Log file of the unit; its directory exists.
    pub log_file: String,
    /// When it begins a new one.
    #[serde(default)]
    pub log_rotation: LogRotation,
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
    /// `FileDescriptorStoreMax=`: how many descriptors the store holds; 0: there is no store.
    #[serde(default)]
    pub descriptor_store_max: u32,
    /// `WatchdogSec=`, µs: how often the main process is to give a sign of life.
    pub watchdog_us: Option<u64>,
    /// Directory to start in; `/` when the unit names none.
    pub working_directory: String,
    /// A missing working directory is no error (falls back to `/`).
    pub working_directory_optional: bool,
    /// Environment that does not come from files: systemd's own variables first, then
    /// `Environment=`; a later one of the same name wins.
    pub environment: Vec<(String, String)>,
    /// Read before each command, as root, after `environment`.
    pub environment_files: Vec<EnvironmentFile>,
    /// `UnsetEnvironment=`: names, and assignments that go only with this value; applied last.
    pub unset_environment: Vec<String>,
    /// Where bare command names are looked up: `ExecSearchPath=`, or [`SEARCH_PATH`].
    pub search_path: Vec<String>,
    /// `UMask=`
    pub umask: u32,
    /// What only the commands of `ExecStart=` are kept to.
    pub start_only: StartOnly,
    /// Where stdin, stdout and stderr lead.
    pub streams: Streams,
    /// Shares of the machine, and limits.
    pub scheduling: Scheduling,
    /// What the service may not do.
    pub privileges: PrivilegeSpec,
    /// What it does not share with the host beside processes and files.
    pub namespaces: Namespaces,
    /// How its file system differs from the host's.
    pub mounts: Mounts,
    /// Secrets; made before the first command.
    pub credentials: Option<Credentials>,
    /// Filters of system calls, loaded in this order.
    pub system_calls: Vec<CallProgram>,
    /// What the daemon could not do for it, in words; for the log.
    #[serde(default)]
    pub remarks: Vec<String>,
    /// What restricts the service and can't be had here is left out and said, instead of failing
    /// the service.
    pub allow_degraded: bool,
}

/// `PermissionsStartOnly=`, `RootDirectoryStartOnly=`: older ways to say `+` of all other commands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartOnly {
    /// Identity and sandbox.
    pub permissions: bool,
    /// The root directory.
    pub root_directory: bool,
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
    /// The user was made for the service (`DynamicUser=`): the host's databases do not have it.
    #[serde(default)]
    pub dynamic: bool,
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
    /// `base` can be entered by root only: what is in it belongs to dynamic users, who change.
    pub private: bool,
    /// Symbolic links that lead to the directories: where each is, absolute, and its text.
    pub links: Vec<(String, String)>,
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
    /// In a keeper of descriptors: the socket that it listens at.
    pub const LISTENER: i32 = 3;
    /// Stream socket to the daemon that spawned it ([`crate::protocol`]).
    pub const LINK: i32 = 4;
    /// The invocation directory (`/run/gitproc/inv/<id>`), O_DIRECTORY.
    pub const DIR: i32 = 5;
    /// The v2 payload cgroup directory, or `/dev/null` when there is none.
    pub const CGROUP: i32 = 6;
    /// The network namespace that all commands share: given, or made by the helper and put there, so
    /// that the daemon finds it. Else `/dev/null`.
    pub const NETWORK: i32 = 7;
    /// The same for IPC.
    pub const IPC: i32 = 8;
    /// Connection to the keeper of the unit's descriptor store ([`crate::descriptor_store`]), or
    /// `/dev/null` when there is none.
    pub const STORE: i32 = 9;
}
