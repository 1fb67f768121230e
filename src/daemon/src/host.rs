//! What this host and this user can give: facts, cgroups, namespaces, the helper program. Found
//! out once at start; what is lacking becomes a line of `status`.
use crate::commons::Commons;
use crate::config::Config;
use crate::descriptor_stores::DescriptorStores;
use crate::dynamic_users::DynamicUsers;
use crate::slices::Slices;
use crate::{DaemonError, Options, os_facts};
use gitproc_core::host_action::HostVerb;
use gitproc_core::layout::Layout;
use gitproc_core::log_files::LogRotation;
use gitproc_core::log_policy::Journal;
use gitproc_core::resources::{self, GroupSetting};
use gitproc_core::spec::NamespaceMode;
use gitproc_sys::cgroup::{Controller, GroupFile, Hierarchy, Limits};
use gitproc_sys::probe::{probe_pid_namespace, probe_user_pid_namespace};
use gitproc_unit::{HostFacts, ResourceControl, Rlimit, Unit};
use nix::unistd::{Gid, Group, Uid, User};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Names the v2 cgroup that services are to live below, by its path below the mount. Under systemd
/// it is that of a unit which outlives the daemon's own (`systemd/gitproc-services.service`).
const CGROUP_VARIABLE: &str = "GITPROC_CGROUP";

/// Everything about the host that spawning needs.
#[derive(Debug)]
pub struct Host {
    /// Where everything lies.
    pub layout: Layout,
    /// For specifiers and directories.
    pub facts: HostFacts,
    /// Where cgroups can be made.
    pub cgroups: Hierarchy,
    /// How services can be isolated.
    pub namespace: NamespaceMode,
    /// The helper, opened once.
    pub helper: HelperProgram,
    /// `LANG`, for the services.
    pub lang: Option<String>,
    /// The daemon's own variables, for `PassEnvironment=`.
    pub environment: BTreeMap<String, String>,
    /// `.slice` units of the commit that is wanted.
    pub slices: Slices,
    /// What services share among each other.
    pub commons: Commons,
    /// When logs begin a new file.
    pub log_rotation: LogRotation,
    /// Where lines of logs may go, too.
    pub journal: Journal,
    /// What units have stored.
    pub descriptor_stores: DescriptorStores,
    /// Users of `DynamicUser=`.
    pub dynamic_users: DynamicUsers,
    /// `[Manager] AllowDegraded=`
    pub allow_degraded: bool,
    /// What units may ask of the whole host: `[Manager] AllowHostActions=`; all of it where gitproc
    /// is the init of a container, which it may end.
    pub allowed_actions: BTreeSet<HostVerb>,
    /// gitproc is the init of a container.
    pub init: bool,
    /// Limit on open files for services whose unit sets none.
    pub open_files: Option<Rlimit>,
    /// What is lacking, one line each.
    pub degradations: Vec<String>,
}

/// The helper executable. An upgrade on disk does not mix versions: the open file is what runs.
#[derive(Debug)]
pub struct HelperProgram {
    /// Opened with O_PATH.
    pub exe: OwnedFd,
    /// Its argv.
    pub argv: &'static [&'static str],
}

impl Host {
    /// Looks around.
    pub fn probe(options: &Options, config: &Config) -> Result<Host, DaemonError> {
        let layout = options.layout.clone();
        let mut degradations = Vec::new();
        let root = Uid::effective().is_root();
        let init = crate::init::is_parent();
        if !root {
            degradations.push(
                "running without root: User=, Group= and most limits are not available".to_owned(),
            );
        }
        let cgroups = match std::env::var(CGROUP_VARIABLE) {
            Ok(home) if !home.is_empty() => Hierarchy::detect_below(&home),
            _ => Hierarchy::detect(),
        };
        degradations.extend(cgroups.missing());
        if !cgroups.legacy().is_empty() {
            let names: Vec<_> = cgroups
                .legacy()
                .iter()
                .map(|controller| controller.name())
                .collect();
            degradations.push(format!(
                "limits for {} come from cgroup v1, since v2 has no such controllers here",
                names.join(", ")
            ));
        }
        let open_files = crate::open_files::raise()
            .inspect_err(|cause| {
                degradations.push(format!("the limit on open files can't be raised: {cause}"));
            })
            .ok();
        let mut facts = facts(&layout)?;
        if let Some((root, _)) = cgroups
            .unit(&layout.instance, &[], "unit")
            .path()
            .as_deref()
            .and_then(|path| path.rsplit_once('/'))
        {
            facts.cgroup_root = root.to_owned();
        }
        Ok(Host {
            open_files,
            environment: std::env::vars_os()
                .filter(|(name, _)| name != crate::init::VARIABLE)
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
            descriptor_stores: DescriptorStores::find(layout.descriptor_stores()),
            dynamic_users: DynamicUsers::new(layout.dynamic_users()),
            slices: Slices::default(),
            commons: Commons::default(),
            allow_degraded: config.allow_degraded,
            log_rotation: config.log_rotation,
            journal: Journal {
                socket: layout.journal.to_string_lossy().into_owned(),
                by_default: config.forward_to_journal,
            },
            allowed_actions: match init {
                true => BTreeSet::from(HostVerb::ALL),
                false => config.allowed_actions.clone(),
            },
            init,
            facts,
            namespace: namespace(root, &mut degradations),
            helper: open_helper(&mut degradations)?,
            lang: std::env::var("LANG").ok().filter(|lang| !lang.is_empty()),
            layout,
            cgroups,
            degradations,
        })
    }
}

/// A unit's limits. One that nobody asked for is no loss where it can't be had.
pub fn limits(cgroups: &Hierarchy, unit: &Unit, wanted: &ResourceControl) -> Limits {
    let asked = !wanted.tasks_max_is_default;
    let file = |setting: &GroupSetting, text: String| GroupFile {
        directive: setting.directive.to_owned(),
        file: setting.file.to_owned(),
        text,
    };
    let plain = resources::plain(unit);
    let disks = resources::disks(unit);
    // A disk that is not there has no number; the kernel refuses the line, and that is said.
    let disks = disks.iter().map(|disk| {
        let number = gitproc_sys::file::disk_of(&disk.device);
        let number = number.unwrap_or_else(|_| disk.device.clone());
        file(&disk.setting, format!("{number} {}", disk.setting.text))
    });
    let plain = plain
        .iter()
        .map(|setting| file(setting, setting.text.clone()));
    Limits {
        cpu_period_us: resources::quota_period_us(unit),
        files: plain.chain(disks).collect(),
        memory_max: wanted.memory_max,
        memory_high: wanted.memory_high,
        cpu_quota_per_sec_us: wanted.cpu_quota_per_sec_us,
        tasks_max: wanted
            .tasks_max
            .filter(|_| asked || cgroups.has(Controller::Pids)),
    }
}

/// The best isolation that works, tried once.
fn namespace(root: bool, degradations: &mut Vec<String>) -> NamespaceMode {
    let (mode, tried) = match root {
        true => (NamespaceMode::Pid, probe_pid_namespace()),
        false => (NamespaceMode::UserPid, probe_user_pid_namespace()),
    };
    match tried {
        Ok(()) => mode,
        Err(error) => {
            degradations.push(format!(
                "services have no PID namespace of their own ({})",
                error.in_full()
            ));
            NamespaceMode::None
        }
    }
}

/// `gitproc-exec` beside this program, else this program in the helper's role.
fn open_helper(degradations: &mut Vec<String>) -> Result<HelperProgram, DaemonError> {
    let own = std::env::current_exe()
        .map_err(|cause| gitproc_sys::Error::new("find", "own executable", cause))?;
    let small = own.with_file_name("gitproc-exec");
    if small.is_file() {
        let exe = gitproc_sys::file::open_program(&small)?;
        return Ok(HelperProgram {
            exe,
            argv: &["gitproc-exec"],
        });
    }
    degradations.push(
        "the small helper gitproc-exec is not installed: each service costs a few MB more"
            .to_owned(),
    );
    let exe = gitproc_sys::file::open_program(&own)?;
    Ok(HelperProgram {
        exe,
        argv: &["gitproc", "exec-helper"],
    })
}

/// What specifiers and directories of units stand for, for the user who asks.
pub fn facts(layout: &Layout) -> Result<HostFacts, DaemonError> {
    let uts = nix::sys::utsname::uname()
        .map_err(|cause| gitproc_sys::Error::new("read", "kernel name", cause))?;
    let text = |value: &std::ffi::OsStr| value.to_string_lossy().into_owned();
    let (uid, gid) = (Uid::effective(), Gid::effective());
    let user = User::from_uid(uid).ok().flatten();
    let group = Group::from_gid(gid).ok().flatten();
    let shown = |path: &Path| path.to_string_lossy().into_owned();
    // Like the paths of the instance itself; a user need not be in the user database.
    let home = std::env::var("HOME")
        .ok()
        .filter(|home| home.starts_with('/') && !uid.is_root())
        .or_else(|| user.as_ref().map(|user| shown(&user.dir)))
        .unwrap_or_else(|| "/".to_owned());
    let xdg = |variable: &str, below: &str| {
        std::env::var(variable)
            .ok()
            .filter(|value| value.starts_with('/'))
            .unwrap_or_else(|| format!("{home}/{below}"))
    };
    let directories = match uid.is_root() {
        true => ["/var/lib", "/var/cache", "/var/log", "/etc"].map(str::to_owned),
        false => {
            let state = xdg("XDG_STATE_HOME", ".local/state");
            let logs = format!("{state}/log");
            [
                state,
                xdg("XDG_CACHE_HOME", ".cache"),
                logs,
                xdg("XDG_CONFIG_HOME", ".config"),
            ]
        }
    };
    let [state_dir, cache_dir, logs_dir, config_dir] = directories;
    Ok(HostFacts {
        host_name: text(uts.nodename()),
        machine_id: machine_id(),
        boot_id: gitproc_sys::host::boot_id()?.replace('-', ""),
        kernel_release: text(uts.release()),
        architecture: architecture(&text(uts.machine())),
        user: user
            .as_ref()
            .map_or_else(|| uid.to_string(), |user| user.name.clone()),
        uid: uid.as_raw(),
        group: group.map_or_else(|| gid.to_string(), |group| group.name),
        gid: gid.as_raw(),
        shell: user.map_or_else(|| "/bin/sh".to_owned(), |user| shown(&user.shell)),
        home,
        runtime_dir: shown(&layout.runtime_base),
        state_dir,
        cache_dir,
        logs_dir,
        config_dir,
        memory_bytes: memory_bytes(),
        tasks_max: tasks_max(),
        tmp_dir: os_facts::temporary_directory("/tmp"),
        var_tmp_dir: os_facts::temporary_directory("/var/tmp"),
        pretty_host_name: os_facts::pretty_host_name(),
        os_release: os_facts::os_release(),
        units_dir: None,
        cgroup_root: format!("/{}", layout.instance),
    })
}

/// All zeros where the host has none (a minimal container).
fn machine_id() -> String {
    std::fs::read_to_string("/etc/machine-id")
        .map(|text| text.trim().to_owned())
        .ok()
        .filter(|id| id.len() == 32)
        .unwrap_or_else(|| "0".repeat(32))
}

/// systemd's name for what uname(2) says.
pub(crate) fn architecture(machine: &str) -> String {
    match machine {
        "x86_64" => "x86-64",
        "aarch64" => "arm64",
        "i386" | "i486" | "i586" | "i686" => "x86",
        "aarch64_be" => "arm64-be",
        "ppc64le" => "ppc64-le",
        "ppcle" => "ppc-le",
        arm if arm.starts_with("armv") => match arm.ends_with('b') {
            true => "arm-be",
            false => "arm",
        },
        other => other,
    }
    .to_owned()
}

/// Total memory: what MemoryMax=50% is half of. 0 when unknown would refuse everything, so then
/// such limits do not bind.
pub(crate) fn memory_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok())
        .map_or(u64::MAX, |kib| kib * 1024)
}

/// What TasksMax=15% is a part of: the smaller of the kernel's two limits.
fn tasks_max() -> u64 {
    ["/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"]
        .into_iter()
        .filter_map(|path| {
            std::fs::read_to_string(PathBuf::from(path))
                .ok()?
                .trim()
                .parse()
                .ok()
        })
        .min()
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn architectures_have_systemds_names() {
        for (machine, name) in [
            ("x86_64", "x86-64"),
            ("aarch64", "arm64"),
            ("riscv64", "riscv64"),
        ] {
            assert_eq!(architecture(machine), name);
        }
    }
}
