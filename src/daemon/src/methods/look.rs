//! Methods that only look.
use super::leaving;
use super::select::{matches_any, select};
use crate::deployer::Deployed;
use crate::event_loop::now;
use crate::logs::MergedLogs;
use crate::server::Client;
use crate::untracked;
use crate::{adopt, records};
use gitproc_core::protocol::ProcessEnd;
use gitproc_core::security::{Exposure, assess};
use gitproc_core::snapshot::{ActiveState, Checked, UnitResult, UnitStatus};
use gitproc_core::spec_build;
use gitproc_rpc::RpcError;
use gitproc_rpc::api::{
    Empty, HostStatus, ListParams, LogEntry, Pong, UnitDetail, UnitFiles, UnitProperties, UnitRow,
    Units, Usage,
};
use gitproc_sys::cgroup::UnitCgroup;
use gitproc_unit::{
    Condition, Origin, Outcome, PropertyValue, Severity, TreeEntry, UnitKind, UnitName, Verdict,
    condition_property,
};

/// Lines of the log that `status UNIT` shows, as systemctl does.
const STATUS_LOG_LINES: u64 = 10;
/// Processes that `status UNIT` names.
const PROCESSES_MAX: usize = 100;
/// Longest command line shown, in bytes.
const COMMAND_LINE_MAX: usize = 4096;

/// `ping`
pub async fn ping(_: &Client, _: Empty) -> Result<Pong, RpcError> {
    Ok(Pong {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
    })
}

/// `status`
pub async fn status(client: &Client, _: Empty) -> Result<HostStatus, RpcError> {
    let context = &client.context;
    let statuses = context.shell.statuses().await.map_err(leaving)?;
    let deployed = context.deployer.deployed();
    let services = || {
        statuses
            .iter()
            .filter(|status| status.unit.kind() == UnitKind::Service)
    };
    let unapplied = context.unapplied.borrow().clone();
    let limits = unapplied
        .iter()
        .flat_map(|(unit, limits)| limits.iter().map(move |limit| format!("{unit}: {limit}")));
    Ok(HostStatus {
        host: context.host.facts.host_name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        branch: context.config.branch.clone(),
        generation: deployed.generation.clone(),
        pending: deployed.pending.clone(),
        active: services()
            .filter(|status| status.active == ActiveState::Active)
            .count(),
        failed: statuses
            .iter()
            .filter(|status| status.active == ActiveState::Failed)
            .count(),
        applying: deployed.applying,
        degradations: context
            .host
            .degradations
            .iter()
            .cloned()
            .chain(limits)
            .collect(),
        warnings: deployed.diagnostics.clone(),
    })
}

/// `list`
pub async fn list(client: &Client, params: ListParams) -> Result<Vec<UnitRow>, RpcError> {
    let statuses = client.context.shell.statuses().await.map_err(leaving)?;
    let deployed = client.context.deployer.deployed();
    let mut rows = Vec::new();
    for status in statuses {
        let shown = params.all || is_interesting(&status, &deployed);
        let state_fits = params.states.is_empty()
            || params
                .states
                .iter()
                .any(|state| *state == status.active.as_str() || *state == status.sub);
        let asked = !params.patterns.is_empty() || !params.states.is_empty();
        if (shown || asked) && state_fits && matches_any(&params.patterns, &status.unit)? {
            rows.push(row(client, status));
        }
    }
    Ok(rows)
}

/// Without `--all`: what is wanted or has a state worth a line; not the host's own targets.
fn is_interesting(status: &UnitStatus, deployed: &Deployed) -> bool {
    let built_in = deployed
        .units
        .units
        .get(&status.unit)
        .is_some_and(|unit| matches!(unit.origin, Origin::BuiltIn { .. }));
    !built_in && (status.wanted || status.active != ActiveState::Inactive || status.job.is_some())
}

/// Where the unit's activation lives: recorded with it, since an earlier daemon may have had
/// another place for cgroups.
fn cgroup(client: &Client, status: &UnitStatus) -> UnitCgroup {
    let host = &client.context.host;
    let recorded = status.invocation.and_then(|invocation| {
        let dir = host.layout.invocations().join(invocation.to_string());
        records::read_invocation(&dir).ok()
    });
    match recorded {
        Some(record) => adopt::cgroup(host, &record),
        None => host
            .cgroups
            .unit(&host.layout.instance, &[], status.unit.as_str()),
    }
}

fn row(client: &Client, status: UnitStatus) -> UnitRow {
    let usage = match status.invocation {
        Some(_) => usage(&cgroup(client, &status)),
        None => Usage::default(),
    };
    UnitRow {
        since_us_ago: now().0.saturating_sub(status.since),
        usage,
        status,
    }
}

/// How many descriptors the unit has stored; `None`: nobody knows.
fn stored_descriptors(client: &Client, unit: &UnitName) -> Option<u32> {
    client.context.host.descriptor_stores.count(unit)
}

fn usage(cgroup: &UnitCgroup) -> Usage {
    let found = cgroup.usage();
    Usage {
        memory_current: found.memory_current,
        memory_peak: found.memory_peak,
        cpu_usage_ns: found.cpu_usage_ns,
        tasks_current: found.tasks_current,
    }
}

async fn chosen(client: &Client, params: &Units) -> Result<Vec<UnitStatus>, RpcError> {
    let mut statuses = client.context.shell.statuses().await.map_err(leaving)?;
    let units = select(&params.units, &statuses)?;
    let take = |unit: &UnitName| {
        let place = statuses.iter().position(|status| status.unit == *unit)?;
        Some(statuses.swap_remove(place))
    };
    Ok(units.iter().filter_map(take).collect())
}

/// `unit.status`
pub async fn unit_statuses(client: &Client, params: Units) -> Result<Vec<UnitDetail>, RpcError> {
    let deployed = client.context.deployer.deployed();
    let chosen = chosen(client, &params).await?;
    Ok(chosen
        .into_iter()
        .map(|status| detail(client, &deployed, status))
        .collect())
}

fn detail(client: &Client, deployed: &Deployed, status: UnitStatus) -> UnitDetail {
    let unit = status.unit.clone();
    let (fragment, drop_ins) = files_of(deployed, &unit);
    let ours =
        |file: &str| fragment.as_deref() == Some(file) || drop_ins.iter().any(|path| path == file);
    let group = cgroup(client, &status);
    let alive = status.invocation.is_some();
    UnitDetail {
        documentation: deployed
            .units
            .units
            .get(&unit)
            .map(|unit| unit.unit.documentation.clone())
            .unwrap_or_default(),
        warnings: deployed
            .diagnostics
            .iter()
            .filter(|found| found.severity == Severity::Warning && ours(&found.file))
            .cloned()
            .collect(),
        descriptors_stored: deployed
            .units
            .units
            .get(&unit)
            .map(|unit| spec_build::descriptor_store_max(unit))
            .filter(|max| *max > 0)
            .and_then(|max| Some((stored_descriptors(client, &unit)?, max))),
        control_group: group.path().filter(|_| alive),
        processes: if alive {
            processes(&group, &status)
        } else {
            Vec::new()
        },
        log_tail: log_tail(client, &unit),
        row: row(client, status),
        fragment,
        drop_ins,
    }
}

fn files_of(deployed: &Deployed, unit: &UnitName) -> (Option<String>, Vec<String>) {
    match deployed.units.units.get(unit).map(|unit| &unit.origin) {
        Some(Origin::Tree { fragment, drop_ins }) => (Some(fragment.clone()), drop_ins.clone()),
        Some(Origin::BuiltIn { .. }) | None => (None, Vec::new()),
    }
}

fn processes(group: &UnitCgroup, status: &UnitStatus) -> Vec<(u32, String)> {
    let pids = match (group.path(), status.main_pid.or(status.control_pid)) {
        (Some(_), _) => group.procs(),
        (None, Some(member)) => untracked::family(member),
        (None, None) => Vec::new(),
    };
    let shown = pids.into_iter().take(PROCESSES_MAX);
    shown.map(|pid| (pid, command_line(pid))).collect()
}

fn command_line(pid: u32) -> String {
    let mut bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    bytes.truncate(COMMAND_LINE_MAX);
    let text = String::from_utf8_lossy(&bytes);
    text.split('\0')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn log_tail(client: &Client, unit: &UnitName) -> Vec<LogEntry> {
    let path = client.context.host.layout.log_file(unit.as_str());
    let read = || {
        let mut logs = MergedLogs::open(vec![(unit.clone(), path)], Some(STATUS_LOG_LINES))?;
        let mut entries = Vec::new();
        // A service that logs faster than this reads must not hold us.
        while let Some(entry) = logs.next_entry()? {
            entries.push(entry);
            if entries.len() as u64 >= STATUS_LOG_LINES {
                break;
            }
        }
        Ok::<_, std::io::Error>(entries)
    };
    read().unwrap_or_default()
}

/// `show`
pub async fn show(client: &Client, params: Units) -> Result<Vec<UnitProperties>, RpcError> {
    let deployed = client.context.deployer.deployed();
    let chosen = chosen(client, &params).await?;
    let one = |status: UnitStatus| {
        let mut properties = runtime_properties(client, &deployed, &status);
        if let Some(unit) = deployed.units.units.get(&status.unit) {
            // The runtime's word stands before the file's where both have one.
            let configured = gitproc_unit::properties(unit, &client.context.host.facts);
            let known = properties.len();
            for (name, value) in configured {
                if !properties[..known]
                    .iter()
                    .any(|(runtime, _)| runtime == name)
                {
                    properties.push((name.to_owned(), value));
                }
            }
        }
        UnitProperties {
            unit: status.unit,
            properties,
        }
    };
    Ok(chosen.into_iter().map(one).collect())
}

fn runtime_properties(
    client: &Client,
    deployed: &Deployed,
    status: &UnitStatus,
) -> Vec<(String, PropertyValue)> {
    use PropertyValue::{List, Signed, Text, Unsigned};
    let (fragment, drop_ins) = files_of(deployed, &status.unit);
    let known = deployed.units.units.contains_key(&status.unit);
    let (code, end) = match status.main_end {
        None => (0, 0),
        // CLD_EXITED, CLD_KILLED and CLD_DUMPED of waitid(2).
        Some(ProcessEnd::Exited(code)) => (1, i64::from(code)),
        Some(ProcessEnd::Killed(signal)) => (2, i64::from(signal)),
        Some(ProcessEnd::Dumped(signal)) => (3, i64::from(signal)),
    };
    let pid = |pid: Option<u32>| Unsigned(pid.unwrap_or(0).into());
    let text = |text: &str| Text(text.to_owned());
    // systemd has no word for these: to it, the service has not run.
    let result = match status.result {
        UnitResult::Condition | UnitResult::Assert => UnitResult::Success,
        result => result,
    };
    let mut properties = vec![
        ("Id", text(status.unit.as_str())),
        ("Description", text(&status.description)),
        (
            "LoadState",
            text(if known { "loaded" } else { "not-found" }),
        ),
        ("ActiveState", text(status.active.as_str())),
        ("SubState", text(&status.sub)),
        (
            "FragmentPath",
            text(fragment.as_deref().unwrap_or_default()),
        ),
        (
            "DropInPaths",
            List(drop_ins.into_iter().map(Text).collect()),
        ),
        (
            "InvocationID",
            Text(
                status
                    .invocation
                    .map(|id| id.to_string())
                    .unwrap_or_default(),
            ),
        ),
    ];
    properties.extend(condition_properties(deployed, status));
    if status.unit.kind() == UnitKind::Service {
        let group = cgroup(client, status);
        let alive = status.invocation.is_some();
        let usage = if alive {
            usage(&group)
        } else {
            Usage::default()
        };
        // u64::MAX is "not set", as over D-Bus.
        let number = |value: Option<u64>| Unsigned(value.unwrap_or(u64::MAX));
        properties.extend([
            ("Result", text(result.as_str())),
            ("MainPID", pid(status.main_pid)),
            ("ControlPID", pid(status.control_pid)),
            ("ExecMainPID", pid(status.exec_main_pid)),
            ("ExecMainCode", Signed(code)),
            ("ExecMainStatus", Signed(end)),
            ("NRestarts", Unsigned(status.restarts.into())),
            (
                "StatusText",
                text(status.status_text.as_deref().unwrap_or_default()),
            ),
            (
                "StatusErrno",
                Signed(status.status_errno.unwrap_or_default().into()),
            ),
            (
                "ControlGroup",
                Text(group.path().filter(|_| alive).unwrap_or_default()),
            ),
            (
                "NFileDescriptorStore",
                number(stored_descriptors(client, &status.unit).map(u64::from)),
            ),
            ("MemoryCurrent", number(usage.memory_current)),
            ("MemoryPeak", number(usage.memory_peak)),
            ("CPUUsageNSec", number(usage.cpu_usage_ns)),
            ("TasksCurrent", number(usage.tasks_current)),
        ]);
    }
    properties
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// What the last start's conditions and asserts said. A unit without any has held none of them
/// against itself once it was started.
fn condition_properties(
    deployed: &Deployed,
    status: &UnitStatus,
) -> Vec<(&'static str, PropertyValue)> {
    use PropertyValue::{Bool, Unsigned};
    let checked = status.checked.as_ref();
    let started = status.invocation.is_some() || status.exec_main_pid.is_some();
    let passed = |holds: fn(&Checked) -> bool| checked.map_or(started, holds);
    let asked = checked.filter(|checked| checked.conditions.holds());
    let monotonic = |checked: Option<&Checked>| checked.map_or(0, |checked| checked.at.0);
    let realtime = |checked: Option<&Checked>| {
        let ago = |checked: &Checked| now().0.saturating_sub(checked.at.0);
        checked.map_or(0, |checked| {
            gitproc_sys::host::realtime_us().saturating_sub(ago(checked))
        })
    };
    let mut properties = vec![
        ("ConditionResult", Bool(passed(|it| it.conditions.holds()))),
        (
            "AssertResult",
            Bool(passed(|it| it.conditions.holds() && it.asserts.holds())),
        ),
        ("ConditionTimestamp", Unsigned(realtime(checked))),
        ("ConditionTimestampMonotonic", Unsigned(monotonic(checked))),
        ("AssertTimestamp", Unsigned(realtime(asked))),
        ("AssertTimestampMonotonic", Unsigned(monotonic(asked))),
    ];
    if let Some(unit) = deployed.units.units.get(&status.unit) {
        let said = |verdict: fn(&Checked) -> &Verdict, line: &Condition| {
            checked.map_or(Outcome::Untested, |checked| verdict(checked).outcome(line))
        };
        let section = &unit.unit;
        properties.push((
            "Conditions",
            condition_property(&section.conditions, "Condition", |line| {
                said(|checked| &checked.conditions, line)
            }),
        ));
        properties.push((
            "Asserts",
            condition_property(&section.asserts, "Assert", |line| {
                said(|checked| &checked.asserts, line)
            }),
        ));
    }
    properties
}

/// `security`
pub async fn security(client: &Client, params: Units) -> Result<Vec<Exposure>, RpcError> {
    let deployed = client.context.deployer.deployed();
    let names: Vec<UnitName> = match params.units.is_empty() {
        true => deployed.units.units.keys().cloned().collect(),
        false => {
            let chosen = chosen(client, &params).await?;
            chosen.into_iter().map(|status| status.unit).collect()
        }
    };
    let facts = &client.context.host.facts;
    let units = names
        .iter()
        .filter_map(|name| deployed.units.units.get(name));
    Ok(units.filter_map(|unit| assess(unit, facts)).collect())
}

/// `cat`
pub async fn cat(client: &Client, params: Units) -> Result<Vec<UnitFiles>, RpcError> {
    let deployed = client.context.deployer.deployed();
    let chosen = chosen(client, &params).await?;
    let one = |status: UnitStatus| {
        let (fragment, drop_ins) = files_of(&deployed, &status.unit);
        let read = |path: String| match deployed.files.entries.get(&path) {
            Some(TreeEntry::File(text)) => Some((path, text.clone())),
            Some(TreeEntry::Symlink(target)) => Some((path, format!("# a link to {target}\n"))),
            Some(TreeEntry::Problem(why)) => Some((path, format!("# {why}\n"))),
            None => None,
        };
        UnitFiles {
            unit: status.unit,
            commit: deployed.commit().cloned(),
            files: fragment
                .into_iter()
                .chain(drop_ins)
                .filter_map(read)
                .collect(),
        }
    };
    Ok(chosen.into_iter().map(one).collect())
}
