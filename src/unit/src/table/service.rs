//! [Service]: the life of a service (systemd.service(5)) and its end (systemd.kill(5)).
use super::{Row, Standing, bare, one_of, word_of};
use crate::command::parse_commands;
use crate::diagnostic::{Code, Severity};
use crate::draft::{Context, Draft};
use crate::model::{
    ExecCommand, ExecRole, ExitStatusSet, KillMode, NotifyAccess, Privileges, Restart,
    ServiceSection, ServiceType, Unit,
};
use crate::property::PropertyValue::{self, Bool, List, Signed, Text, Unsigned};
use crate::value::{
    ValueError, exit_status_from_name, parse_bool, parse_signal, parse_timespan, simplify_path,
};

const TYPES: &[(&str, ServiceType)] = &[
    ("simple", ServiceType::Simple),
    ("exec", ServiceType::Exec),
    ("forking", ServiceType::Forking),
    ("oneshot", ServiceType::Oneshot),
    ("notify", ServiceType::Notify),
    ("idle", ServiceType::Idle),
];
const RESTARTS: &[(&str, Restart)] = &[
    ("no", Restart::No),
    ("on-success", Restart::OnSuccess),
    ("on-failure", Restart::OnFailure),
    ("on-abnormal", Restart::OnAbnormal),
    ("on-watchdog", Restart::OnWatchdog),
    ("on-abort", Restart::OnAbort),
    ("always", Restart::Always),
];
const ACCESSES: &[(&str, NotifyAccess)] = &[
    ("none", NotifyAccess::None),
    ("main", NotifyAccess::Main),
    ("exec", NotifyAccess::Exec),
    ("all", NotifyAccess::All),
];
const KILL_MODES: &[(&str, KillMode)] = &[
    ("control-group", KillMode::ControlGroup),
    ("mixed", KillMode::Mixed),
    ("process", KillMode::Process),
    ("none", KillMode::None),
];

/// Shows something of [Service].
macro_rules! of {
    ($service:ident => $value:expr) => {
        |unit| unit.service.as_deref().map(|$service| $value)
    };
}
pub(super) use of;

macro_rules! exec {
    ($key:literal, $ex:literal, $role:expr) => {
        Row::new("Service", $key, "command lines", |draft, cx, value| {
            let commands = parse_commands(value, |word| cx.resolve(word))?;
            let list = draft.service.exec.entry($role).or_default();
            // An empty line starts over.
            if value.is_empty() {
                list.clear();
            }
            list.extend(commands);
            Ok(())
        })
        .shows($key, |unit| {
            commands(unit, $role, |c| Bool(c.ignore_failure))
        })
        .shows($ex, |unit| commands(unit, $role, flags))
    };
}

macro_rules! flag {
    ($key:literal, $($field:ident).+) => {
        Row::new("Service", $key, "yes or no", |draft, _, value| {
            draft.service.$($field).+ = parse_bool(value)?;
            Ok(())
        })
        .shows($key, of!(s => Bool(s.$($field).+)))
    };
}
pub(super) use flag;

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        Row::new("Service", "Type", "simple, exec, forking, oneshot, notify, idle, dbus", service_type)
            .shows("Type", of!(s => word_of(s.service_type, TYPES)))
            .partly("dbus is run as exec: started once its program runs, not when its name appears; idle is run as simple"),
        exec!("ExecCondition", "ExecConditionEx", ExecRole::Condition),
        exec!("ExecStartPre", "ExecStartPreEx", ExecRole::StartPre),
        exec!("ExecStart", "ExecStartEx", ExecRole::Start),
        exec!("ExecStartPost", "ExecStartPostEx", ExecRole::StartPost),
        exec!("ExecReload", "ExecReloadEx", ExecRole::Reload),
        exec!("ExecStop", "ExecStopEx", ExecRole::Stop),
        exec!("ExecStopPost", "ExecStopPostEx", ExecRole::StopPost),
        Row::new("Service", "Restart", "no, on-success, on-failure, on-abnormal, on-watchdog, on-abort, always", |draft, _, value| {
            draft.service.restart = one_of(value, RESTARTS)?;
            Ok(())
        })
        .shows("Restart", of!(s => word_of(s.restart, RESTARTS)))
        .live(),
        Row::new("Service", "RestartSec", "time span", |draft, _, value| {
            draft.service.restart_us = parse_timespan(value)?;
            Ok(())
        })
        .shows("RestartUSec", of!(s => Unsigned(s.restart_us)))
        .live(),
        Row::new("Service", "TimeoutStartSec", "time span", |draft, _, value| {
            draft.timeout_start = Some(timeout(value)?);
            Ok(())
        })
        .shows("TimeoutStartUSec", of!(s => Unsigned(s.timeout_start_us.unwrap_or(u64::MAX))))
        .live(),
        Row::new("Service", "TimeoutStopSec", "time span", |draft, _, value| {
            draft.service.timeout_stop_us = timeout(value)?;
            Ok(())
        })
        .shows("TimeoutStopUSec", of!(s => Unsigned(s.timeout_stop_us.unwrap_or(u64::MAX))))
        .live(),
        Row::new("Service", "TimeoutSec", "time span", |draft, _, value| {
            draft.timeout_start = Some(timeout(value)?);
            draft.service.timeout_stop_us = timeout(value)?;
            Ok(())
        })
        .live(),
        flag!("RemainAfterExit", remain_after_exit),
        flag!("GuessMainPID", guess_main_pid),
        Row::new("Service", "PIDFile", "path", pid_file)
            .shows("PIDFile", of!(s => Text(s.pid_file.clone().unwrap_or_default()))),
        Row::new("Service", "NotifyAccess", "none, main, exec, all", |draft, _, value| {
            draft.notify_access = Some(one_of(value, ACCESSES)?);
            Ok(())
        })
        .shows("NotifyAccess", of!(s => word_of(s.notify_access, ACCESSES))),
        Row::new("Service", "SuccessExitStatus", "exit statuses and signals", |draft, _, value| {
            exit_statuses(&mut draft.service.success_exit_status, value)
        })
        .shows("SuccessExitStatus", of!(s => status_set(&s.success_exit_status))),
        Row::new("Service", "KillMode", "control-group, mixed, process, none", kill_mode)
            .shows("KillMode", of!(s => word_of(s.kill.mode, KILL_MODES)))
            .partly("with process and none, what is left is killed when the namespace ends"),
        Row::new("Service", "KillSignal", "signal", |draft, _, value| {
            draft.service.kill.kill_signal = signal(value)?;
            Ok(())
        })
        .shows("KillSignal", of!(s => Signed(s.kill.kill_signal.into()))),
        Row::new("Service", "FinalKillSignal", "signal", |draft, _, value| {
            draft.service.kill.final_kill_signal = signal(value)?;
            Ok(())
        })
        .shows("FinalKillSignal", of!(s => Signed(s.kill.final_kill_signal.into()))),
        flag!("SendSIGHUP", kill.send_sighup),
        flag!("SendSIGKILL", kill.send_sigkill),
    ];
    rows.extend(bare(
        "Service",
        Standing::NotYet,
        "ExitType TimeoutAbortSec TimeoutStartFailureMode TimeoutStopFailureMode RuntimeMaxSec
         RuntimeRandomizedExtraSec WatchdogSec WatchdogSignal RestartKillSignal
         RestartPreventExitStatus RestartForceExitStatus RootDirectoryStartOnly
         PermissionsStartOnly OOMPolicy FileDescriptorStoreMax Sockets StartLimitAction
         FailureAction SuccessAction RebootArgument",
    ));
    rows.extend(bare(
        "Service",
        Standing::Meaningless("names on the bus are not watched; Type=dbus says so"),
        "BusName",
    ));
    rows.extend(bare(
        "Service",
        Standing::Refused("USB gadgets are set up by the host"),
        "USBFunctionDescriptors USBFunctionStrings",
    ));
    rows.extend(bare(
        "Service",
        Standing::Meaningless("gone from systemd, where it has no effect either"),
        "SysVStartPriority BusPolicy NonBlockingSockets",
    ));
    rows.extend(bare("Service", Standing::Owned, "X-*"));
    rows
}

fn service_type(draft: &mut Draft, cx: &mut Context<'_>, value: &str) -> Result<(), ValueError> {
    if value == "dbus" {
        draft.service_type = Some(ServiceType::Exec);
        let message = "Type=dbus is run as Type=exec: the bus name is not waited for";
        cx.report(Code::NotHonoured, Severity::Warning, message.into(), None);
        return Ok(());
    }
    let chosen = one_of(value, TYPES)?;
    if chosen == ServiceType::Idle {
        let message = "Type=idle is run as Type=simple";
        cx.report(Code::NotHonoured, Severity::Warning, message.into(), None);
    }
    draft.service_type = Some(chosen);
    Ok(())
}

fn kill_mode(draft: &mut Draft, cx: &mut Context<'_>, value: &str) -> Result<(), ValueError> {
    let mode = one_of(value, KILL_MODES)?;
    if matches!(mode, KillMode::Process | KillMode::None) {
        let message = format!(
            "KillMode={value} is honoured in part: what is left is killed when the service's namespace ends"
        );
        cx.report(Code::NotHonoured, Severity::Warning, message, None);
    }
    draft.service.kill.mode = mode;
    Ok(())
}

/// 0 is infinity here.
fn timeout(value: &str) -> Result<Option<u64>, ValueError> {
    let us = parse_timespan(value)?;
    Ok(Some(us).filter(|us| !matches!(us, 0 | &u64::MAX)))
}

fn signal(value: &str) -> Result<i32, ValueError> {
    parse_signal(value).ok_or_else(|| ValueError::not(value, "signal (such as SIGTERM)"))
}

/// A relative path lies under the runtime directory, and /var/run is /run.
fn pid_file(draft: &mut Draft, cx: &mut Context<'_>, value: &str) -> Result<(), ValueError> {
    let path = cx.resolve(value)?;
    draft.service.pid_file = match path.as_str() {
        "" => None,
        absolute if absolute.starts_with('/') => {
            let path = crate::value::absolute_path(absolute)?;
            Some(match path.strip_prefix("/var/run/") {
                Some(rest) => format!("/run/{rest}"),
                None => path,
            })
        }
        relative => Some(simplify_path(&format!(
            "{}/{relative}",
            cx.facts.runtime_dir
        ))),
    };
    Ok(())
}

fn exit_statuses(set: &mut ExitStatusSet, value: &str) -> Result<(), ValueError> {
    if value.is_empty() {
        *set = ExitStatusSet::default();
    }
    for word in value.split_whitespace() {
        if let Some(code) = word.parse().ok().or_else(|| exit_status_from_name(word)) {
            set.codes.insert(code);
        } else if let Some(signal) =
            parse_signal(word).filter(|_| !word.starts_with(|c: char| c.is_ascii_digit()))
        {
            set.signals.insert(signal);
        } else {
            return Err(ValueError::not(
                word,
                "exit status (0 to 255, or a name) or signal",
            ));
        }
    }
    Ok(())
}

fn status_set(set: &ExitStatusSet) -> PropertyValue {
    let codes = set.codes.iter().map(|&code| Signed(code.into()));
    let signals = set.signals.iter().map(|&signal| Signed(signal.into()));
    List(vec![List(codes.collect()), List(signals.collect())])
}

/// systemd shows a command with seven numbers of its last run behind it.
fn commands(
    unit: &Unit,
    role: ExecRole,
    third: fn(&ExecCommand) -> PropertyValue,
) -> Option<PropertyValue> {
    let service: &ServiceSection = unit.service.as_deref()?;
    let one = |command: &ExecCommand| {
        let mut fields = vec![
            Text(command.path.clone()),
            super::texts(&command.argv),
            third(command),
        ];
        fields.extend(std::iter::repeat_n(Unsigned(0), 7));
        List(fields)
    };
    let all = service.exec.get(&role).into_iter().flatten();
    Some(List(all.map(one).collect()))
}

fn flags(command: &ExecCommand) -> PropertyValue {
    let privileges = match command.privileges {
        Privileges::Unit => None,
        Privileges::Full => Some("privileged"),
        Privileges::Elevated => Some("no-setuid"),
        Privileges::ElevatedWithoutAmbient => Some("ambient"),
    };
    super::texts(
        [
            command.ignore_failure.then_some("ignore-failure"),
            privileges,
            command.no_expand.then_some("no-env-expand"),
        ]
        .into_iter()
        .flatten(),
    )
}
