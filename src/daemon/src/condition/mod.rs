//! `Condition…=` and `Assert…=`: what this host says to each of them, as systemd 252 judges it.
//!
//! Only looks. Which line is asked when, and what follows, is decided elsewhere
//! ([`Verdict::of`], the engine).
mod cgroup;
mod comparison;
pub(crate) mod files;
mod firmware;
mod hardware;
mod host;
mod paths;
mod power;
mod pressure;
mod security;
mod system;
#[cfg(test)]
mod tests;
mod users;
mod virtualization;

use gitproc_unit::value::ValueError;
use gitproc_unit::{Condition, ConditionKind, Outcome, Unit, Verdict};

/// Why a condition can't be judged: its parameter means nothing, or the host does not tell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unjudged(String);

impl Unjudged {
    fn new(why: impl Into<String>) -> Unjudged {
        Unjudged(why.into())
    }

    /// `'x' is no size`
    fn not(text: &str, wanted: &str) -> Unjudged {
        Unjudged(format!("'{text}' is no {wanted}"))
    }
}

impl From<ValueError> for Unjudged {
    fn from(error: ValueError) -> Unjudged {
        Unjudged(error.to_string())
    }
}

/// What the daemon itself has, and services could inherit.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Variables, as `NAME=value`.
    pub environment: Vec<String>,
}

impl Surroundings {
    /// Those of this process.
    pub fn own() -> Surroundings {
        let one = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
            Some(format!("{name}={value}"))
        };
        Surroundings {
            environment: std::env::vars_os().filter_map(one).collect(),
        }
    }

    fn variable(&self, name: &str) -> Option<&str> {
        let mut lines = self.environment.iter();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    }
}

/// Judges all conditions of a unit and, if they hold, its asserts. What can't be judged counts as
/// failed, and is told to `complain`.
pub fn judge(
    unit: &Unit,
    surroundings: &Surroundings,
    mut complain: impl FnMut(String),
) -> (Verdict, Verdict) {
    let mut evaluate = |prefix: &'static str, line: &Condition| match test(line, surroundings) {
        Ok(yes) if yes != line.negate => Outcome::Held,
        Ok(_) => Outcome::Failed,
        Err(why) => {
            complain(format!("{prefix}{line}: {why}, taking it as failed"));
            Outcome::Error
        }
    };
    let section = &unit.unit;
    let conditions = Verdict::of(&section.conditions, |line| evaluate("Condition", line));
    let asserts = match conditions.holds() {
        true => Verdict::of(&section.asserts, |line| evaluate("Assert", line)),
        false => Verdict::untested(&section.asserts),
    };
    (conditions, asserts)
}

/// What the host says to one line, its marks left aside.
fn test(line: &Condition, surroundings: &Surroundings) -> Result<bool, Unjudged> {
    let parameter = line.parameter.as_str();
    match line.kind {
        ConditionKind::Architecture => host::architecture(parameter),
        ConditionKind::Firmware => firmware::firmware(parameter),
        ConditionKind::Virtualization => virtualization::virtualization(parameter),
        ConditionKind::Host => host::host(parameter),
        ConditionKind::KernelCommandLine => system::kernel_command_line(parameter),
        ConditionKind::KernelVersion => system::kernel_version(parameter),
        ConditionKind::Credential => Ok(host::credential(parameter, surroundings)),
        ConditionKind::Environment => Ok(host::environment(parameter, surroundings)),
        ConditionKind::Security => Ok(security::security(parameter)),
        ConditionKind::Capability => security::capability(parameter),
        ConditionKind::AcPower => power::ac_power(parameter),
        ConditionKind::NeedsUpdate => system::needs_update(parameter),
        ConditionKind::FirstBoot => system::first_boot(parameter),
        ConditionKind::PathExists => Ok(paths::exists(parameter)),
        ConditionKind::PathExistsGlob => Ok(gitproc_sys::pattern::path_exists(parameter)),
        ConditionKind::PathIsDirectory => Ok(paths::is_directory(parameter)),
        ConditionKind::PathIsSymbolicLink => Ok(paths::is_symbolic_link(parameter)),
        ConditionKind::PathIsMountPoint => Ok(paths::is_mount_point(parameter)),
        ConditionKind::PathIsReadWrite => Ok(paths::is_read_write(parameter)),
        ConditionKind::PathIsEncrypted => Ok(paths::is_encrypted(parameter)),
        ConditionKind::DirectoryNotEmpty => Ok(paths::directory_not_empty(parameter)),
        ConditionKind::FileNotEmpty => Ok(paths::file_not_empty(parameter)),
        ConditionKind::FileIsExecutable => Ok(paths::file_is_executable(parameter)),
        ConditionKind::User => Ok(users::user(parameter)),
        ConditionKind::Group => Ok(users::group(parameter)),
        ConditionKind::ControlGroupController => cgroup::controllers(parameter),
        ConditionKind::Memory => hardware::memory(parameter),
        ConditionKind::Cpus => hardware::cpus(parameter),
        ConditionKind::CpuFeature => Ok(hardware::cpu_feature(parameter)),
        ConditionKind::OsRelease => system::os_release(parameter),
        ConditionKind::MemoryPressure => pressure::pressure("memory", parameter),
        ConditionKind::CpuPressure => pressure::pressure("cpu", parameter),
        ConditionKind::IoPressure => pressure::pressure("io", parameter),
    }
}
