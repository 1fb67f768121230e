//! What a process is executed with (systemd.exec(5)): identity, environment, directories,
//! scheduling. Sandboxing, limits and standard streams have tables of their own.
use super::environment::{UNSET, VARIABLES, environment, environment_file};
use super::kind::{self, Kind, spell_number};
use super::row::Write;
use super::service::{flag, lines, of};
use super::{Family, Row, Standing};
use crate::diagnostic::{Code, Severity};
use crate::draft::{Context, Draft};
use crate::model::{ServiceSection, WorkingDirectory};
use crate::print::spelling;
use crate::property::PropertyValue::{self, Bool, List, Signed, Text, Unsigned};
use crate::property::texts;
use crate::settings::Setting;
use crate::text::excerpt;
use crate::value::{
    CpuSet, NameRules, ValueError, absolute_path, apply_capabilities, apply_cpu_set,
    apply_dump_filter, apply_io_class, apply_io_priority, apply_node_set, fit_cpu_priority,
    format_capability_set, format_cpu_policy, format_dump_filter, format_io_class,
    format_numa_policy, parse_bool, parse_cpu_policy, parse_cpu_priority, parse_mode, parse_nice,
    parse_numa_policy, parse_oom_score_adjust, parse_user_name, user_name_is_valid,
};
use crate::words::{Split, Words};

fn field(key: &'static str, value: &str, read: super::row::Read, write: Write) -> Row {
    Row::field(Family::Exec, key, value, read, write)
}

fn kept(key: &'static str, kind: Kind, default: impl Into<Setting>) -> Row {
    Row::kept(Family::Exec, key, kind, default)
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        field(
            "User",
            "user name or uid",
            |draft, cx, value| {
                draft.service.user = account(cx, value)?;
                Ok(())
            },
            lines!(s => s.user.iter().map(|name| spelling::text(name)).collect()),
        )
        .follows(&["DynamicUser"])
        .shows("User", of!(s => Text(s.user.clone().unwrap_or_default()))),
        field(
            "Group",
            "group name or gid",
            |draft, cx, value| {
                draft.service.group = account(cx, value)?;
                Ok(())
            },
            lines!(s => s.group.iter().map(|name| spelling::text(name)).collect()),
        )
        .follows(&["DynamicUser", "User"])
        .shows("Group", of!(s => Text(s.group.clone().unwrap_or_default()))),
        field(
            "SupplementaryGroups",
            "group names or gids",
            |draft, cx, value| {
                if value.is_empty() {
                    draft.service.supplementary_groups.clear();
                }
                let mut wrong = Ok(());
                let mut rest = Words::new(value);
                while let Some(word) = rest
                    .take(&Split::UNQUOTED_LIST)
                    .map_err(|err| ValueError(err.to_string()))?
                {
                    match account(cx, &word) {
                        Ok(group) => draft.service.supplementary_groups.extend(group),
                        Err(err) => wrong = wrong.and(Err(err)),
                    }
                }
                wrong
            },
            lines!(s => {
                let groups = s.supplementary_groups.iter();
                spelling::joined(groups.map(|name| spelling::unquoted_word(name)))
            }),
        )
        .shows(
            "SupplementaryGroups",
            of!(s => texts(&s.supplementary_groups)),
        ),
        field(
            "WorkingDirectory",
            "path, or ~",
            working_directory,
            lines!(s => {
                s.working_directory.iter().map(spelled_directory).collect()
            }),
        )
        .shows("WorkingDirectory", of!(s => Text(shown_directory(s)))),
        field(
            "Environment",
            "assignments",
            environment,
            lines!(s => {
                let assignments = s.environment.iter();
                let assignments = assignments.map(|(name, value)| format!("{name}={value}"));
                spelling::joined(assignments.map(|text| spelling::argument(&text)))
            }),
        )
        .shows(
            "Environment",
            of!(s => texts(s.environment.iter().map(|(key, value)| format!("{key}={value}")))),
        ),
        field(
            "EnvironmentFile",
            "path",
            environment_file,
            lines!(s => {
                let files = s.environment_files.iter();
                files.map(|file| spelling::marked(file.optional, &spelling::text(&file.path))).collect()
            }),
        )
        .shows(
            "EnvironmentFiles",
            of!(s => List(
                s.environment_files
                    .iter()
                    .map(|file| List(vec![Text(file.path.clone()), Bool(file.optional)]))
                    .collect()
            )),
        ),
        field(
            "UMask",
            "octal mode",
            |draft, _, value| {
                draft.service.umask = parse_mode(value)?;
                Ok(())
            },
            lines!(s => vec![spelling::mode(s.umask.into())]),
        )
        .shows("UMask", of!(s => Unsigned(s.umask.into()))),
        field(
            "Nice",
            "-20 to 19",
            |draft, _, value| {
                draft.service.nice = match value {
                    "" => None,
                    value => Some(parse_nice(value)?),
                };
                Ok(())
            },
            lines!(s => s.nice.iter().map(ToString::to_string).collect()),
        )
        .shows("Nice", of!(s => Signed(s.nice.unwrap_or(0).into()))),
        field(
            "OOMScoreAdjust",
            "-1000 to 1000",
            |draft, _, value| {
                draft.service.oom_score_adjust = match value {
                    "" => None,
                    value => Some(parse_oom_score_adjust(value)?),
                };
                Ok(())
            },
            lines!(s => s.oom_score_adjust.iter().map(ToString::to_string).collect()),
        )
        .shows(
            "OOMScoreAdjust",
            of!(s => Signed(s.oom_score_adjust.unwrap_or(0).into())),
        ),
        flag!(Exec, "NoNewPrivileges", no_new_privileges).follows(&["DynamicUser"]),
        field(
            "CapabilityBoundingSet",
            "capabilities, ~ inverts",
            |draft, _, value| {
                let set = draft.bounding_set.get_or_insert(u64::MAX);
                apply_capabilities(set, u64::MAX, value)
            },
            lines!(s => vec![format_capability_set(s.capability_bounding_set)]),
        )
        .follows(&[
            "PrivateDevices",
            "ProtectKernelModules",
            "ProtectKernelLogs",
            "ProtectClock",
        ])
        .shows(
            "CapabilityBoundingSet",
            of!(s => Unsigned(s.capability_bounding_set)),
        ),
        field(
            "AmbientCapabilities",
            "capabilities, ~ inverts",
            |draft, _, value| {
                let set = draft.ambient_set.get_or_insert(0);
                apply_capabilities(set, 0, value)
            },
            lines!(s => vec![format_capability_set(s.ambient_capabilities)]),
        )
        .shows(
            "AmbientCapabilities",
            of!(s => Unsigned(s.ambient_capabilities)),
        ),
        kept("DynamicUser", Kind::Flag, Bool(false))
            .honoured(),
        kept("PassEnvironment", VARIABLES, PropertyValue::empty()).honoured(),
        kept("UnsetEnvironment", UNSET, PropertyValue::empty()).honoured(),
        kept("ExecSearchPath", SEARCH_PATH, PropertyValue::empty()).honoured(),
        kept("PAMName", kind::TEXT, PropertyValue::blank())
            .refused("the helper is static: PAM's modules can't be loaded there"),
        kept(
            "KeyringMode",
            Kind::Word(&["inherit", "private", "shared"]),
            "private",
        )
        .honoured(),
        kept("IgnoreSIGPIPE", Kind::Flag, Bool(true)).honoured(),
        kept("TimerSlackNSec", TIMER_SLACK, Unsigned(50_000)).property("TimerSlackNSec").honoured(),
        kept("CoredumpFilter", COREDUMP_FILTER, Unsigned(0x33)).honoured(),
        field(
            "CPUSchedulingPolicy",
            "other, batch, idle, fifo, rr",
            |draft, _, value| {
                let service = &mut draft.service;
                let value = if value.is_empty() { "other" } else { value };
                service.cpu_policy = parse_cpu_policy(value)?;
                service.cpu_priority = fit_cpu_priority(service.cpu_policy, service.cpu_priority);
                Ok(())
            },
            lines!(s => vec![format_cpu_policy(s.cpu_policy)]),
        )
        .shows("CPUSchedulingPolicy", of!(s => Signed(s.cpu_policy.into()))),
        field(
            "CPUSchedulingPriority",
            "0 to 99",
            |draft, _, value| {
                draft.service.cpu_priority = parse_cpu_priority(value)?;
                Ok(())
            },
            lines!(s => vec![s.cpu_priority.to_string()]),
        )
        .follows(&["CPUSchedulingPolicy"])
        .shows(
            "CPUSchedulingPriority",
            of!(s => Signed(s.cpu_priority.into())),
        ),
        kept("CPUSchedulingResetOnFork", Kind::Flag, Bool(false)).honoured(),
        kept("CPUAffinity", AFFINITY, Setting::Cpus(CpuSet::default()))
            .partly("`numa` is refused: the CPUs of the nodes are not looked up"),
        kept("NUMAPolicy", NUMA_POLICY, Signed(-1)).honoured(),
        kept("NUMAMask", NUMA_MASK, Setting::Cpus(CpuSet::default())).honoured(),
        field(
            "IOSchedulingClass",
            "none, realtime, best-effort, idle",
            |draft, _, value| apply_io_class(&mut draft.service.io, value),
            lines!(s => vec![format_io_class(s.io.class)]),
        )
        .shows("IOSchedulingClass", of!(s => Signed(s.io.class.into()))),
        field(
            "IOSchedulingPriority",
            "0 to 7",
            |draft, _, value| apply_io_priority(&mut draft.service.io, value),
            lines!(s => vec![s.io.priority.to_string()]),
        )
        .shows(
            "IOSchedulingPriority",
            of!(s => Signed(s.io.priority.into())),
        ),
        kept("TimeoutCleanSec", kind::SPAN, PropertyValue::INFINITY).live(),
    ];
    let gone = Standing::Meaningless("gone from systemd, where it has no effect either");
    rows.push(Row::nothing(Family::Exec, "Capabilities", gone));
    rows
}

/// A user or group, by name or number. Whether the host has it shows when the unit starts.
pub(super) fn account(cx: &mut Context<'_>, value: &str) -> Result<Option<String>, ValueError> {
    if value.is_empty() {
        return Ok(None);
    }
    // What resolves to nothing is no name: it would be root.
    let name = cx.resolve(value)?;
    let name = parse_user_name(&name, NameRules::DIRECTIVE)?;
    let usual = NameRules {
        relaxed: false,
        ..NameRules::DIRECTIVE
    };
    if !user_name_is_valid(&name, usual) {
        let message = format!("'{}' is an unusual name of a user or group", excerpt(&name));
        cx.report(Code::BadValue, Severity::Warning, message, None);
    }
    Ok(Some(name))
}

fn working_directory(
    draft: &mut Draft,
    cx: &mut Context<'_>,
    value: &str,
) -> Result<(), ValueError> {
    let (optional, rest) = match value.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    draft.service.working_directory = match rest {
        "" if optional => return Err(ValueError::not(value, "path")),
        "" => None,
        "~" => Some(WorkingDirectory {
            path: None,
            optional,
        }),
        path => Some(WorkingDirectory {
            path: Some(absolute_path(&cx.resolve(path)?)?),
            optional,
        }),
    };
    Ok(())
}

fn spelled_directory(directory: &WorkingDirectory) -> String {
    let path = directory.path.as_deref().unwrap_or("~");
    spelling::marked(directory.optional, &spelling::text(path))
}

fn shown_directory(service: &ServiceSection) -> String {
    service
        .working_directory
        .as_ref()
        .map_or(String::new(), |directory| {
            let mark = if directory.optional { "!" } else { "" };
            format!("{mark}{}", directory.path.as_deref().unwrap_or("~"))
        })
}

/// Directories between colons.
const SEARCH_PATH: Kind = Kind::By(
    "directories between colons",
    |value, cx, text| {
        if text.is_empty() {
            *value = PropertyValue::empty();
            return Ok(());
        }
        let mut parts = Words::new(text);
        // The first one that is no path ends the list.
        while let Some(part) = parts
            .take(&Split::FIELDS)
            .map_err(|err| ValueError(err.to_string()))?
        {
            let path = absolute_path(&cx.resolve(&part)?)?;
            value.items_mut().push(Text(path));
        }
        Ok(())
    },
    |value| {
        let paths = value.items().iter().map(PropertyValue::text);
        let paths: Vec<String> = paths.map(spelling::field).collect();
        vec![paths.join(":")]
    },
);

const TIMER_SLACK: Kind = Kind::By(
    "time span, in ns without a unit",
    |value, _, text| {
        *value = Unsigned(match crate::value::parse_nanoseconds(text)? {
            // It stands for the default.
            u64::MAX => 50_000,
            ns => ns,
        });
        Ok(())
    },
    spell_number!(spelling::nanoseconds),
);

/// What is dumped unless a unit says otherwise (core(5)).
const DUMPED: u64 = 0x33;

const COREDUMP_FILTER: Kind = Kind::By(
    "kinds of mapping, or a hexadecimal mask",
    |value, _, text| {
        let mut mask = match value {
            Unsigned(DUMPED) => None,
            Unsigned(mask) => Some(*mask),
            Bool(_) | Signed(_) | Text(_) | List(_) => None,
        };
        let wrong = apply_dump_filter(&mut mask, text);
        *value = Unsigned(mask.unwrap_or(DUMPED));
        wrong
    },
    spell_number!(format_dump_filter),
);

const AFFINITY: Kind = Kind::Typed(
    "CPUs (0-3,8), or numa",
    |value, _, text| {
        if text == "numa" {
            *value = Setting::Plain(text.into());
            return Err(ValueError("numa is not honoured yet".into()));
        }
        if let Setting::Plain(_) = value {
            *value = Setting::Cpus(CpuSet::default());
        }
        let Setting::Cpus(set) = value else {
            unreachable!("the default of the row is of the same type");
        };
        apply_cpu_set(set, text)
    },
    |value| match value {
        Setting::Cpus(set) => vec![set.to_line()],
        _ => vec!["numa".into()],
    },
);

const NUMA_POLICY: Kind = Kind::By(
    "default, preferred, bind, interleave, local",
    |value, _, text| {
        *value = Signed(parse_numa_policy(text)?.into());
        Ok(())
    },
    |value| vec![format_numa_policy(kind::signed(value))],
);

/// Nodes that `all` stands for: the first one, where nothing else is known.
const NUMA_MASK: Kind = kind::typed!(
    "nodes, or all",
    Cpus,
    |set, text| apply_node_set(set, text, 0),
    |set: &CpuSet| vec![set.to_line()]
);
