//! From a unit to what its helper is told: pure; everything that needs the host comes in resolved.
pub mod credentials;
pub mod mounts;
mod namespaces;
mod privileges;
mod scheduling;
mod streams;
mod system_calls;

pub(crate) use system_calls::call_exists;

use crate::log_files::LogRotation;
use crate::log_policy::Journal;
use crate::spec::{
    DirectorySpec, ExecSpec, Identity, NamespaceMode, SEARCH_PATH, SPEC_VERSION, StartOnly,
};
use crate::{CommitId, InvocationId};
use gitproc_unit::Family::{Exec, Service};
use gitproc_unit::{DirectoryKind, HostFacts, ServiceSection, Unit};
use std::collections::BTreeMap;

/// What a spec needs beside the unit.
#[derive(Debug, Clone)]
pub struct SpecContext<'a> {
    /// This activation.
    pub invocation: InvocationId,
    /// The commit of the definition.
    pub commit: &'a CommitId,
    /// Users and groups, resolved.
    pub identity: Identity,
    /// What this host can give.
    pub namespace: NamespaceMode,
    /// The invocation directory, absolute.
    pub dir: &'a str,
    /// What others share with it.
    pub joins: Joins,
    /// v1 `tasks` files of the payload.
    pub join_cgroup_files: Vec<String>,
    /// Log file of the unit, absolute.
    pub log_file: String,
    /// When it begins a new one.
    pub log_rotation: LogRotation,
    /// The journal of the host.
    pub journal: Journal,
    /// `LANG` of the daemon; services get it as systemd gives them the system's locale.
    pub lang: Option<&'a str>,
    /// The daemon's own variables, of which `PassEnvironment=` takes some.
    pub environment: &'a BTreeMap<String, String>,
    /// What could not be done for it before.
    pub unapplied: &'a [String],
    /// `AllowDegraded=` of the configuration.
    pub allow_degraded: bool,
}

/// What is taken over from services that run (`JoinsNamespaceOf=`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Joins {
    /// Their network.
    pub network: bool,
    /// Their IPC.
    pub ipc: bool,
    /// The `PrivateTmp=` directories of this invocation.
    pub tmp: Option<InvocationId>,
}

/// The spec of one invocation of a service.
pub fn build(
    unit: &Unit,
    service: &ServiceSection,
    facts: &HostFacts,
    context: SpecContext<'_>,
) -> ExecSpec {
    let credentials = credentials::of(unit, facts);
    let directories = directories(unit, service, facts);
    let (working_directory, working_directory_optional) = working_directory(service, &context);
    ExecSpec {
        version: SPEC_VERSION,
        invocation: context.invocation,
        unit: unit.name.clone(),
        commit: Some(context.commit.clone()),
        service_type: service.service_type,
        commands: service.exec.clone(),
        namespace: context.namespace,
        delegate: service.delegate.on,
        log_file: context.log_file.clone(),
        log_rotation: streams::rotation(unit, context.log_rotation),
        mounts: mounts::of(
            unit,
            context.joins.tmp.unwrap_or(context.invocation),
            &directories,
            credentials.as_ref(),
            context.identity.dynamic.then_some(context.dir),
        ),
        credentials,
        directories,
        pid_file: service.pid_file.clone(),
        guess_main_pid: service.guess_main_pid,
        notify_access: service.notify_access,
        descriptor_store_max: descriptor_store_max(unit),
        watchdog_us: watchdog(unit),
        working_directory,
        working_directory_optional,
        environment: environment(unit, service, &context),
        environment_files: service.environment_files.clone(),
        unset_environment: unit.settings.texts(Exec, "UnsetEnvironment"),
        search_path: search_path(unit),
        umask: service.umask,
        start_only: StartOnly {
            permissions: unit.settings.is_true(Service, "PermissionsStartOnly"),
            root_directory: unit.settings.is_true(Service, "RootDirectoryStartOnly"),
        },
        streams: streams::of(unit, &context.journal),
        scheduling: scheduling::of(unit, service),
        privileges: privileges::of(unit, service),
        namespaces: namespaces::of(unit, context.joins),
        system_calls: system_calls::of(unit, facts),
        remarks: context
            .unapplied
            .iter()
            .map(|what| format!("not applied: {what}"))
            .collect(),
        allow_degraded: context.allow_degraded,
        join_cgroup_files: context.join_cgroup_files,
        identity: context.identity,
    }
}

/// `FileDescriptorStoreMax=`: how many descriptors a unit may store.
pub fn descriptor_store_max(unit: &Unit) -> u32 {
    let max = unit.settings.number(Service, "FileDescriptorStoreMax");
    u32::try_from(max).unwrap_or(u32::MAX)
}

/// systemd's own variables first, so that Environment= may replace them (systemd.exec(5)). The
/// helper adds PATH, the variables of the identity and those of the directories.
fn environment(
    unit: &Unit,
    service: &ServiceSection,
    context: &SpecContext<'_>,
) -> Vec<(String, String)> {
    let lang = context
        .lang
        .map(|lang| ("LANG".to_owned(), lang.to_owned()));
    let invocation = ("INVOCATION_ID".to_owned(), context.invocation.to_string());
    let passed = unit.settings.texts(Exec, "PassEnvironment");
    let passed = passed.into_iter().filter_map(|name| {
        let value = context.environment.get(&name)?.clone();
        Some((name, value))
    });
    lang.into_iter()
        .chain([invocation])
        .chain(passed)
        .chain(service.environment.iter().cloned())
        .collect()
}

fn watchdog(unit: &Unit) -> Option<u64> {
    let us = unit.settings.number(Service, "WatchdogSec");
    Some(us).filter(|us| *us != 0 && *us != u64::MAX)
}

fn search_path(unit: &Unit) -> Vec<String> {
    let own = unit.settings.texts(Exec, "ExecSearchPath");
    match own.is_empty() {
        true => SEARCH_PATH.split(':').map(str::to_owned).collect(),
        false => own,
    }
}

fn working_directory(service: &ServiceSection, context: &SpecContext<'_>) -> (String, bool) {
    match &service.working_directory {
        None => ("/".to_owned(), false),
        Some(wanted) => {
            let home = || {
                context
                    .identity
                    .home
                    .clone()
                    .unwrap_or_else(|| "/".to_owned())
            };
            (wanted.path.clone().unwrap_or_else(home), wanted.optional)
        }
    }
}

fn directories(unit: &Unit, service: &ServiceSection, facts: &HostFacts) -> Vec<DirectorySpec> {
    let dynamic = unit.settings.is_true(Exec, "DynamicUser");
    service
        .directories
        .iter()
        .filter(|(_, wanted)| !wanted.paths.is_empty())
        .map(|(kind, wanted)| {
            let base = base(*kind, facts);
            let private = dynamic && is_lasting(*kind);
            let inside = if private { "private/" } else { "" };
            let wished = wanted.links.iter().map(|(path, link)| (path, link));
            // Who looks for it by its usual name finds it.
            let usual = wanted
                .paths
                .iter()
                .filter(|_| private)
                .map(|path| (path, path));
            let link = |(path, link): (&String, &String)| {
                let up = "../".repeat(link.matches('/').count());
                (format!("{base}/{link}"), format!("{up}{inside}{path}"))
            };
            DirectorySpec {
                kind: *kind,
                base: format!("{base}/{inside}").trim_end_matches('/').to_owned(),
                paths: wanted.paths.clone(),
                mode: wanted.mode,
                private,
                links: usual.chain(wished).map(link).collect(),
                preserve: service.runtime_directory_preserve,
            }
        })
        .collect()
}

/// What outlives the invocation, and with it a dynamic user's number.
fn is_lasting(kind: DirectoryKind) -> bool {
    match kind {
        DirectoryKind::State | DirectoryKind::Cache | DirectoryKind::Logs => true,
        DirectoryKind::Runtime | DirectoryKind::Configuration => false,
    }
}

/// Where the directories of a kind lie.
pub fn base(kind: DirectoryKind, facts: &HostFacts) -> &str {
    match kind {
        DirectoryKind::Runtime => &facts.runtime_dir,
        DirectoryKind::State => &facts.state_dir,
        DirectoryKind::Cache => &facts.cache_dir,
        DirectoryKind::Logs => &facts.logs_dir,
        DirectoryKind::Configuration => &facts.config_dir,
    }
}
