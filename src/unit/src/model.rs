//! What a unit is once it is read: typed settings with systemd's defaults filled in.
//!
//! A directive is one row of the table, the field here that it fills, and the code that honours it.
//! Times are µs, sizes bytes; `None` in a limit or a time-out means infinity unless said otherwise.
use crate::UnitName;
use crate::condition::Condition;
use crate::load::UnitFileState;
use crate::property::PropertyValue;
use crate::settings::Settings;
use crate::value::{Delegate, IoScheduling};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All units of one commit, by name. Templates are kept as templates; instances that something
/// refers to are made from them at load time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitSet {
    /// Every loaded unit, the built-in targets of a running host among them.
    pub units: BTreeMap<UnitName, Arc<Unit>>,
    /// Other names of units, by links or `Alias=`. References between units are already resolved.
    pub aliases: BTreeMap<UnitName, UnitName>,
}

impl UnitSet {
    /// The unit's own name where `name` is another one of it.
    pub fn canonical<'a>(&'a self, name: &'a UnitName) -> &'a UnitName {
        self.aliases.get(name).unwrap_or(name)
    }
}

/// One loaded unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Full name.
    pub name: UnitName,
    /// Where it comes from.
    pub origin: Origin,
    /// [Unit], with `.wants/`, `.requires/` and the [Install] sections of others folded in:
    /// `WantedBy=x.target` in a.service shows as `Wants=a.service` of x.target.
    pub unit: UnitSection,
    /// [Service]. For the kinds that are not run (sockets, mounts, swaps, slices, scopes) it holds
    /// what their sections share with it; `None` for all others.
    pub service: Option<Box<ServiceSection>>,
    /// Directives that are kept as the value of their property.
    pub settings: Settings,
    /// What [Timer], [Path] and [Socket] wait for.
    pub triggers: Triggers,
    /// [Install]
    pub install: InstallSection,
    /// Hash of what the unit means; two units with the same hash run the same.
    pub meaning: MeaningHash,
}

/// What units that start others wait for, each entry as systemd shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Triggers {
    /// `[OnBootUSec, µs, 0]`, the last line first.
    pub monotonic: Vec<PropertyValue>,
    /// `[OnCalendar, expression, 0]`, the last line first.
    pub calendar: Vec<PropertyValue>,
    /// `[PathExists, path]`, the last line first.
    pub paths: Vec<PropertyValue>,
    /// `[Stream, address]`, in order.
    pub listens: Vec<PropertyValue>,
}

/// Where a unit comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file of the commit, and its drop-ins in the order in which they were read.
    Tree {
        /// Path in the tree.
        fragment: String,
        /// Paths in the tree.
        drop_ins: Vec<String>,
    },
    /// A well-known target of the host. `reached` ones count as active from the start
    /// (network.target); others never become active (shutdown.target).
    BuiltIn {
        /// Whether it counts as active.
        reached: bool,
    },
}

/// 128 bits over the normalised meaning of a unit: never over its bytes. 32 hex digits in text,
/// because JSON readers lose the digits of so large a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MeaningHash(pub u128);

impl TryFrom<String> for MeaningHash {
    type Error = std::num::ParseIntError;
    fn try_from(text: String) -> Result<MeaningHash, Self::Error> {
        u128::from_str_radix(&text, 16).map(MeaningHash)
    }
}

impl From<MeaningHash> for String {
    fn from(hash: MeaningHash) -> String {
        format!("{:032x}", hash.0)
    }
}

/// [Unit] (systemd.unit(5)).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the directives'
pub struct UnitSection {
    pub description: String,
    pub documentation: Vec<String>,
    pub after: BTreeSet<UnitName>,
    pub before: BTreeSet<UnitName>,
    pub requires: BTreeSet<UnitName>,
    pub wants: BTreeSet<UnitName>,
    pub requisite: BTreeSet<UnitName>,
    pub binds_to: BTreeSet<UnitName>,
    pub part_of: BTreeSet<UnitName>,
    pub conflicts: BTreeSet<UnitName>,
    pub upholds: BTreeSet<UnitName>,
    pub on_failure: BTreeSet<UnitName>,
    pub on_success: BTreeSet<UnitName>,
    pub propagates_reload_to: BTreeSet<UnitName>,
    pub reload_propagated_from: BTreeSet<UnitName>,
    pub propagates_stop_to: BTreeSet<UnitName>,
    pub stop_propagated_from: BTreeSet<UnitName>,
    pub joins_namespace_of: BTreeSet<UnitName>,
    /// What a timer, path or socket starts.
    pub triggers: BTreeSet<UnitName>,
    /// The sockets of `Sockets=`.
    pub triggered_by: BTreeSet<UnitName>,
    /// `RequiresMountsFor=`, and what other directives imply of it.
    pub requires_mounts_for: BTreeSet<String>,
    /// `DefaultDependencies=`; what it adds is already in the sets above.
    pub default_dependencies: bool,
    /// `StartLimitIntervalSec=`, µs; 0 switches the limit off. Default 10 s.
    pub start_limit_interval_us: u64,
    /// `StartLimitBurst=`. Default 5.
    pub start_limit_burst: u32,
    /// `Condition…=`, in the order of the files.
    pub conditions: Vec<Condition>,
    /// `Assert…=`, in the order of the files.
    pub asserts: Vec<Condition>,
}

/// [Install] (systemd.unit(5)), specifiers resolved, and what became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct InstallSection {
    pub wanted_by: BTreeSet<UnitName>,
    pub required_by: BTreeSet<UnitName>,
    pub also: BTreeSet<UnitName>,
    /// `Alias=`: names, or `x.target.wants/a.service` as of old.
    pub alias: BTreeSet<String>,
    /// `DefaultInstance=` of a template.
    pub default_instance: Option<String>,
    /// The unit's other names, by `Alias=` or by links.
    pub names: BTreeSet<UnitName>,
    /// What `systemctl is-enabled` would say; `None` for units without a file.
    pub state: Option<UnitFileState>,
}

/// [Service] (systemd.service(5), systemd.exec(5), systemd.kill(5), systemd.resource-control(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ServiceSection {
    pub service_type: ServiceType,
    /// The Exec* lines by role, in order.
    pub exec: BTreeMap<ExecRole, Vec<ExecCommand>>,
    pub restart: Restart,
    /// `RestartSec=`, µs. Default 100 ms.
    pub restart_us: u64,
    pub timeout_start_us: Option<u64>,
    pub timeout_stop_us: Option<u64>,
    /// `TimeoutAbortSec=`; `None`: as `timeout_stop_us`.
    pub timeout_abort_us: Option<Option<u64>>,
    pub remain_after_exit: bool,
    pub pid_file: Option<String>,
    pub guess_main_pid: bool,
    pub notify_access: NotifyAccess,
    pub success_exit_status: ExitStatusSet,
    pub restart_prevent_exit_status: ExitStatusSet,
    pub restart_force_exit_status: ExitStatusSet,
    pub kill: KillSettings,
    pub user: Option<String>,
    pub group: Option<String>,
    pub supplementary_groups: Vec<String>,
    pub working_directory: Option<WorkingDirectory>,
    /// In order; a later one of the same name wins.
    pub environment: Vec<(String, String)>,
    pub environment_files: Vec<EnvironmentFile>,
    pub umask: u32,
    pub nice: Option<i32>,
    pub oom_score_adjust: Option<i32>,
    pub rlimits: BTreeMap<Resource, Rlimit>,
    /// RuntimeDirectory= and its four siblings.
    pub directories: BTreeMap<DirectoryKind, Directories>,
    pub runtime_directory_preserve: Preserve,
    /// `FileDescriptorStorePreserve=`: when what the service has stored is let go.
    pub descriptor_store_preserve: Preserve,
    pub no_new_privileges: bool,
    /// Bit n is capability n; all bits set by default.
    pub capability_bounding_set: u64,
    pub ambient_capabilities: u64,
    pub resources: ResourceControl,
    pub delegate: Delegate,
    pub cpu_policy: i32,
    pub cpu_priority: i32,
    pub io: IoScheduling,
}

/// 1 s in µs.
const SECOND: u64 = 1_000_000;

impl Default for ServiceSection {
    /// systemd's defaults for a service without any directive. (Some depend on `Type=`: those are
    /// settled when a unit has been read.)
    fn default() -> ServiceSection {
        ServiceSection {
            service_type: ServiceType::Simple,
            exec: BTreeMap::new(),
            restart: Restart::No,
            restart_us: SECOND / 10,
            timeout_start_us: Some(90 * SECOND),
            timeout_stop_us: Some(90 * SECOND),
            timeout_abort_us: None,
            remain_after_exit: false,
            pid_file: None,
            guess_main_pid: true,
            notify_access: NotifyAccess::None,
            success_exit_status: ExitStatusSet::default(),
            restart_prevent_exit_status: ExitStatusSet::default(),
            restart_force_exit_status: ExitStatusSet::default(),
            kill: KillSettings::default(),
            user: None,
            group: None,
            supplementary_groups: Vec::new(),
            working_directory: None,
            environment: Vec::new(),
            environment_files: Vec::new(),
            umask: 0o022,
            nice: None,
            oom_score_adjust: None,
            rlimits: BTreeMap::new(),
            directories: BTreeMap::new(),
            runtime_directory_preserve: Preserve::No,
            descriptor_store_preserve: Preserve::Restart,
            no_new_privileges: false,
            capability_bounding_set: u64::MAX,
            ambient_capabilities: 0,
            resources: ResourceControl::default(),
            delegate: Delegate::default(),
            cpu_policy: 0,
            cpu_priority: 0,
            io: IoScheduling::default(),
        }
    }
}

/// `Type=`
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum ServiceType {
    Simple,
    Exec,
    Forking,
    Oneshot,
    /// Run as `exec`, with a warning.
    Dbus,
    Notify,
    /// As `notify`; a reload is a signal, and over when the service says so.
    NotifyReload,
    /// As `simple`, after all other jobs.
    Idle,
}

/// Which Exec* line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum ExecRole {
    Condition,
    StartPre,
    Start,
    StartPost,
    Reload,
    Stop,
    StopPost,
}

/// One command of an Exec* line. Specifiers are resolved; variables are not (that is done where the
/// environment is known, in the helper).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecCommand {
    /// Absolute path, or a bare name to look up.
    pub path: String,
    /// argv, argv[0] included.
    pub argv: Vec<String>,
    /// `-`: a failure counts as success.
    pub ignore_failure: bool,
    /// `:`: no environment expansion.
    pub no_expand: bool,
    /// `+`, `!`, `!!`
    pub privileges: Privileges,
}

/// Privilege prefix of a command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Privileges {
    /// As the unit says.
    #[default]
    Unit,
    /// `+`: full privileges; User=, Group=, capabilities and sandboxing do not apply.
    Full,
    /// `!`: User= and Group= are not applied, the rest is.
    Elevated,
    /// `!!`: as `!` where ambient capabilities are missing; the same as none on today's kernels.
    ElevatedWithoutAmbient,
}

/// `Restart=`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Restart {
    #[default]
    No,
    OnSuccess,
    OnFailure,
    OnAbnormal,
    OnWatchdog,
    OnAbort,
    Always,
}

/// `NotifyAccess=`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum NotifyAccess {
    None,
    Main,
    Exec,
    All,
}

/// `SuccessExitStatus=` and its kin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitStatusSet {
    /// Exit codes.
    pub codes: BTreeSet<u8>,
    /// Signal numbers.
    pub signals: BTreeSet<i32>,
}

/// systemd.kill(5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct KillSettings {
    pub mode: KillMode,
    /// Signal numbers of Linux.
    pub kill_signal: i32,
    /// `None`: as `kill_signal`.
    pub restart_kill_signal: Option<i32>,
    pub final_kill_signal: i32,
    pub send_sighup: bool,
    pub send_sigkill: bool,
}

impl Default for KillSettings {
    fn default() -> KillSettings {
        KillSettings {
            mode: KillMode::ControlGroup,
            kill_signal: 15,
            restart_kill_signal: None,
            final_kill_signal: 9,
            send_sighup: false,
            send_sigkill: true,
        }
    }
}

/// `KillMode=`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum KillMode {
    ControlGroup,
    Mixed,
    Process,
    None,
}

/// `WorkingDirectory=`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkingDirectory {
    /// `None` is `~`, the user's home.
    pub path: Option<String>,
    /// `-`: missing is no error.
    pub optional: bool,
}

/// `EnvironmentFile=`; a glob is kept as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct EnvironmentFile {
    pub path: String,
    pub optional: bool,
}

/// The resources of setrlimit(2) that Limit* directives set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Resource {
    Cpu,
    Fsize,
    Data,
    Stack,
    Core,
    Rss,
    Nofile,
    As,
    Nproc,
    Memlock,
    Locks,
    Sigpending,
    Msgqueue,
    Nice,
    Rtprio,
    Rttime,
}

/// Soft and hard limit in the unit of setrlimit(2); `u64::MAX` is infinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Rlimit {
    pub soft: u64,
    pub hard: u64,
}

/// RuntimeDirectory= and its siblings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum DirectoryKind {
    Runtime,
    State,
    Cache,
    Logs,
    Configuration,
}

/// The directories of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directories {
    /// Relative paths; a `:link` part is kept apart.
    pub paths: Vec<String>,
    /// Paths and the links to them.
    pub links: Vec<(String, String)>,
    /// `…DirectoryMode=`, default 0755.
    pub mode: u32,
}

impl Default for Directories {
    fn default() -> Directories {
        Directories {
            paths: Vec::new(),
            links: Vec::new(),
            mode: 0o755,
        }
    }
}

/// `RuntimeDirectoryPreserve=`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Preserve {
    #[default]
    No,
    Restart,
    Yes,
}

/// systemd.resource-control(5): what goes into the payload's cgroup. `None`: no limit asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceControl {
    /// Bytes.
    pub memory_max: Option<u64>,
    /// Bytes.
    pub memory_high: Option<u64>,
    /// µs of CPU per second of wall time: `CPUQuota=50%` is 500,000.
    pub cpu_quota_per_sec_us: Option<u64>,
    /// Number of tasks.
    pub tasks_max: Option<u64>,
    /// Whether that is what every unit gets that asks for nothing.
    pub tasks_max_is_default: bool,
}
