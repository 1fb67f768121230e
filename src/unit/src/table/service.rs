//! [Service]: the life of a service (systemd.service(5)).
use super::directories::{PRESERVE, preserve, preserved};
use super::kind::{self, Kind, SPAN, UNSIGNED};
use super::row::Write;
use super::{Family, Row, Standing, one_of, spelled, word_of};
use crate::command::{has_unknown_escape, parse_commands};
use crate::draft::{Context, Draft};
use crate::model::{
    ExecCommand, ExecRole, ExitStatusSet, NotifyAccess, Privileges, Restart, ServiceType, Unit,
};
use crate::print::spelling;
use crate::property::PropertyValue::{self, Bool, List, Signed, Text, Unsigned};
use crate::property::texts;
use crate::value::{
    ValueError, apply_exit_statuses, format_exit_statuses, parse_bool, parse_timespan,
};

const TYPES: &[(&str, ServiceType)] = &[
    ("simple", ServiceType::Simple),
    ("exec", ServiceType::Exec),
    ("forking", ServiceType::Forking),
    ("oneshot", ServiceType::Oneshot),
    ("dbus", ServiceType::Dbus),
    ("notify", ServiceType::Notify),
    ("notify-reload", ServiceType::NotifyReload),
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
/// Shows something of what a service, socket or mount executes with.
macro_rules! of {
    ($service:ident => $value:expr) => {
        |unit| unit.service.as_deref().map(|$service| $value)
    };
}
pub(super) use of;

/// Writes something of it.
macro_rules! lines {
    ($service:ident => $value:expr) => {
        Write::Lines(|unit| match unit.service.as_deref() {
            Some($service) => $value,
            None => Vec::new(),
        })
    };
}
pub(super) use lines;

/// A flag in the model.
macro_rules! flag {
    ($family:ident, $key:literal, $($field:ident).+) => {
        Row::field(
            Family::$family,
            $key,
            "yes or no",
            |draft, _, value| {
                draft.service.$($field).+ = parse_bool(value)?;
                Ok(())
            },
            lines!(s => vec![spelling::yes_no(s.$($field).+)]),
        )
        .shows($key, of!(s => Bool(s.$($field).+)))
    };
}
pub(super) use flag;

macro_rules! exec {
    ($key:literal, $ex:literal, $role:expr) => {
        field(
            $key,
            "command lines",
            |draft, cx, value| {
                let list = draft.service.exec.entry($role).or_default();
                // An empty line starts over.
                if value.is_empty() {
                    list.clear();
                }
                if has_unknown_escape(value) {
                    let message =
                        format!("{}=: an unknown escape sequence stands for itself", $key);
                    cx.report(
                        crate::Code::BadValue,
                        crate::Severity::Warning,
                        message,
                        None,
                    );
                }
                let (commands, outcome) = match parse_commands(value, |word| cx.resolve(word)) {
                    Ok(commands) => (commands, Ok(())),
                    Err(err) => (err.kept, Err(err.error)),
                };
                list.extend(commands);
                outcome
            },
            lines!(s => {
                let commands = s.exec.get(&$role).into_iter().flatten();
                commands.map(spelling::command).collect()
            }),
        )
        .shows($key, |unit| {
            of_role(unit, $role, |c| Bool(c.ignore_failure))
        })
        .shows($ex, |unit| of_role(unit, $role, flags))
    };
}

macro_rules! statuses {
    ($key:literal, $field:ident) => {
        field(
            $key,
            "exit statuses and signals",
            |draft, _, value| apply_exit_statuses(&mut draft.service.$field, value),
            lines!(s => vec![format_exit_statuses(&s.$field)]),
        )
        .shows($key, of!(s => status_set(&s.$field)))
    };
}

fn field(key: &'static str, value: &str, read: super::row::Read, write: Write) -> Row {
    Row::field(Family::Service, key, value, read, write)
}

fn kept(key: &'static str, kind: Kind, default: PropertyValue) -> Row {
    Row::kept(Family::Service, key, kind, default)
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        field(
            "Type",
            "simple, exec, forking, oneshot, dbus, notify, notify-reload, idle",
            service_type,
            lines!(s => vec![spelled(s.service_type, TYPES)]),
        )
        .follows(&["ExecStart", "BusName"])
        .shows("Type", of!(s => word_of(s.service_type, TYPES)))
        .partly("dbus is run as exec: started once its program runs, not when its name appears"),
        kept("ExitType", Kind::Word(&["main", "cgroup"]), "main".into()).honoured(),
        exec!("ExecCondition", "ExecConditionEx", ExecRole::Condition),
        exec!("ExecStartPre", "ExecStartPreEx", ExecRole::StartPre),
        exec!("ExecStart", "ExecStartEx", ExecRole::Start),
        exec!("ExecStartPost", "ExecStartPostEx", ExecRole::StartPost),
        exec!("ExecReload", "ExecReloadEx", ExecRole::Reload),
        exec!("ExecStop", "ExecStopEx", ExecRole::Stop),
        exec!("ExecStopPost", "ExecStopPostEx", ExecRole::StopPost),
        field(
            "Restart",
            "no, on-success, on-failure, on-abnormal, on-watchdog, on-abort, always",
            |draft, _, value| {
                draft.service.restart = one_of(value, RESTARTS)?;
                Ok(())
            },
            lines!(s => vec![spelled(s.restart, RESTARTS)]),
        )
        .shows("Restart", of!(s => word_of(s.restart, RESTARTS)))
        .live(),
        field(
            "RestartSec",
            "time span",
            |draft, _, value| {
                draft.service.restart_us = parse_timespan(value)?;
                Ok(())
            },
            lines!(s => vec![spelling::span(s.restart_us)]),
        )
        .shows("RestartUSec", of!(s => Unsigned(s.restart_us)))
        .live(),
        // Of systemd 254.
        kept("RestartSteps", UNSIGNED, Unsigned(0))
            .live()
            .honoured(),
        kept("RestartMaxDelaySec", SPAN, PropertyValue::INFINITY)
            .live()
            .honoured(),
        // Our own: at most so much is added to each wait, at random.
        kept("X-RestartJitterSec", SPAN, Unsigned(0))
            .property("")
            .live()
            .honoured(),
        field(
            "TimeoutStartSec",
            "time span, 0 is infinity",
            |draft, _, value| {
                draft.timeout_start = Some(timeout(value)?);
                Ok(())
            },
            lines!(s => vec![time(s.timeout_start_us)]),
        )
        .follows(&["Type"])
        .shows("TimeoutStartUSec", of!(s => us(s.timeout_start_us)))
        .live(),
        field(
            "TimeoutStopSec",
            "time span, 0 is infinity",
            |draft, _, value| {
                draft.service.timeout_stop_us = timeout(value)?;
                Ok(())
            },
            lines!(s => vec![time(s.timeout_stop_us)]),
        )
        .shows("TimeoutStopUSec", of!(s => us(s.timeout_stop_us)))
        .live(),
        field(
            "TimeoutAbortSec",
            "time span, 0 is infinity; empty: as TimeoutStopSec=",
            |draft, _, value| {
                draft.service.timeout_abort_us = match value {
                    "" => None,
                    value => Some(Some(parse_timespan(value)?)),
                };
                Ok(())
            },
            lines!(s => s.timeout_abort_us.into_iter().map(time).collect()),
        )
        .shows(
            "TimeoutAbortUSec",
            of!(s => us(s.timeout_abort_us.unwrap_or(s.timeout_stop_us))),
        )
        .live(),
        field(
            "TimeoutSec",
            "time span, 0 is infinity",
            |draft, _, value| {
                draft.timeout_start = Some(timeout(value)?);
                draft.service.timeout_stop_us = timeout(value)?;
                Ok(())
            },
            Write::Elsewhere,
        )
        .live(),
        kept("TimeoutStartFailureMode", FAILURE_MODE, "terminate".into())
            .live()
            .honoured(),
        kept("TimeoutStopFailureMode", FAILURE_MODE, "terminate".into())
            .live()
            .honoured(),
        kept("RuntimeMaxSec", SPAN, PropertyValue::INFINITY)
            .live()
            .honoured(),
        kept("RuntimeRandomizedExtraSec", SPAN, Unsigned(0))
            .live()
            .honoured(),
        kept("WatchdogSec", SPAN, Unsigned(0)).honoured(),
        flag!(Service, "RemainAfterExit", remain_after_exit),
        flag!(Service, "GuessMainPID", guess_main_pid),
        field(
            "PIDFile",
            "path",
            pid_file,
            lines!(s => {
                s.pid_file.iter().map(|path| spelling::text(path)).collect()
            }),
        )
        .shows(
            "PIDFile",
            of!(s => Text(s.pid_file.clone().unwrap_or_default())),
        ),
        field(
            "NotifyAccess",
            "none, main, exec, all",
            |draft, _, value| {
                draft.notify_access = Some(one_of(value, ACCESSES)?);
                Ok(())
            },
            lines!(s => vec![spelled(s.notify_access, ACCESSES)]),
        )
        .follows(&["Type", "WatchdogSec", "FileDescriptorStoreMax"])
        .shows("NotifyAccess", of!(s => word_of(s.notify_access, ACCESSES))),
        statuses!("SuccessExitStatus", success_exit_status),
        statuses!("RestartPreventExitStatus", restart_prevent_exit_status).live(),
        statuses!("RestartForceExitStatus", restart_force_exit_status).live(),
        kept("RootDirectoryStartOnly", Kind::Flag, Bool(false)).honoured(),
        kept("PermissionsStartOnly", Kind::Flag, Bool(false))
            .property("")
            .honoured(),
        kept(
            "OOMPolicy",
            Kind::Word(&["continue", "stop", "kill"]),
            "stop".into(),
        )
        .follows(&["Delegate"])
        .honoured(),
        kept("NonBlocking", Kind::Flag, Bool(false)),
        kept("FileDescriptorStoreMax", UNSIGNED, Unsigned(0)).honoured(),
        preserved!("FileDescriptorStorePreserve", descriptor_store_preserve).live(),
        field(
            "Sockets",
            "names of sockets",
            sockets,
            Write::Lines(|unit| {
                let names = unit.unit.triggered_by.iter();
                spelling::joined(names.map(ToString::to_string))
            }),
        )
        .live()
        .not_yet(),
        kept("BusName", BUS_NAME, PropertyValue::blank())
            .meaningless("names on the bus are not watched; Type=dbus says so"),
        kept("USBFunctionDescriptors", kind::PATH, PropertyValue::blank()).refused(USB),
        kept("USBFunctionStrings", kind::PATH, PropertyValue::blank()).refused(USB),
        // Where these stood before systemd 230.
        Row::moved_to_unit(
            Family::Service,
            "StartLimitInterval",
            "StartLimitIntervalSec",
        ),
        Row::moved_to_unit(Family::Service, "StartLimitBurst", "StartLimitBurst"),
        Row::moved_to_unit(Family::Service, "StartLimitAction", "StartLimitAction"),
        Row::moved_to_unit(Family::Service, "FailureAction", "FailureAction"),
        Row::moved_to_unit(Family::Service, "SuccessAction", "SuccessAction"),
        Row::moved_to_unit(Family::Service, "RebootArgument", "RebootArgument"),
    ];
    for key in ["SysVStartPriority", "BusPolicy", "NonBlockingSockets"] {
        let gone = Standing::Meaningless("gone from systemd, where it has no effect either");
        rows.push(Row::nothing(Family::Service, key, gone));
    }
    rows.push(Row::nothing(Family::Service, "X-*", Standing::Owned));
    rows
}

const USB: &str = "USB gadgets are set up by the host";
const FAILURE_MODE: Kind = Kind::Word(&["terminate", "abort", "kill"]);

/// A well-known name on the bus.
const BUS_NAME: Kind = Kind::By(
    "bus name",
    |value, cx, text| {
        let name = cx.resolve(text)?;
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        // One that the bus itself gives out, such as `:1.7`, is of numbers.
        let unique = name.starts_with(':');
        let element = |part: &str| {
            !part.is_empty()
                && (unique || !part.starts_with(|c: char| c.is_ascii_digit()))
                && part.chars().all(legal)
        };
        let elements = name.strip_prefix(':').unwrap_or(&name);
        match elements.contains('.') && elements.split('.').all(element) && name.len() <= 255 {
            true => *value = Text(name),
            false => {
                return Err(ValueError::not(
                    &name,
                    "bus name (such as org.example.Name)",
                ));
            }
        }
        Ok(())
    },
    kind::SPELL_TEXT,
);

/// As it is read: no limit is infinity.
fn time(time: Option<u64>) -> String {
    spelling::span(time.unwrap_or(u64::MAX))
}

fn us(time: Option<u64>) -> PropertyValue {
    Unsigned(time.unwrap_or(u64::MAX))
}

fn sockets(draft: &mut Draft, cx: &mut Context<'_>, value: &str) -> Result<(), ValueError> {
    let (names, wrong) = super::unit::unit_names(cx, value)?;
    for name in names {
        if name.kind() != crate::UnitKind::Socket {
            return Err(ValueError::not(name.as_str(), "socket unit"));
        }
        draft.unit.wants.insert(name.clone());
        draft.unit.triggered_by.insert(name);
    }
    wrong
}

fn service_type(draft: &mut Draft, cx: &mut Context<'_>, value: &str) -> Result<(), ValueError> {
    let chosen = one_of(value, TYPES)?;
    let run_as = match chosen {
        ServiceType::Dbus => Some("Type=dbus is run as Type=exec: the bus name is not waited for"),
        ServiceType::Simple
        | ServiceType::Idle
        | ServiceType::Exec
        | ServiceType::Forking
        | ServiceType::Oneshot
        | ServiceType::Notify
        | ServiceType::NotifyReload => None,
    };
    if let Some(message) = run_as {
        cx.report(
            crate::Code::NotHonoured,
            crate::Severity::Warning,
            message.into(),
            None,
        );
    }
    draft.service_type = Some(chosen);
    Ok(())
}

/// 0 is infinity here.
fn timeout(value: &str) -> Result<Option<u64>, ValueError> {
    let us = parse_timespan(value)?;
    Ok(Some(us).filter(|us| !matches!(us, 0 | &u64::MAX)))
}

/// A relative path lies under the runtime directory, and /var/run is /run.
fn pid_file(draft: &mut Draft, cx: &mut Context<'_>, value: &str) -> Result<(), ValueError> {
    let path = cx.resolve(value)?;
    draft.service.pid_file = match path.as_str() {
        "" if value.is_empty() => None,
        "" => return Err(ValueError::not(value, "path: it resolves to nothing")),
        path if path.split('/').any(|part| part == "..") => {
            return Err(ValueError::not(path, "path free of '..'"));
        }
        absolute if absolute.starts_with('/') => {
            let path = crate::value::absolute_path(absolute)?;
            Some(match path.strip_prefix("/var/run/") {
                Some(rest) => format!("/run/{rest}"),
                None => path,
            })
        }
        relative => Some(crate::value::simplify_path(&format!(
            "{}/{relative}",
            cx.facts.runtime_dir
        ))),
    };
    Ok(())
}

fn status_set(set: &ExitStatusSet) -> PropertyValue {
    let codes = set.codes.iter().map(|&code| Signed(code.into()));
    let signals = set.signals.iter().map(|&signal| Signed(signal.into()));
    List(vec![List(codes.collect()), List(signals.collect())])
}

fn of_role(
    unit: &Unit,
    role: ExecRole,
    third: fn(&ExecCommand) -> PropertyValue,
) -> Option<PropertyValue> {
    let commands = unit.service.as_deref()?.exec.get(&role);
    Some(shown_commands(commands.map_or(&[], Vec::as_slice), third))
}

/// systemd shows a command with seven numbers of its last run behind it.
pub(crate) fn shown_commands(
    commands: &[ExecCommand],
    third: fn(&ExecCommand) -> PropertyValue,
) -> PropertyValue {
    let one = |command: &ExecCommand| {
        let mut fields = vec![
            Text(command.path.clone()),
            texts(&command.argv),
            third(command),
        ];
        fields.extend(std::iter::repeat_n(Unsigned(0), 7));
        List(fields)
    };
    List(commands.iter().map(one).collect())
}

fn flags(command: &ExecCommand) -> PropertyValue {
    let privileges = match command.privileges {
        Privileges::Unit => None,
        Privileges::Full => Some("privileged"),
        Privileges::Elevated => Some("no-setuid"),
        Privileges::ElevatedWithoutAmbient => Some("ambient"),
    };
    texts(
        [
            command.ignore_failure.then_some("ignore-failure"),
            privileges,
            command.no_expand.then_some("no-env-expand"),
        ]
        .into_iter()
        .flatten(),
    )
}
